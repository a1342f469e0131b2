import t from 'tap';
import { defaultEngineConfig, type EngineConfig } from '../../src/config.ts';
import { EngineCore } from '../../src/engine/core/engine-core.ts';
import type { LogitsProcessor } from '../../src/engine/running/logits-processors.ts';
import { DeviceModelRunner } from '../../src/engine/running/model-runner.ts';
import { uniform } from '../../src/engine/running/random.ts';
import { isPlainlyGreedy, samplingRow } from '../../src/engine/running/sampling-row.ts';
import { tokenMask } from '../../src/engine/running/token-mask.ts';
import { defaultSamplingParams, type RequestOutput, type SamplingParams } from '../../src/engine/core/types.ts';
import type { ScheduledRequest } from '../../src/engine/scheduling/scheduler-output.ts';
import { ReferenceOps } from '../../src/kernels/reference-ops.ts';
import type { ModelOps, Ops, Step } from '../../src/kernels/ops.ts';
import { numel, type Tensor } from '../../src/tensor/tensor.ts';
import { oneLayerCache } from '../helpers/batches.ts';
import { Book, request } from '../helpers/engine-driver.ts';
import { fakeEos, fakeInfo, fakeVocabSize } from '../helpers/fake-runner.ts';
import { maskOf } from '../helpers/sampling.ts';
import { SlowConstraint } from '../helpers/slow-constraint.ts';

t.test('random numbers are uniform, and depend on seed and index only', async (t) => {
  const bins = new Array<number>(10).fill(0);
  for (let i = 0; i < 20_000; i++) bins[Math.floor(uniform(12345, i) * 10)]++;
  for (const bin of bins) t.ok(Math.abs(bin - 2000) < 200, `${bin}`);
  t.equal(uniform(7, 3), uniform(7, 3));
  t.not(uniform(7, 3), uniform(8, 3));
  t.not(uniform(7, 3), uniform(7 + 2 ** 40, 3), 'high bits of the seed count');
});

t.test('a temperature that is all but 0 is 0', (t) => {
  const rowOf = (temperature: number) => {
    const params = { ...defaultSamplingParams, temperature };
    const scheduled = { request: { params, promptLength: 1, seed: 1 }, outputIndex: 0 } as unknown as ScheduledRequest;
    return samplingRow(scheduled, null, { vocabSize: 40, eosTokenIds: [3] });
  };
  for (const temperature of [0, Number.MIN_VALUE, 1e-40]) t.equal(isPlainlyGreedy(rowOf(temperature)), true);
  t.equal(rowOf(1e-6).temperature, 1e-6);
  t.end();
});

t.test('which tokens may come', async (t) => {
  const limits = { vocabSize: 40, eosTokenIds: [3] };
  const all = Array.from({ length: 40 }, (_, id) => id);
  const allowed = (changed: Partial<SamplingParams>, grammar: Uint32Array | null = null) => {
    const { mask, ignoresLogits } = tokenMask({ ...defaultSamplingParams, ...changed }, 2, grammar, limits);
    return { ids: mask && all.filter((id) => (mask[id >> 5] >>> (id & 31)) & 1), ignoresLogits };
  };
  const without = (...ids: number[]): number[] => all.filter((id) => !ids.includes(id));
  t.same(allowed({}).ids, null, 'all');
  t.same(allowed({ allowedTokenIds: [1, 35, 99] }).ids, [1, 35]);
  t.same(allowed({ minTokens: 3, stopTokenIds: [0] }).ids, without(0, 3), 'no end yet');
  const many = Array.from({ length: 600_000 }, (_, i) => i % 2);
  t.same(allowed({ minTokens: 3, stopTokenIds: many }).ids, without(0, 1, 3), 'as many as a body may list');
  t.same(allowed({ minTokens: 3, ignoreEos: true }).ids, null, 'eos would not end it anyway');
  t.same(allowed({ minTokens: 2 }).ids, null);
  const bias = new Map([
    [5, -Infinity],
    [6, 3],
  ]);
  t.same(allowed({ logitBias: bias }).ids, without(5));
  // One word for 32 of 40 logits: what is behind it is no token.
  const grammar = maskOf([3, 5, 31], 32);
  t.same(allowed({}, grammar), { ids: [3, 5, 31], ignoresLogits: false });
  t.same(allowed({ minTokens: 3, logitBias: bias }, grammar), { ids: [31], ignoresLogits: false });
  t.same(allowed({ allowedTokenIds: [7] }, grammar), { ids: [3, 5, 31], ignoresLogits: true }, 'the grammar wins');
  t.same(allowed({ allowedTokenIds: [3], minTokens: 3 }), { ids: [], ignoresLogits: false }, 'nothing');
});

