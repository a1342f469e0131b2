/** The frame that all decoders share: embedding, layers, final norm, head. */
import { EngineError } from '../../errors.ts';
import type {
  ConsumerOption,
  DynamicRotary,
  KVCache,
  KVLayer,
  Matrix,
  Ops,
  RotarySpec,
  Step,
} from '../../kernels/ops.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { LayerCache } from '../cache-plan.ts';
import type { CausalLM } from '../causal-lm.ts';
import type { ModelConfig } from '../config.ts';
import type { ScoreHead } from './score-head.ts';

/** What differs. x is the residual stream [T, H] f32. */
interface DecoderParts {
  readonly config: ModelConfig;
  readonly caches: readonly LayerCache[];
  /** [V, H]; not looked at in a reward model. */
  readonly head: Matrix;
  /** [V], added to the logits. */
  readonly headBias?: Tensor;
  readonly scoreHead: ScoreHead | null;
  readonly rotary?: RotarySpec;
  embed(ops: Ops, step: Step): Tensor;
  layer(ops: Ops, x: Tensor, i: number, step: Step, kv: KVLayer): Tensor;
  /** What is done to the logits [N, V]: a multiplier, a cap. */
  logits?(ops: Ops, logits: Tensor): Tensor;
  /** The norm behind the last layer. */
  norm(ops: Ops, x: Tensor, option?: ConsumerOption): Tensor;
}

export class Decoder implements CausalLM {
  readonly config: ModelConfig;
  readonly caches: readonly LayerCache[];
  readonly scoreHead: ScoreHead | null;
  readonly dynamicRotary: DynamicRotary | null;
  readonly #parts: DecoderParts;

  constructor(parts: DecoderParts) {
    this.config = parts.config;
    this.caches = parts.caches;
    this.scoreHead = parts.scoreHead;
    this.dynamicRotary = parts.rotary?.dynamic ?? null;
    this.#parts = parts;
  }

  layers(ops: Ops, step: Step, kv: KVCache): Tensor {
    let x = this.#parts.embed(ops, step);
    kv.layers.forEach((layer, i) => {
      x = ops.scope(() => this.#parts.layer(ops, x, i, step, layer));
    });
    return x;
  }

  hiddenStates(ops: Ops, x: Tensor): Tensor {
    return this.#parts.norm(ops, x);
  }

  logits(ops: Ops, x: Tensor): Tensor {
    const { head, headBias: bias } = this.#parts;
    if (this.scoreHead)
      throw new EngineError('internal_error', 'logits asked of a model without a language-model head');
    const logits = ops.matmul(this.#parts.norm(ops, x, { to: head }), head, bias && { bias });
    return this.#parts.logits?.(ops, logits) ?? logits;
  }

  forward(ops: Ops, step: Step, kv: KVCache): Tensor {
    return this.logits(ops, ops.takeLogitRows(this.layers(ops, step, kv), step));
  }
}
