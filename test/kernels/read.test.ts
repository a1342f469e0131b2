/** Reading back from a real device. */
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { openGpu } from '../../src/gpu/device.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';

type MapAsync = (this: GPUBuffer, ...range: Parameters<GPUBuffer['mapAsync']>) => Promise<undefined>;

t.test('reads end in the order of the calls, whichever is ready first', async (t) => {
  const ops = new WebGPUOps(await openGpu({ validation: true }));
  t.teardown(() => ops.destroy());
  const mapAsync: MapAsync = Reflect.get(GPUBuffer.prototype, 'mapAsync');
  const late = [0, 3];
  let calls = 0;
  t.intercept(GPUBuffer.prototype, 'mapAsync', {
    async value(this: GPUBuffer, ...range: Parameters<MapAsync>) {
      const isLate = late.includes(calls++);
      await mapAsync.apply(this, range);
      if (isLate) await setTimeout(30);
    },
  });
  const ended: number[] = [];
  const all = [0, 1, 2, 3, 4, 5];
  await Promise.all(
    all.map(async (i) => {
      t.same([...(await ops.read(ops.uploadF32(Float32Array.of(i), [1])))], [i]);
      ended.push(i);
    }),
  );
  t.same(ended, all);
});
