/** The fused decoder layer against the same layer op by op, bit by bit, with several workgroups that wait for each other. */
import t from 'tap';
import { openGpu } from '../../src/gpu/device.ts';
import type { Linear, MatmulOption, ModelOps, ProgramResult, Step } from '../../src/kernels/ops.ts';
import { ReferenceOps } from '../../src/kernels/reference-ops.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { attend, gatedMlp, runDecoderLayer, type DecoderLayer } from '../../src/model/layers/decoder-layer.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { decodeLayer, layerStep, smallAdapters, smallLayer, type LayerShape } from '../helpers/decoder-layers.ts';
import { dryGpu } from '../helpers/dry-gpu.ts';
import { relativeError } from '../helpers/model-exam.ts';
import { randomFloats } from '../helpers/random.ts';

// Most of the time is lavapipe's compiler, where no shader cache has the kernels yet.

/** Dispatches of one layer as a program. */
function dispatchesOf(ops: WebGPUOps, layer: DecoderLayer, x: Tensor, step: Step): number {
  const { recorder } = ops.context;
  const before = recorder.dispatches;
  ops.program({}, step, (part) => ({ y: runDecoderLayer(part, x, layer, step) }));
  return recorder.dispatches - before;
}

interface Shape extends LayerShape {
  /** Rows of a step: one token a tile up to two rows, then tiles of four. A kernel takes lavapipe's compiler half a minute. */
  readonly rows: readonly number[];
  /** With robust shaders, too. */
  readonly robust?: readonly number[];
}

const shapes: Shape[] = [
  {
    ...smallLayer,
    rows: [1, 2, 4, 6],
    robust: [6],
  },
  {
    ...smallLayer,
    name: 'int8 in groups of 16, int8 keys, odd blocks, three heads a KV head, biases, a part that rotates, window, cap',
    hidden: 192,
    heads: 3,
    kvHeads: 1,
    headDim: 64,
    format: 'int8',
    groupSize: 16,
    kvDtype: 'int8',
    biases: ['qkv', 'o', 'gateUp', 'down'],
    rotaryDim: 44,
    slidingWindow: 5,
    softcap: 20,
    rows: [1, 6],
  },
  {
    ...smallLayer,
    name: 'int4 cache, norms of heads, GELU, neighbours that rotate by the step, a bias, heads wider than the stream',
    kvDtype: 'int4',
    hidden: 64,
    heads: 6,
    kvHeads: 3,
    headNorms: true,
    activation: 'gelu_tanh',
    biases: ['down'],
    rotaryDim: 20,
    interleaved: true,
    dynamic: true,
    rows: [2],
  },
  {
    ...smallLayer,
    name: 'adapters',
    adapters: smallAdapters,
    rows: [1, 6],
  },
];

for (const robustness of [false, true]) {
  t.test(robustness ? 'robust shaders' : 'shaders of production', async (t) => {
    const gpu = await openGpu({ validation: true, robustness });
    t.teardown(() => gpu.destroy());
    if (gpu.kernelSet !== 'lavapipe') {
      t.pass('this adapter has no fused layer');
      return;
    }
    const options = { activations: 'int8' } as const;
    for (const shape of shapes) {
      for (const rows of (robustness ? shape.robust : shape.rows) ?? []) {
        const wanted = await decodeLayer(new WebGPUOps(gpu, { ...options, fusion: false }), shape, rows, 10);
        const found = await decodeLayer(new WebGPUOps(gpu, options), shape, rows, 10);
        const name = `${shape.name}, ${rows} rows`;
        if (shape.adapters) {
          const defined = await decodeLayer(new ReferenceOps(), shape, rows, 1);
          const error = relativeError(found.y[0], defined.y[0]);
          t.ok(error < 0.05, `${name}: ${error} from the reference, whose activations are f32`);
        }
        t.same(found.dispatches, Array<number>(10).fill(1), `${name}: every step was fused`);
        for (const [p, y] of found.y.entries()) {
          const most = y.reduce((m, v, i) => Math.max(m, Math.abs(v - wanted.y[p][i])), 0);
          t.equal(most, 0, `${name}, position ${p}: the same numbers`);
        }
      }
    }
  });
}

