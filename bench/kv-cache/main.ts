/** One model, a cache of each dtype beside it, and decode steps with each in turn. */
import type { KVCache, KVDtype } from '../../src/kernels/ops.ts';
import { kvBytesPerToken, kvCacheSpec } from '../../src/model/cache-plan.ts';
import type { RunBench } from '../helpers/declare.ts';
import { greedyStep, openDeviceModel } from '../helpers/device-model.ts';
import { describeMachine, median } from '../helpers/machine.ts';
import { modelPath } from '../helpers/model.ts';
import type { spec } from './flags.ts';

const dtypes: readonly KVDtype[] = ['f32', 'f16', 'int8', 'int4'];

interface Turn {
  readonly wall: number[];
  /** Of all threads of the process: lavapipe's too. */
  readonly processor: number[];
}

export const run: RunBench<typeof spec> = async (flags) => {
  const maxLength = Math.max(...flags.context) + flags.rounds + 8;
  const options = { quant: flags.quant, activations: 'int8', kvDtype: 'f32', rows: 1 } as const;
  const m = await openDeviceModel(await modelPath(flags.model), { ...options, maxLength: 8 });
  const caches = dtypes.map((dtype) => {
    const size = { slots: maxLength, windowSlots: maxLength, dtype, maxRequests: 1, maxLength };
    const kv = m.ops.createKVCache(kvCacheSpec(m.model.caches, size));
    // What the keys are makes no difference to the time; that they are read does.
    const slots = Uint32Array.from({ length: maxLength }, (_, i) => i);
    kv.spec.groups.forEach((_, group) => m.ops.writeSlots(kv, group, 0, 0, slots));
    return { dtype, kv };
  });

  async function timed(kv: KVCache, position: number): Promise<{ wall: number; processor: number }> {
    const begin = performance.now();
    const before = process.cpuUsage();
    await greedyStep({ ...m, kv }, [{ row: 0, start: position, ids: [100] }]);
    const { user, system } = process.cpuUsage(before);
    return { wall: performance.now() - begin, processor: (user + system) / 1000 };
  }

  const rows: object[] = [];
  for (const context of flags.context) {
    const turns = caches.map((): Turn => ({ wall: [], processor: [] }));
    for (const { kv } of caches) await timed(kv, context);
    for (let round = 0; round < flags.rounds; round++) {
      for (const [i, { kv }] of caches.entries()) {
        const { wall, processor } = await timed(kv, context + round);
        turns[i].wall.push(wall);
        turns[i].processor.push(processor);
      }
    }
    const half = dtypes.indexOf('f16');
    for (const [i, { dtype, kv }] of caches.entries()) {
      const ofHalf = (times: keyof Turn) => median(turns[i][times].map((ms, round) => ms / turns[half][times][round]));
      const row = {
        ...{ context, dtype, bytesPerToken: kvBytesPerToken(kv.spec.layers) },
        ...{ wallMs: median(turns[i].wall), processorMs: median(turns[i].processor) },
        ...{ wallOfF16: ofHalf('wall'), processorOfF16: ofHalf('processor') },
      };
      rows.push(row);
      const figures = [row.wallMs, row.processorMs].map((ms) => `${ms.toFixed(2)} ms`).join(', processor ');
      console.log(
        `${context} tokens, ${dtype.padEnd(4)} ${row.bytesPerToken} bytes a token: ${figures}; of f16 ${row.wallOfF16.toFixed(3)}, ${row.processorOfF16.toFixed(3)}`,
      );
    }
  }
  m.ops.destroy();
  return { result: { machine: describeMachine(m.adapter), rounds: flags.rounds, rows } };
};
