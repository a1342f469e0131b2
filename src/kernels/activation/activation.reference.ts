import type { Activation } from '../ops.ts';

/**
 * 2/√π · exp(-x²) · Σ 2ⁿ·x^(2n+1) / (1·3·…·(2n+1)): Abramowitz and Stegun 1964, 7.1.6. No term is negative, so none of
 * float64's digits cancel; beyond 6 it is 1.
 */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = 0;
  for (let n = 1; sum + term !== sum; n++) {
    sum += term;
    term *= (2 * x * x) / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/**
 * `silu(x) = x / (1 + exp(-x))` (Elfwing et al. 2017); `gelu_tanh(x) = x/2 · (1 + tanh(√(2/π) · (x + 0.044715·x³)))`,
 * GELU's tanh form (Hendrycks and Gimpel 2016): `gelu_new` and `gelu_pytorch_tanh` in config.json; `gelu(x) = x/2 · (1 +
 * erf(x / √2))`, its exact form; `relu(x) = max(x, 0)`; `relu2(x) = relu(x)²` (So et al. 2021).
 */
export function activationReference(x: number, activation: Activation): number {
  switch (activation) {
    case 'silu':
      return x / (1 + Math.exp(-x));
    case 'gelu_tanh':
      return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
    case 'gelu':
      return 0.5 * x * (1 + erf(x / Math.SQRT2));
    case 'relu':
      return Math.max(x, 0);
    case 'relu2':
      return Math.max(x, 0) ** 2;
    default:
      return activation satisfies never;
  }
}
