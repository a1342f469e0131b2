/** What adapters leave alone: rows of the model's own, and steps in which nobody has one. */
import t from 'tap';
import { openGpu } from '../../src/gpu/device.ts';
import { NO_ADAPTER, type Linear, type Step } from '../../src/kernels/ops.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { runDecoderLayer, type DecoderLayer } from '../../src/model/layers/decoder-layer.ts';
import { adaptersOf, writtenLora } from '../helpers/adapters.ts';
import { emptyBatch, smallCache } from '../helpers/batches.ts';
import { layerStep, smallLayer } from '../helpers/decoder-layers.ts';
import { dryGpu } from '../helpers/dry-gpu.ts';
import { randomFloats } from '../helpers/random.ts';

for (const kernelSet of ['lavapipe', 'gpu'] as const) {
  t.test(`rows of tokens without an adapter keep their bits: ${kernelSet}`, async (t) => {
    const gpu = await openGpu({ validation: true });
    if (kernelSet === 'lavapipe' && gpu.kernelSet !== 'lavapipe') return t.comment('no such adapter here');
    const ops = new WebGPUOps(gpu, { kernelSet });
    const spec = { cols: 64, parts: [64, 32, 32], ranks: [4, 8, 64, 128] };
    const lora = writtenLora(ops, { ...spec, name: 'q + k + v', maxRank: 128 });
    const tokens = [0, null, 3, 1, 2, 2, null, 0];
    const y = randomFloats(5, tokens.length * 128);
    const x = ops.uploadF32(randomFloats(6, tokens.length * 64), [tokens.length, 64]);
    ops.beginStep({ ...emptyBatch(tokens.length), adapters: adaptersOf(tokens) }, ops.createKVCache(smallCache));
    const found = (await ops.read(ops.addLora(ops.uploadF32(y, [tokens.length, 128]), x, lora))) as Float32Array;
    tokens.forEach((slot, i) => {
      const [before, after] = [y, found].map((values) => [...values.subarray(i * 128, (i + 1) * 128)]);
      if (slot === null) t.same(after, before, `token ${i}`);
      else
        t.ok(
          after.every((value, n) => value !== before[n]),
          `token ${i} is changed everywhere`,
        );
    });
    ops.destroy();
  });
}

t.test('a decode step is fused as if there were no adapters, or by a kernel that has them', async (t) => {
  const texts: string[] = [];
  const ops = new WebGPUOps(
    dryGpu('lavapipe', {}, ({ source }) => texts.push(source)),
    { activations: 'int8' },
  );
  const { layer, x, step } = await layerStep(ops, smallLayer, 2);
  const adapted = (linear: Linear): Linear => {
    const { rows, cols } = linear.weight;
    return { ...linear, lora: ops.createLora({ name: 'a layer', parts: [rows], cols, slots: 2, maxRank: 8 }) };
  };
  const { qkv, o, gateUp, down } = layer;
  const linears = { qkv: adapted(qkv), o: adapted(o), gateUp: adapted(gateUp), down: adapted(down) };
  const dispatches = (at: Step, changed: Partial<DecoderLayer> = {}): number => {
    const before = ops.context.recorder.dispatches;
    ops.program({}, at, (part) => ({ y: runDecoderLayer(part, x, { ...layer, ...changed }, at) }));
    return ops.context.recorder.dispatches - before;
  };
  const textOf = (at: Step, changed: Partial<DecoderLayer> = {}): string => {
    texts.length = 0;
    t.equal(dispatches(at, changed), 1);
    return texts.join();
  };
  const base = textOf(step);
  t.ok(base !== '' && !base.includes('Lora'), 'the text of a layer');
  t.equal(textOf(step, linears), '', 'none has one: the kernel that is there');
  const batch = { ...step.batch, adapters: Uint32Array.of(NO_ADAPTER, 0) };
  const other = ops.beginStep(
    batch,
    (step as Step & { storage: { kv: Parameters<typeof ops.beginStep>[1] } }).storage.kv,
  );
  t.equal(textOf(other), '', 'one has one, but the layer has no room for any');
  t.match(textOf(other, { down: linears.down }), 'var downLora: LoraWeights;', 'some products');
  t.match(textOf(other, linears), 'var qkvLora: LoraWeights;', 'all products');
  const { lora } = linears.qkv;
  const others: Record<string, Partial<DecoderLayer>> = {
    'half a head': { qkv: { ...qkv, lora: { ...lora!, parts: [112, 80, 64] } } },
    'a field of the adapters': { down: { ...down, lora: Object.assign({ more: 1 }, linears.down.lora) } },
  };
  for (const [what, changed] of Object.entries(others)) t.ok(dispatches(other, { ...linears, ...changed }) > 1, what);
  t.ok(dispatches(step) === 1 && dispatches(other, linears) === 1);
  ops.endStep();
});
