/** The time of a decode step behind a long context. */
import type { KVCache } from '../../src/kernels/ops.ts';
import { kvCacheSpec } from '../../src/model/cache-plan.ts';
import type { FlagsOf } from '../helpers/declare.ts';
import { greedyStep, openDeviceModel } from '../helpers/device-model.ts';
import { median } from '../helpers/machine.ts';
import type { Peer } from '../helpers/peer.ts';
import { dtypes, peerDtypes } from './dtypes.ts';
import type { spec } from './flags.ts';

type Flags = FlagsOf<typeof spec>;

interface Turn {
  readonly wall: number[];
  /** Of all threads of the process: lavapipe's too. */
  readonly processor: number[];
}

export interface StepRow {
  readonly dtype: string;
  readonly wallMs: number;
  readonly processorMs: number;
  /** Median of the rounds' ratios. */
  readonly wallOfF16: number;
  readonly processorOfF16: number;
}

/** One model, a cache of each dtype beside it, and a step with each in turn. */
export async function timeSteps(path: string, { quant, context, rounds }: Flags): Promise<StepRow[]> {
  const maxLength = context + rounds + 8;
  const m = await openDeviceModel(path, { quant, activations: 'int8', kvDtype: 'int4', rows: 1, maxLength });
  const caches = dtypes.map((dtype) => {
    const size = { slots: maxLength, windowSlots: maxLength, dtype, maxRequests: 1, maxLength };
    const kv = m.ops.createKVCache(kvCacheSpec(m.model.caches, size));
    // What the keys are makes no difference to the time; that they are read does.
    const slots = Uint32Array.from({ length: maxLength }, (_, i) => i);
    kv.spec.groups.forEach((_, group) => m.ops.writeSlots(kv, group, 0, 0, slots));
    return kv;
  });
  const step = (kv: KVCache, start: number) => timed(() => greedyStep({ ...m, kv }, [{ row: 0, start, ids: [100] }]));
  // The first compiles, the second is recorded for later ones to replay.
  for (const kv of caches) for (let i = 0; i < 2; i++) await step(kv, context);
  const turns = dtypes.map((): Turn => ({ wall: [], processor: [] }));
  for (let round = 0; round < rounds; round++) {
    for (const [i, kv] of caches.entries()) add(turns[i], await step(kv, context + round));
  }
  m.ops.destroy();
  return report(dtypes, turns, context);
}

/** llama.cpp's, one context at a time: its sequences evaluate what they go on from. */
export async function peerSteps(peer: Peer | null, { context, rounds }: Flags): Promise<StepRow[]> {
  if (peer === null) return [];
  const turns: Turn[] = [];
  for (const kvType of peerDtypes) {
    const opened = await peer.sequences(1, context + rounds + 8, kvType);
    const [sequence] = opened.sequences;
    const ids = Array.from({ length: context }, (_, i) => 1000 + ((i * 48271) % 5000));
    await sequence.evaluateWithoutGeneratingNewTokens(ids.slice(0, -1));
    const turn: Turn = { wall: [], processor: [] };
    const tokens = sequence.evaluate(ids.slice(-1), { temperature: 0 });
    await tokens.next();
    for (let round = 0; round < rounds; round++) add(turn, await timed(() => tokens.next()));
    await tokens.return(undefined);
    turns.push(turn);
    await opened.dispose();
  }
  return report(
    peerDtypes.map((kvType) => `${peer.name}, ${kvType}`),
    turns,
    context,
  );
}

async function timed(step: () => Promise<unknown>): Promise<{ wall: number; processor: number }> {
  const [begin, before] = [performance.now(), process.cpuUsage()];
  await step();
  const { user, system } = process.cpuUsage(before);
  return { wall: performance.now() - begin, processor: (user + system) / 1000 };
}

function add(turn: Turn, { wall, processor }: { wall: number; processor: number }): void {
  turn.wall.push(wall);
  turn.processor.push(processor);
}

function report(names: readonly string[], turns: readonly Turn[], context: number): StepRow[] {
  return turns.map((turn, i) => {
    const ofHalf = (times: keyof Turn) => median(turn[times].map((ms, round) => ms / turns[0][times][round]));
    const medians = { wallMs: median(turn.wall), processorMs: median(turn.processor) };
    const row = { dtype: names[i], ...medians, wallOfF16: ofHalf('wall'), processorOfF16: ofHalf('processor') };
    const figures = [row.wallMs, row.processorMs].map((ms) => `${ms.toFixed(2)} ms`).join(', processor ');
    const ratios = [row.wallOfF16, row.processorOfF16].map((ratio) => ratio.toFixed(3)).join(', ');
    console.log(`a step behind ${context} tokens, ${row.dtype}: ${figures}; of f16 ${ratios}`);
    return row;
  });
}
