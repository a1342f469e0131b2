/** The frame that all decoders share: embedding, layers, final norm, head. */
import { EngineError } from '../../errors.ts';
import type {
  CacheLayer,
  ConsumerOption,
  DynamicRotary,
  KVCache,
  KVLayer,
  Matrix,
  ModelOps,
  Ops,
  RotarySpec,
  Step,
} from '../../kernels/ops.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { LayerCache } from '../cache-plan.ts';
import type { CausalLM, StepTensors } from '../causal-lm.ts';
import type { ModelConfig } from '../config.ts';
import type { ScoreHead } from './score-head.ts';

/** What differs. x is the residual stream [T, H] f32; K: the kinds of cache that `caches` says, layer by layer. */
interface DecoderParts<K extends CacheLayer> {
  readonly config: ModelConfig;
  readonly caches: readonly LayerCache[];
  /** [V, H]; not looked at in a reward model. */
  readonly head: Matrix;
  /** [V], added to the logits. */
  readonly headBias?: Tensor;
  readonly scoreHead: ScoreHead | null;
  readonly rotary?: RotarySpec;
  embed(ops: ModelOps, step: Step): Tensor;
  layer(ops: ModelOps, x: Tensor, i: number, step: Step, cache: K): Tensor;
  /** What is done to the logits [N, V]: a multiplier, a cap. */
  logits?(ops: ModelOps, logits: Tensor): Tensor;
  /** The norm behind the last layer. */
  norm(ops: ModelOps, x: Tensor, option?: ConsumerOption): Tensor;
}

export class Decoder<K extends CacheLayer = KVLayer> implements CausalLM {
  readonly config: ModelConfig;
  readonly caches: readonly LayerCache[];
  readonly scoreHead: ScoreHead | null;
  readonly dynamicRotary: DynamicRotary | null;
  readonly #parts: DecoderParts<K>;

  constructor(parts: DecoderParts<K>) {
    this.config = parts.config;
    this.caches = parts.caches;
    this.scoreHead = parts.scoreHead;
    this.dynamicRotary = parts.rotary?.dynamic ?? null;
    this.#parts = parts;
  }

  layers(ops: ModelOps, step: Step, kv: KVCache): Tensor {
    let x = ops.named('hook_embed', this.#parts.embed(ops, step));
    kv.layers.forEach((layer, i) => {
      const cache = layer as K; // the spec of kv is made of `caches`
      x = ops.scope(`blocks.${i}`, () => ops.named('hook_resid_post', this.#parts.layer(ops, x, i, step, cache)));
    });
    return x;
  }

  hiddenStates(ops: ModelOps, x: Tensor): Tensor {
    return ops.named('ln_final', this.#parts.norm(ops, x));
  }

  logits(ops: ModelOps, x: Tensor): Tensor {
    const { head, headBias: bias } = this.#parts;
    if (this.scoreHead)
      throw new EngineError('internal_error', 'logits asked of a model without a language-model head');
    const normed = ops.named('ln_final', this.#parts.norm(ops, x, { to: head }));
    const logits = ops.matmul(normed, head, bias && { bias });
    return ops.named('logits', this.#parts.logits?.(ops, logits) ?? logits);
  }

  forward(ops: Ops, step: Step, kv: KVCache): StepTensors {
    return ops.program(this, step, (part) => {
      const x = this.layers(part, step, kv);
      return { x, logits: step.numLogits === 0 ? null : this.logits(part, part.takeLogitRows(x, step)) };
    });
  }
}