/** Logits that depend on each token alone: enough to see where tokens and parameters of a batch go. */
class TinyModel {
  readonly vocabSize = fakeVocabSize;
  readonly scoreHead = null;
  readonly dynamicRotary = null;
  /** [T, 1]: the ids themselves. */
  layers(ops: Ops, step: Step): Tensor {
    const { tokenIds, storage } = { ...step.batch, storage: step.storage as { tokenIds: Uint32Array } };
    return ops.uploadF32(Float32Array.from(storage.tokenIds ?? tokenIds), [step.numTokens, 1]);
  }
  forward(ops: Ops, step: Step): { x: Tensor; logits: Tensor | null } {
    const x = this.layers(ops, step);
    return { x, logits: step.numLogits === 0 ? null : this.logits(ops, ops.takeLogitRows(x, step)) };
  }
  hiddenStates(_: ModelOps, x: Tensor): Tensor {
    return x;
  }
  logits(ops: Ops, x: Tensor): Tensor {
    const ids = x.storage as Float32Array;
    const logits = new Float32Array(ids.length * this.vocabSize);
    ids.forEach((id, row) => {
      for (let v = 1; v < this.vocabSize; v++)
        logits[row * this.vocabSize + v] = 3 * Math.sin(id * 12.9898 + v * 78.233);
    });
    return ops.uploadF32(logits, [ids.length, this.vocabSize]);
  }
}

/** Counts the largest thing that was read from the device. */
class WatchedOps extends ReferenceOps {
  largestRead = 0;
  override read(x: Tensor): Promise<Float32Array | Uint32Array> {
    this.largestRead = Math.max(this.largestRead, numel(x.shape));
    return super.read(x);
  }
}

const requests = {
  greedy: { temperature: 0 },
  sampled: { temperature: 1 },
  truncated: { temperature: 1.5, topK: 10, topP: 0.9, minP: 0.01 },
  penalized: { temperature: 0, repetitionPenalty: 1.3, frequencyPenalty: 0.4 },
  present: { temperature: 1, presencePenalty: 2, logitBias: new Map([[5, 3]]) },
  watched: { temperature: 0, logprobs: 2 },
  allowed: { temperature: 1, allowedTokenIds: [5, 6, 7], logprobs: 0 },
  longer: { temperature: 1, minTokens: 12, logitBias: new Map([[fakeEos, 4]]), ignoreEos: false },
  constrained: { temperature: 1, logprobs: 1 },
} satisfies Record<string, Partial<SamplingParams>>;
type Name = keyof typeof requests;
const names = Object.keys(requests) as Name[];

interface Run {
  readonly book: Book;
  readonly ops: WatchedOps;
  readonly steps: number;
  readonly pauses: number;
}

/** @param prompt length, made of few ids: penalties find some of them in the output */
async function run(
  wanted: readonly Name[],
  config: Partial<EngineConfig>,
  { slots = 900, prompt = 3, processors = [] as LogitsProcessor[] } = {},
): Promise<Run> {
  const ops = new WatchedOps();
  const size = { slots, kvHeads: 1, headDim: 2, dtype: 'f32', maxRequests: 16, maxLength: 100 } as const;
  const limits = { vocabSize: fakeVocabSize, eosTokenIds: [fakeEos] };
  const runner = new DeviceModelRunner(
    ops,
    new TinyModel(),
    ops.createKVCache(oneLayerCache(size)),
    limits,
    processors,
  );
  const core = new EngineCore({
    config: { ...defaultEngineConfig, runningMaxReqSize: 16, batchMaxTokens: 64, ...config },
    info: fakeInfo(slots, 100),
    runner,
    checkInvariants: true,
  });
  for (const name of wanted) {
    const promptIds = Array.from({ length: prompt }, (_, i) => 10 + ((name.length * (i + 1)) % 40));
    const init = request(name, promptIds, requests[name], { seed: name.length });
    core.add(init, name === 'constrained' ? new SlowConstraint(fakeVocabSize) : null);
  }
  let [steps, pauses] = [0, 0];
  const book = await new Book().finishAll(core, () => {
    steps++;
    pauses += core.scheduler.paused.length;
  });
  return { book, ops, steps, pauses };
}

