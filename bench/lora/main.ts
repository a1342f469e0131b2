/**
 * Decoding with LoRA adapters: a batch over some of them, beside the same batch of the model alone in the same engine and in
 * one without room for adapters. And how long a request waits whose adapter is on the host alone.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultEngineConfig } from '../../src/config.ts';
import { RestartingEngineClient } from '../../src/engine/client/restarting-engine-client.ts';
import { inWorker } from '../../src/engine/client/engine-transport.ts';
import { defaultSamplingParams, type EngineClient } from '../../src/engine/core/types.ts';
import type { RunBench } from '../helpers/declare.ts';
import { describeMachine, median } from '../helpers/machine.ts';
import { modelPath } from '../helpers/model.ts';
import { whileAllWrite } from '../helpers/while-all-write.ts';
import type { spec } from './flags.ts';
import { writeRandomAdapter } from './random-adapter.ts';

const loader = new URL('../../src/engine/running/load-engine.js', import.meta.url).href;

let seed = 1;
/** Ids of common tokens, another prompt at each call. */
function prompt(length: number): number[] {
  return Array.from({ length }, () => 1000 + ((seed = (seed * 48271) % 2147483647) % 5000));
}

/** Milliseconds from the call to each token. */
async function generate(engine: EngineClient, maxTokens: number, adapter?: string): Promise<number[]> {
  const params = { ...defaultSamplingParams, temperature: 0, ignoreEos: true, maxTokens };
  const start = performance.now();
  const times: number[] = [];
  for await (const { tokenIds } of engine.generate(prompt(16), params, { adapter }))
    for (const _ of tokenIds) times.push(performance.now() - start);
  return times;
}

/** Tokens per second while all sequences decode; sequence i has adapter i modulo their number. */
async function decode(engine: EngineClient, batch: number, tokens: number, over: number): Promise<number> {
  const name = (i: number) => (over === 0 ? undefined : `adapter ${i % over}`);
  const all = Array.from({ length: batch }, (_, i) => generate(engine, tokens, name(i)));
  const written = whileAllWrite(await Promise.all(all));
  return (written.tokens.reduce((sum, n) => sum + n, 0) / written.milliseconds) * 1000;
}

export const run: RunBench<typeof spec> = async ({ model, rounds, batch, adapters, rank, tokens }) => {
  const path = await modelPath(model);
  const folder = mkdtempSync(join(tmpdir(), 'dawnlight-lora-'));
  const slots = Math.max(...adapters);
  const settings = { maxTotalTokenNum: 16_384, disableDynamicPromptCache: true, modelDir: path };
  const config = { ...defaultEngineConfig, ...settings, tieredStart: false };
  const room = { ...config, enableLora: true, maxLoras: slots, maxLoraRank: rank };
  const start = (c: typeof config) =>
    RestartingEngineClient.start(inWorker({ config: c, loader, faultInjection: false }));
  try {
    const engine = await start(room);
    const plain = await start(config);
    // One more than there are slots: one is always on the host alone.
    for (let i = 0; i <= slots; i++) {
      writeRandomAdapter(join(folder, String(i)), path, rank);
      await engine.loadAdapter(`adapter ${i}`, join(folder, String(i)));
    }
    const rates = new Map<string, number[]>();
    /** Of the pairs: what a kind has of the model alone. */
    const ratios = new Map<string, number[]>();
    const put = (key: string, value: number, to = rates) => void to.set(key, [...(to.get(key) ?? []), value]);
    const alone = { key: 'the model alone', on: engine, over: 0 };
    const kinds = [
      { key: 'without room', on: plain, over: 0 },
      ...adapters.map((over) => ({ key: `over ${over}`, on: engine, over })),
    ];
    for (const { on, over } of [alone, ...kinds]) await decode(on, batch, 2, over);
    for (let round = 0; round < rounds; round++) {
      // Each beside the model alone, in either order: a shared machine is slower at one time than at another.
      for (const kind of kinds) {
        const pair: number[] = [];
        for (const { key, on, over } of round % 2 === 0 ? [alone, kind] : [kind, alone]) {
          // The last round's cold one has the place of one of them: who waits for its adapter begins late, and all write for less long.
          for (let i = 0; i < over; i++) await generate(on, 1, `adapter ${i}`);
          pair.push(await decode(on, batch, tokens, over));
          put(key, pair.at(-1)!);
        }
        put(kind.key, round % 2 === 0 ? pair[1] / pair[0] : pair[0] / pair[1], ratios);
      }
      // The one of the last round makes place for it, and is itself the next one's.
      const cold = `adapter ${round % 2 === 0 ? slots : 0}`;
      for (let i = 1; i < slots; i++) await generate(engine, 1, `adapter ${i}`);
      put('cold TTFT ms', (await generate(engine, 1, cold))[0]);
      put('warm TTFT ms', (await generate(engine, 1, cold))[0]);
      put('TTFT of the model alone ms', (await generate(engine, 1))[0]);
    }
    const rows = [...rates].map(([key, values]) => {
      const pairs = ratios.get(key);
      return { key, median: median(values), ...(pairs && { toAlone: median(pairs) }) };
    });
    for (const { key, median: value, toAlone } of rows)
      console.log(
        `${key.padEnd(28)} ${value.toFixed(1).padStart(8)}${toAlone ? `   ${toAlone.toFixed(3)} of alone` : ''}`,
      );
    const result = {
      model: path.split('/').at(-1),
      machine: describeMachine(engine.info.adapter),
      ...{ rounds, batch, rank, tokens },
      roomBytes: engine.info.memory?.adapters,
      peakRssMB: Math.round(process.resourceUsage().maxRSS / 1024),
      rows,
    };
    await Promise.all([engine.close(), plain.close()]);
    return { result };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