t.test('a layer with something that the fused kernel does not know goes op by op', async (t) => {
  const ops = new WebGPUOps(dryGpu('lavapipe'), { activations: 'int8' });
  const { layer, x, step } = await layerStep(ops, smallLayer, 1);
  const weight = ops.uploadF32(randomFloats(2, smallLayer.headDim), [smallLayer.headDim]);
  const more = { sinks: weight };
  const count = (changed: Partial<DecoderLayer>, at = step) => dispatchesOf(ops, { ...layer, ...changed }, x, at);
  t.equal(count({}), 1, 'the layer itself is fused');
  const norms = { query: weight, key: weight };
  t.equal(count({ headNorms: norms, activation: 'gelu' }), 1, 'and with what the kernel takes besides');
  const biased = (linear: Linear): Linear => ({ ...linear, bias: weight });
  const others: Record<string, Partial<DecoderLayer>> = {
    'more vectors than a kernel binds': {
      ...{ qkv: biased(layer.qkv), o: biased(layer.o), down: biased(layer.down) },
      headNorms: norms,
    },
    'LayerNorm of heads': { headNorms: { ...norms, kind: 'layer' } },
    'a norm of all heads': { headNorms: { ...norms, over: 'heads' } },
    'a weight for each head': { headNorms: { ...norms, query: layer.inputNorm } },
    'a field of the norms of heads': { headNorms: { ...norms, ...more } },
    'no rotation': { rotary: null },
    'distances in place of positions': { attention: { ...layer.attention, alibi: 1 } },
    'sinks of attention': { attention: { ...layer.attention, sinks: layer.inputNorm } },
    'a field of its rotation': { rotary: { ...layer.rotary!, ...more } },
    'a field of its attention': { attention: { ...layer.attention, ...more } },
    'a field of its cache': { kv: { ...layer.kv, ...more } },
    'a field of a matrix': { down: { weight: { ...layer.down.weight, ...more } } },
  };
  for (const [what, changed] of Object.entries(others)) t.ok(count(changed) > 1, what);
  t.ok(count({}, { ...step, ...more }) > 1, 'a field of the step');
  t.ok(count({}, { ...step, batch: { ...step.batch, ...more } }) > 1, 'a field of the batch');
  ops.endStep();
});

t.test('what the layer makes on the way and somebody else wants is made: op by op', async (t) => {
  const ops = new WebGPUOps(dryGpu('lavapipe'), { activations: 'int8' });
  const { layer, x, step } = await layerStep(ops, smallLayer, 1);
  const { recorder } = ops.context;
  const count = (body: (part: ModelOps, attended: Tensor, mlpIn: Tensor) => ProgramResult): number => {
    const before = recorder.dispatches;
    ops.program({}, step, (part) => {
      const rms = { kind: 'rms', weight: layer.inputNorm, eps: layer.eps } as const;
      const attended = attend(part, part.norm(x, rms), layer, step, x);
      return body(part, attended, part.norm(attended, rms, { to: layer.gateUp.weight }));
    });
    return recorder.dispatches - before;
  };
  t.equal(
    count((part, attended, mlpIn) => ({ y: gatedMlp(part, mlpIn, layer, attended) })),
    1,
    'the layer',
  );
  const elsewhere: Record<string, Parameters<typeof count>[0]> = {
    'a result': (part, attended, mlpIn) => ({ y: gatedMlp(part, mlpIn, layer, attended), attended }),
    'an input of another op': (part, attended, mlpIn) => ({
      y: part.add(gatedMlp(part, mlpIn, layer, attended), attended),
    }),
    'another residual': (part, _, mlpIn) => ({ y: gatedMlp(part, mlpIn, layer, x) }),
    'no residual': (part, _, mlpIn) => ({ y: gatedMlp(part, mlpIn, layer) }),
    'an option of an op': (part, attended, mlpIn) => {
      const option = { lora: attended } as MatmulOption;
      const gateUp = part.matmul(mlpIn, layer.gateUp.weight, option);
      const active = part.gatedMul(gateUp, layer.activation, { to: layer.down.weight });
      return { y: part.matmul(active, layer.down.weight, { residual: attended }) };
    },
  };
  for (const [what, body] of Object.entries(elsewhere)) t.ok(count(body) > 1, what);
  ops.endStep();
});