t.test('a request gives the same tokens alone and in company, overlapped or not, paused or not', async (t) => {
  const settings: [string, Partial<EngineConfig>, { slots?: number }?][] = [
    ['plain', { overlap: false }],
    ['overlapped', {}],
    ['chunks', { chunkedPrefillSize: 3 }],
    ['paused, overlapped', { schedulerPolicy: 'fcfs' }, { slots: 130 }],
    ['paused, plain', { schedulerPolicy: 'fcfs', overlap: false }, { slots: 130 }],
  ];
  const alone = new Map<Name, RequestOutput>();
  for (const name of names) {
    const { book } = await run([name], { overlap: false }, { prompt: 20 });
    alone.set(name, book.outputs.get(name)!);
    t.ok(book.tokens(name)!.length >= (name === 'longer' ? 12 : 20), name);
  }
  t.ok(new Set(names.map((name) => alone.get(name)!.tokenIds.join())).size === names.length, 'all differ');
  for (const [setting, config, size] of settings) {
    const { book, ops, pauses } = await run(names, config, { prompt: 20, ...size });
    for (const name of names) {
      const { tokenIds, logprobs, finishReason } = alone.get(name)!;
      t.match(book.outputs.get(name), { tokenIds, logprobs, finishReason }, `${name}, ${setting}`);
    }
    t.ok(ops.largestRead < fakeVocabSize, 'logits stay on the device');
    if (setting.startsWith('paused')) t.ok(pauses > 0, `${setting}: ${pauses}`);
  }
  t.equal(alone.get('watched')?.logprobs?.length, 20);
  t.ok(alone.get('watched')?.logprobs?.every(({ top }) => top.length === 2));
  t.ok(alone.get('allowed')?.logprobs?.every(({ top, logprob }) => top.length === 0 && logprob < 0));
  t.ok(alone.get('allowed')?.tokenIds.every((id) => [5, 6, 7].includes(id)));
  t.ok(alone.get('constrained')?.tokenIds.every((id, i) => id % 3 === i % 3));
});

t.test('every request feeds itself, with a grammar too: a token a step', async (t) => {
  for (const name of names) {
    const { steps } = await run([name], {});
    t.ok(steps <= 22, `${name}: ${steps} steps`);
  }
  const picked = await run(['constrained'], {}, { processors: [() => undefined] });
  t.ok(picked.steps >= 40, `by the host: ${picked.steps} steps`);
  const mixed = await run(['penalized', 'constrained'], {});
  const tokens = mixed.book.outputs.get('penalized')!;
  t.equal(tokens.tokenIds.length, 20);
});

t.test('processors of the caller see the logits, behind everything built in', async (t) => {
  const seen: number[] = [];
  const never7: LogitsProcessor = (logits, { id }) => {
    if (id === 'allowed') seen.push(logits.filter((logit) => logit > -Infinity).length);
    logits[7] = -Infinity;
  };
  const { book, ops } = await run(names, {}, { processors: [never7] });
  t.ok(book.tokens('allowed')?.every((id) => id === 5 || id === 6));
  t.same(new Set(seen), new Set([3]), 'only the allowed tokens were left');
  t.ok(book.tokens('constrained')?.every((id, i) => id % 3 === i % 3));
  t.equal(book.outputs.get('watched')?.logprobs?.[0].top.length, 2);
  t.ok(ops.largestRead >= fakeVocabSize);
  const onDevice = await run(['truncated', 'penalized'], {});
  const onHost = await run(['truncated', 'penalized'], {}, { processors: [() => undefined] });
  for (const name of ['truncated', 'penalized']) t.same(onHost.book.tokens(name), onDevice.book.tokens(name), name);
});
