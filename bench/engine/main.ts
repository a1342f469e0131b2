/**
 * The engine as the server runs it (in a worker): load time, TTFT, prefill and decode speed, peak memory, and how late
 * timers of the main thread are while it decodes. With --peer, llama.cpp on the same file in alternating rounds.
 *   npm run bench -- engine --model FILE.gguf [--peer DIR] [--rounds N] [--batches 1,4,16] [SERVE FLAGS…]
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { defaultEngineConfig, engineSettings, type EngineConfig } from '../../src/config.ts';
import { EngineProxy } from '../../src/engine/client/engine-client.ts';
import { inWorker } from '../../src/engine/client/engine-transport.ts';
import { defaultSamplingParams, type EngineClient } from '../../src/engine/core/types.ts';
import { describeMachine, median } from '../helpers/machine.ts';
import { loadPeer, type PeerSequence } from '../helpers/peer.ts';
import { whileAllWrite } from '../helpers/while-all-write.ts';

const { values: flags } = parseArgs({
  options: {
    model: { type: 'string' },
    peer: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    batches: { type: 'string', default: '1,4,16' },
    prompt: { type: 'string', default: '512' },
    tokens: { type: 'string', default: '64' },
    quant: { type: 'string', default: 'stored' },
    activation_dtype: { type: 'string', default: 'auto' },
    chunked_prefill_size: { type: 'string' },
    'no-overlap': { type: 'boolean', default: false },
    validation: { type: 'boolean', default: false },
  },
});
if (!flags.model) throw new Error('--model DIR_OR_GGUF is needed');
const modelPath = flags.model;
const batches = flags.batches.split(',').map(Number);
const rounds = Number(flags.rounds);
const promptLength = Number(flags.prompt);
const newTokens = Number(flags.tokens);
const chunk =
  flags.chunked_prefill_size === undefined
    ? null
    : (engineSettings.chunkedPrefillSize.parse(flags.chunked_prefill_size, '--chunked_prefill_size') as number);

const config: EngineConfig = {
  ...defaultEngineConfig,
  modelDir: modelPath,
  quant: flags.quant as EngineConfig['quant'],
  activationDtype: flags.activation_dtype as EngineConfig['activationDtype'],
  chunkedPrefillSize: chunk,
  // Room for one chunk, as by default.
  batchMaxTokens: chunk && Math.max(chunk, defaultEngineConfig.runningMaxReqSize),
  overlap: !flags['no-overlap'],
  gpuValidation: flags.validation,
  // Each prompt is to be computed, not found.
  disableDynamicPromptCache: true,
  maxTotalTokenNum: 32768,
};
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

async function decode(engine: EngineClient, batch: number): Promise<number> {
  return steadyRate(await Promise.all(Array.from({ length: batch }, () => generate(engine, prompt(32), newTokens))));
}

async function peerPrefill(sequence: PeerSequence): Promise<number> {
  await sequence.clearHistory();
  const start = performance.now();
  await sequence.evaluateWithoutGeneratingNewTokens(prompt(promptLength));
  return (promptLength / (performance.now() - start)) * 1000;
}

async function peerDecode(sequences: readonly PeerSequence[]): Promise<number> {
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

const loadStart = performance.now();
const engine = await EngineProxy.start(inWorker({ config, loader, faultInjection: false }));
const loadMs = performance.now() - loadStart;
const peer = flags.peer ? await loadPeer(flags.peer, modelPath) : null;
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
  if (one) put(theirs, `prefill ${promptLength}`, await peerPrefill(one));
  for (const batch of batches) {
    delay.enable();
    put(ours, `decode ${batch}`, await decode(engine, batch));
    delay.disable();
    const context = peerContexts.get(batch);
    if (context) put(theirs, `decode ${batch}`, await peerDecode(context.sequences));
  }
}

const keys = Object.keys(ours);
const rows = keys.map((key) => {
  const ratios = (theirs[key] ?? []).map((value, i) => ours[key][i] / value);
  const row = { key, ours: median(ours[key]), best: Math.max(...ours[key]), peer: median(theirs[key] ?? []) };
  return { ...row, ratio: ratios.length ? median(ratios) : null };
});
for (const { key, ours, best, peer: other, ratio } of rows) {
  const against = ratio === null ? '' : `   peer ${other.toFixed(1)}   ratio ${ratio.toFixed(2)}`;
  console.log(`${key.padEnd(14)} ${ours.toFixed(1).padStart(8)} (best ${best.toFixed(1)})${against}`);
}
const summary = {
  bench: 'engine',
  model: modelPath.split('/').at(-1),
  peer: peer?.name ?? null,
  machine: describeMachine(engine.info.adapter),
  rounds,
  loadMs: Math.round(loadMs),
  // The process's, so with --peer llama.cpp's weights and contexts are in it too.
  peakRssMB: Math.round(process.resourceUsage().maxRSS / 1024),
  eventLoopDelayMs: { p50: delay.percentile(50) / 1e6, p99: delay.percentile(99) / 1e6, max: delay.max / 1e6 },
  rows,
};
console.log(JSON.stringify(summary));
process.exit(0);
