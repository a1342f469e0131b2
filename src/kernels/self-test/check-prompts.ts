/**
 * Self-test of attention by matrix units: a prompt of several steps of keys, with scores that rise far above the first ones, so that
 * sums are scaled. (check-program.ts has a few tokens of random numbers.)
 */
import { numel, type Tensor } from '../../tensor/tensor.ts';
import type { AttentionSpec, KVLayer, KVLayerSpec, Ops, StepBatch } from '../ops.ts';
import type { NodeOf } from '../program/recording.ts';
import { checkOp, type Backends, type Wrong } from './check.ts';
import { releaseStorage } from './node-inputs.ts';
import { randomFloats } from './random-inputs.ts';

const LENGTH = 100;
/** From here on keys are eight times as large. */
const RISE = 64;

interface Attention {
  readonly layer: KVLayerSpec;
  readonly spec: AttentionSpec;
}

export async function checkPrompts(backends: Backends, nodes: readonly NodeOf<'attention'>[]): Promise<Wrong[]> {
  if (backends.device.context.variant('attention of prompts') !== 'attention.matrix') return [];
  const found = new Map<string, Attention>();
  for (const {
    args: [, layer, , spec],
  } of nodes) {
    if (layer.kind !== 'kv') continue;
    const { kvHeads, headDim, dtype } = layer;
    const own = { kind: 'kv', kvHeads, headDim, dtype, group: 0 } as const;
    found.set(JSON.stringify([own, { ...spec, sinks: spec.sinks?.shape }]), { layer: own, spec });
  }
  const wrong: Wrong[] = [];
  for (const each of found.values()) {
    const one = await check(backends, each);
    if (one) wrong.push(one);
  }
  return wrong;
}

async function check(backends: Backends, { layer, spec }: Attention): Promise<Wrong | null> {
  const { heads, sinks } = spec;
  const width = (heads + 2 * layer.kvHeads) * layer.headDim;
  const groups = [{ slots: LENGTH, window: null }];
  const inputs = new Map(
    [backends.device, backends.reference].map((ops: Ops) => {
      const kv = ops.createKVCache({ layers: [layer], groups, maxRequests: 1, maxLength: LENGTH });
      const qkv = ops.uploadF32(rising(layer, spec), [LENGTH, width]);
      const own = sinks && { sinks: ops.uploadF32(randomFloats(2, numel(sinks.shape)), sinks.shape) };
      const step = ops.beginStep(prompt(), kv);
      return [ops, { layer: kv.layers[0] as KVLayer, step, qkv, spec: { ...spec, ...own } }];
    }),
  );
  const wrong = await checkOp('attention', backends, (ops): Tensor => {
    const own = inputs.get(ops)!;
    const q = ops.rotaryStoreKV(own.qkv, null, own.layer, own.step);
    return ops.attention(q, own.layer, own.step, own.spec);
  });
  backends.device.endStep();
  for (const own of inputs.values()) for (const made of [own.qkv, own.spec.sinks]) releaseStorage(made?.storage);
  return wrong;
}

function prompt(): StepBatch {
  const all = Uint32Array.from({ length: LENGTH }, (_, i) => i);
  return {
    ...{ tokenIds: all, positions: all, slots: [all], tableRows: new Uint32Array(LENGTH) },
    logitIndices: Uint32Array.of(LENGTH - 1),
  };
}

/**
 * Queries, keys and values `[T, (Hq + 2 Hkv)·D]` that f16 holds exactly: where scores are large, rounding their operands would not
 * be small. Scores of the first keys are about 1.
 */
function rising({ kvHeads, headDim }: KVLayerSpec, { heads, scale }: AttentionSpec): Float32Array {
  const width = (heads + 2 * kvHeads) * headDim;
  const ofQueries = 2 ** Math.round(Math.log2(2 / (scale * headDim ** 0.5)));
  return randomFloats(1, LENGTH * width).map((value, i) => {
    const head = Math.floor((i % width) / headDim);
    const position = Math.floor(i / width);
    const isKey = head >= heads && head < heads + kvHeads;
    const factor = head < heads ? ofQueries : isKey && position >= RISE ? 8 : 1;
    return (Math.round(value * 32) / 32) * factor;
  });
}
