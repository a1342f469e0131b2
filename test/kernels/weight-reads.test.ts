/**
 * What a decode step reads on GPUs against the least that it must, every weight once. The loads of the product are counted by
 * the kernel itself, whose text gets a counter for each here; the bytes of a layer are those that its dispatches say.
 */
import t from 'tap';
import { openGpu } from '../../src/gpu/device.ts';
import type { Profiler, Work } from '../../src/gpu/profiler.ts';
import { rowsMatmul, rowsPlans } from '../../src/kernels/matmul/matmul.rows.ts';
import { CHUNK, type RowMatrix } from '../../src/kernels/matmul/row-matrix.ts';
import type { Linear, Matrix } from '../../src/kernels/ops.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { runDecoderLayer } from '../../src/model/layers/decoder-layer.ts';
import { matrixBytes, type WeightFormat } from '../../src/tensor/matrix.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { kvLayerOf, oneLayerCache } from '../helpers/batches.ts';
import { dryGpu } from '../helpers/dry-gpu.ts';
import { randomMatrix } from '../helpers/matrices.ts';

process.env.LP_NATIVE_VECTOR_WIDTH ??= '128';

/** 16 bytes of them: columns loaded at once. */
const columns: Partial<Record<WeightFormat, number>> = { int4: 32, int8: 16, f16: 8 };
/** Whole workgroups of rows. */
const ROWS = 96;

t.test('each 16 bytes of weights are loaded once', async (t) => {
  const gpu = await openGpu({ validation: true });
  t.teardown(() => gpu.destroy());
  const { device } = gpu;
  for (const [format, width] of Object.entries(columns) as [WeightFormat, number][]) {
    for (const tokens of [1, 8]) {
      // Nine turns of the eight lanes: one more than a tile has.
      const cols = 9 * 8 * width;
      const ops = new WebGPUOps(gpu, { kernelSet: 'gpu' });
      const w = await ops.uploadMatrix(randomMatrix(1, ROWS, cols, format).source);
      const x = ops.uploadF32(new Float32Array(tokens * cols), [tokens, cols]);
      const [text] = await textsOf((dry) => rowsMatmul(dry.context, 'matmul.gemv', x, w, {}));
      const counting = text.replace(
        'fn weightsAt(at: u32) -> Weights {',
        '@group(0) @binding(7) var<storage, read_write> loads: array<atomic<u32>>;\n$&\n  atomicAdd(&loads[at], 1u);',
      );
      t.not(counting, text, 'the text has one function that loads');
      const pipeline = device.createComputePipeline({
        layout: 'auto',
        compute: { module: device.createShaderModule({ code: counting }), entryPoint: 'main' },
      });
      const loads = ops.context.tensor([(ROWS * cols) / width], 'u32');
      device.queue.writeBuffer(loads.storage, 0, new Uint32Array(loads.shape[0]));
      const { slices, chunksPerRow } = w.storage as RowMatrix;
      const [{ data, scales }] = slices;
      const y = ops.context.tensor([tokens, ROWS], 'f32');
      ops.context.recorder.dispatch(
        { id: -1 - tokens - cols, name: 'counting', pipeline },
        [data, scales, x.storage as GPUBuffer, y.storage, null, null, null, loads.storage],
        new Uint32Array([tokens, ROWS, cols, chunksPerRow, 0, ROWS]),
        Math.ceil(ROWS / rowsPlans['matmul.gemv'](ops.context, tokens, ROWS, w).rows),
      );
      const counts = await ops.read(loads);
      ops.endStep();
      t.ok(
        counts.every((count) => count === 1),
        `${format}, ${tokens} tokens`,
      );
    }
  }
});

async function textsOf(body: (dry: WebGPUOps) => void): Promise<string[]> {
  const texts: string[] = [];
  body(
    new WebGPUOps(
      dryGpu('gpu', {}, ({ source }) => texts.push(source)),
      { kernelSet: 'gpu' },
    ),
  );
  return texts;
}

// Llama 3 8B.
const HIDDEN = 4096;
const INTERMEDIATE = 14336;
const HEADS = 32;
const KV_HEADS = 8;
const HEAD_DIM = 128;

/** Of nothing: a dry device reads no weights. */
function matrixOf(rows: number, cols: number, format: WeightFormat, groupSize: number): Matrix {
  const slice = { firstRow: 0, rows, data: {} as GPUBuffer, scales: groupSize ? ({} as GPUBuffer) : null };
  const storage: RowMatrix = { format, groupSize, chunksPerRow: cols / CHUNK, slices: [slice] };
  return { name: 'nothing', rows, cols, format, storage };
}

t.test('a layer of an 8B model moves at most 1.1 times its weights', async (t) => {
  for (const [format, groupSize] of [
    ['int4', 32],
    ['f16', 0],
  ] as const) {
    for (const fusion of [true, false]) {
      const ops = new WebGPUOps(dryGpu('gpu'), { kernelSet: 'gpu', fusion });
      const size = { slots: 256, maxRequests: 1, maxLength: 256 };
      const kv = ops.createKVCache(oneLayerCache({ ...size, kvHeads: KV_HEADS, headDim: HEAD_DIM, dtype: 'f16' }));
      const vector = (n: number): Tensor => ops.uploadF32(new Float32Array(n), [n]);
      const linear = (rows: number, cols: number): Linear => ({ weight: matrixOf(rows, cols, format, groupSize) });
      const layer = {
        ...{ inputNorm: vector(HIDDEN), postAttentionNorm: vector(HIDDEN), headNorms: null, eps: 1e-5 },
        qkv: linear((HEADS + 2 * KV_HEADS) * HEAD_DIM, HIDDEN),
        o: linear(HIDDEN, HEADS * HEAD_DIM),
        gateUp: linear(2 * INTERMEDIATE, HIDDEN),
        down: linear(HIDDEN, INTERMEDIATE),
        ...{ activation: 'silu' as const, attention: { heads: HEADS, scale: 1 }, kv: kvLayerOf(kv) },
        rotary: {
          headDim: HEAD_DIM,
          rotaryDim: HEAD_DIM,
          interleaved: false,
          table: ops.uploadF32(new Float32Array(256 * HEAD_DIM), [256, HEAD_DIM]),
        },
      };
      const one = Uint32Array.of(0);
      const positions = Uint32Array.of(99);
      const batch = { tokenIds: one, positions, tableRows: one, slots: [positions], logitIndices: one };
      const step = ops.beginStep(batch, kv);
      const said: (Work | null)[] = [];
      const pass = (_: string, work: (() => Work) | null): object => (said.push(work?.() ?? null), {});
      ops.context.recorder.profiler = { pass } as unknown as Profiler;
      const x = ops.uploadF32(new Float32Array(HIDDEN), [1, HIDDEN]);
      ops.program({}, step, (part) => ({ y: runDecoderLayer(part, x, layer, step) }));
      const products = [layer.qkv, layer.o, layer.gateUp, layer.down];
      const least = products.reduce((sum, { weight }) => sum + matrixBytes({ ...weight, groupSize }), 0);
      const moved = said.reduce((sum, work) => sum + (work?.bytes ?? NaN), 0);
      t.ok(
        moved / least >= 1 && moved / least < 1.1,
        `${format}, ${fusion ? 'fused' : 'op by op'}: ${(moved / least).toFixed(4)}`,
      );
    }
  }
});
