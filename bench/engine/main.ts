/**
 * The engine as the server runs it (in a worker): load time, TTFT, prefill and decode speed, peak memory, and how late
 * timers of the main thread are while it decodes. With --peer, llama.cpp on the same file in alternating rounds.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { EngineConfig } from '../../src/config.ts';
import { RestartingEngineClient } from '../../src/engine/client/restarting-engine-client.ts';
import { inWorker } from '../../src/engine/client/engine-transport.ts';
import { defaultSamplingParams, type EngineClient } from '../../src/engine/core/types.ts';
import type { FlagsOf, RunBench } from '../helpers/declare.ts';
import { describeMachine, median } from '../helpers/machine.ts';
import { modelPath } from '../helpers/model.ts';
import { loadPeer, type PeerSequence } from '../helpers/peer.ts';
import { whileAllWrite } from '../helpers/while-all-write.ts';
import type { spec } from './flags.ts';

type Flags = FlagsOf<typeof spec>;

function engineConfig(
  { model: _model, peer: _peer, rounds: _r, batches: _b, prompt: _p, tokens: _t, ...settings }: Flags,
  modelDir: string,
): EngineConfig {
  const { chunkedPrefillSize: chunk, batchMaxTokens, runningMaxReqSize } = settings;
  // Room for one chunk, as by default.
  const room = chunk && Math.max(chunk, runningMaxReqSize);
  return { ...settings, modelDir, batchMaxTokens: batchMaxTokens ?? room, disableDynamicPromptCache: true };
}
const loader = new URL('../../src/engine/running/load-engine.js', import.meta.url).href;

let seed = 1;
/** Ids of common tokens, another prompt at each call. */
function prompt(length: number): number[] {
  return Array.from({ length }, () => 1000 + ((seed = (seed * 48271) % 2147483647) % 5000));
}

/** Milliseconds from the call to each token. */
async function generate(engine: EngineClient, ids: number[], maxTokens: number): Promise<number[]> {
  const params = { ...defaultSamplingParams, temperature: 0, ignoreEos: true, maxTokens };
  const start = performance.now();
  const times: number[] = [];
  for await (const output of engine.generate(ids, params)) {
    for (const _ of output.tokenIds) times.push(performance.now() - start);
  }
  return times;
}

/** Tokens per second of all sequences together while all of them decode. */
function steadyRate(sequences: readonly number[][]): number {
  const { milliseconds, tokens } = whileAllWrite(sequences);
  return (tokens.reduce((sum, n) => sum + n, 0) / milliseconds) * 1000;
}

async function decode(engine: EngineClient, batch: number, newTokens: number): Promise<number> {
  return steadyRate(await Promise.all(Array.from({ length: batch }, () => generate(engine, prompt(32), newTokens))));
}

async function peerPrefill(sequence: PeerSequence, promptLength: number): Promise<number> {
  await sequence.clearHistory();
  const start = performance.now();
  await sequence.evaluateWithoutGeneratingNewTokens(prompt(promptLength));
  return (promptLength / (performance.now() - start)) * 1000;
}

async function peerDecode(sequences: readonly PeerSequence[], newTokens: number): Promise<number> {
  const start = performance.now();
  const all = sequences.map(async (sequence) => {
    await sequence.clearHistory();
    const times: number[] = [];
    for await (const _ of sequence.evaluate(prompt(32), { temperature: 0 })) {
      if (times.push(performance.now() - start) === newTokens) break;
    }
    return times;
  });
  return steadyRate(await Promise.all(all));
}

/** Median and best of each figure: highest of rates, lowest of times. */
export function tableRow(key: string, ours: readonly number[], theirs: readonly number[]) {
  const best = key.endsWith(' ms') ? Math.min(...ours) : Math.max(...ours);
  const ratio = theirs.length > 0 ? median(theirs.map((value, i) => ours[i] / value)) : null;
  return { key, ours: median(ours), best, peer: theirs.length > 0 ? median(theirs) : null, ratio };
}

export const run: RunBench<typeof spec> = async (flags) => {
  const { rounds, batches, prompt: promptLength, tokens } = flags;
  const path = await modelPath(flags.model);
  const config = engineConfig(flags, path);
  const loadStart = performance.now();
  const engine = await RestartingEngineClient.start(inWorker({ config, loader, faultInjection: false }));
  const loadMs = performance.now() - loadStart;
  const peer = flags.peer === null ? null : await loadPeer(flags.peer, path);
  const peerContexts = new Map<number, Awaited<ReturnType<NonNullable<typeof peer>['sequences']>>>();
  for (const n of peer ? batches : []) {
    if (peer) peerContexts.set(n, await peer.sequences(n, n * 1024));
  }

  const ours: Record<string, number[]> = {};
  const theirs: Record<string, number[]> = {};
  const put = (to: Record<string, number[]>, key: string, value: number) => (to[key] ??= []).push(value);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  await generate(engine, prompt(promptLength), 2);
  for (let round = 0; round < rounds; round++) {
    const [first] = await generate(engine, prompt(promptLength), 1);
    put(ours, `prefill ${promptLength}`, (promptLength / first) * 1000);
    put(ours, 'ttft 16 ms', (await generate(engine, prompt(16), 1))[0]);
    const one = peerContexts.get(batches[0])?.sequences[0];
    if (one) put(theirs, `prefill ${promptLength}`, await peerPrefill(one, promptLength));
    for (const batch of batches) {
      delay.enable();
      put(ours, `decode ${batch}`, await decode(engine, batch, tokens));
      delay.disable();
      const context = peerContexts.get(batch);
      if (context) put(theirs, `decode ${batch}`, await peerDecode(context.sequences, tokens));
    }
  }

  const rows = Object.keys(ours).map((key) => tableRow(key, ours[key], theirs[key] ?? []));
  for (const { key, ours, best, peer: other, ratio } of rows) {
    const against = ratio === null ? '' : `   peer ${other?.toFixed(1)}   ratio ${ratio.toFixed(2)}`;
    console.log(`${key.padEnd(14)} ${ours.toFixed(1).padStart(8)} (best ${best.toFixed(1)})${against}`);
  }
  const result = {
    model: path.split('/').at(-1),
    peer: peer?.name ?? null,
    machine: describeMachine(engine.info.adapter),
    rounds,
    loadMs: Math.round(loadMs),
    // The process's, so with --peer llama.cpp's weights and contexts are in it too.
    peakRssMB: Math.round(process.resourceUsage().maxRSS / 1024),
    eventLoopDelayMs: { p50: delay.percentile(50) / 1e6, p99: delay.percentile(99) / 1e6, max: delay.max / 1e6 },
    rows,
  };
  return { result };
};
