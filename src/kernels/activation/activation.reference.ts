import type { Activation } from '../ops.ts';

/**
 * `silu(x) = x / (1 + exp(-x))` (Elfwing et al. 2017); `gelu_tanh(x) = x/2 · (1 + tanh(√(2/π) · (x + 0.044715·x³)))`,
 * GELU's tanh form (Hendrycks and Gimpel 2016): `gelu_new` and `gelu_pytorch_tanh` in config.json.
 */
export function activationReference(x: number, activation: Activation): number {
  switch (activation) {
    case 'silu':
      return x / (1 + Math.exp(-x));
    case 'gelu_tanh':
      return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
    default:
      return activation satisfies never;
  }
}