/** Each op of the layer as somebody might swap it: the kernel that is there, on something else. */
const swaps: Record<string, (base: typeof WebGPUOps) => typeof WebGPUOps> = {
  norm: (base) =>
    class extends base {
      override norm(...[x, norm, option]: Parameters<WebGPUOps['norm']>): Tensor {
        return super.norm(x, { ...norm, eps: 0.1 }, option);
      }
    },
  headNorm: (base) =>
    class extends base {
      override headNorm(...[qkv, norms, , layer]: Parameters<WebGPUOps['headNorm']>): Tensor {
        return super.headNorm(qkv, norms, 10, layer);
      }
    },
  matmul: (base) =>
    class extends base {
      override matmul(...[x, w, option]: Parameters<WebGPUOps['matmul']>): Tensor {
        return super.matmul(x, w, option?.residual ? { residual: super.add(option.residual, option.residual) } : {});
      }
    },
  rotaryStoreKV: (base) =>
    class extends base {
      override rotaryStoreKV(...[qkv, , layer, step]: Parameters<WebGPUOps['rotaryStoreKV']>): Tensor {
        return super.rotaryStoreKV(qkv, null, layer, step);
      }
    },
  attention: (base) =>
    class extends base {
      override attention(...[q, layer, step, spec, option]: Parameters<WebGPUOps['attention']>): Tensor {
        return super.attention(super.add(q, q), layer, step, spec, option);
      }
    },
  gatedMul: (base) =>
    class extends base {
      override gatedMul(...[gateUp, , option]: Parameters<WebGPUOps['gatedMul']>): Tensor {
        return super.gatedMul(gateUp, 'silu', option);
      }
    },
};

t.test('each op of the layer can be swapped: the swapped one runs in every step', async (t) => {
  const gpu = await openGpu({ validation: true });
  t.teardown(() => gpu.destroy());
  const options = { activations: 'int8' } as const;
  const [, , shape] = shapes;
  const last = async (ops: WebGPUOps) => (await decodeLayer(ops, shape, 2, 3)).y[2];
  const builtIn = await last(new WebGPUOps(gpu, options));
  for (const [op, swap] of Object.entries(swaps)) {
    const Swapped = swap(WebGPUOps);
    const found = await last(new Swapped(gpu, options));
    t.notSame(found, builtIn, `${op} changes what comes out`);
    t.same(found, await last(new Swapped(gpu, { ...options, fusion: false })), `${op}: as without fusion`);
    // One that is put onto the object counts like one of a subclass.
    const assigned = new WebGPUOps(gpu, options);
    Object.assign(assigned, { [op]: Reflect.get(Swapped.prototype, op) as unknown });
    t.same(await last(assigned), found, `${op} assigned`);
  }
});

t.test('what has no fused form goes op by op', async (t) => {
  const gpu = await openGpu({ validation: true });
  t.teardown(() => gpu.destroy());
  const shape: Shape = {
    ...smallLayer,
    name: 'float weights',
    format: 'f16',
    groupSize: 0,
    kvDtype: 'f16',
    rows: [],
  };
  const { dispatches, y } = await decodeLayer(new WebGPUOps(gpu, { activations: 'int8' }), shape, 1, 1);
  t.ok(dispatches[0] > 1);
  t.ok(y[0].every(Number.isFinite));
});
