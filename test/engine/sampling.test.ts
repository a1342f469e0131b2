import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import { defaultEngineConfig } from '../../src/config.ts';
import { EngineCore } from '../../src/engine/engine-core.ts';
import { sampleIndex } from '../../src/engine/host-sampling.ts';
import { builtInProcessors, type LogitsProcessor } from '../../src/engine/logits-processors.ts';
import { topLogprobs } from '../../src/engine/logprobs.ts';
import { DeviceModelRunner } from '../../src/engine/model-runner.ts';
import { uniform } from '../../src/engine/random.ts';
import { Request } from '../../src/engine/request.ts';
import { defaultSamplingParams, type SamplingParams } from '../../src/engine/types.ts';
import { ReferenceOps } from '../../src/kernels/reference-ops.ts';
import type { Step } from '../../src/kernels/ops.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { Book, request } from '../helpers/engine-driver.ts';
import { fakeInfo } from '../helpers/fake-runner.ts';

const params = (changed: Partial<SamplingParams>): SamplingParams => ({ ...defaultSamplingParams, ...changed });

/** What may be sampled and how likely, by sorting: the definition that quickselect has to agree with. */
function distribution(logits: readonly number[], p: SamplingParams): Map<number, number> {
  const best = Math.max(...logits);
  let list = logits.map((logit, id) => ({ id, w: Math.exp((logit - best) / p.temperature) }));
  list = list.filter(({ w }) => w > 0 && w >= p.minP).sort((a, b) => b.w - a.w || a.id - b.id);
  if (p.topK > 0) list = list.slice(0, p.topK);
  const all = list.reduce((sum, { w }) => sum + w, 0);
  let mass = 0;
  list = list.filter(({ w }) => {
    const in_ = mass < p.topP * all;
    mass += w;
    return in_;
  });
  const total = list.reduce((sum, { w }) => sum + w, 0);
  return new Map(list.map(({ id, w }) => [id, w / total]));
}

t.test('draws follow the truncated distribution exactly', async (t) => {
  const settings = fc.record({
    logits: fc.array(
      fc.integer({ min: -12, max: 12 }).map((n) => n / 4),
      { minLength: 1, maxLength: 60 },
    ),
    temperature: fc.constantFrom(0.3, 1, 2),
    topK: fc.constantFrom(-1, 1, 2, 5, 40),
    topP: fc.constantFrom(1, 0.95, 0.5, 0.1, 1e-6),
    minP: fc.constantFrom(0, 0.05, 0.5, 1),
  });
  const draws = 400;
  const check = fc.property(settings, ({ logits, ...rest }) => {
    const p = params(rest);
    const want = distribution(logits, p);
    // A fine grid of u recovers each probability to within one grid step at each end.
    const counts = new Map<number, number>();
    for (let i = 0; i < draws; i++) {
      const id = sampleIndex(Float32Array.from(logits), p, (i + 0.5) / draws);
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    for (const id of counts.keys()) assert.ok(want.has(id), `${id} is cut off`);
    for (const [id, share] of want) {
      assert.ok(Math.abs((counts.get(id) ?? 0) / draws - share) <= 1.001 / draws, `token ${id}`);
    }
  });
  t.doesNotThrow(() => fc.assert(check, { numRuns: 500, seed: 3 }));
  t.equal(
    sampleIndex(Float32Array.of(1, 3, 3, 2), params({ temperature: 0 }), 0.9),
    1,
    'greedy: lowest id among equals',
  );
  t.equal(sampleIndex(Float32Array.of(-Infinity, -Infinity), params({}), 0.5), 0, 'everything forbidden');
});

t.test('random numbers are uniform, and depend on seed and index only', async (t) => {
  const bins = new Array<number>(10).fill(0);
  for (let i = 0; i < 20_000; i++) bins[Math.floor(uniform(12345, i) * 10)]++;
  for (const bin of bins) t.ok(Math.abs(bin - 2000) < 200, `${bin}`);
  t.equal(uniform(7, 3), uniform(7, 3));
  t.not(uniform(7, 3), uniform(8, 3));
  t.not(uniform(7, 3), uniform(7 + 2 ** 40, 3), 'high bits of the seed count');
});

t.test('logits processors', async (t) => {
  const apply = (changed: Partial<SamplingParams>, outputIndex = 2): number[] => {
    // Prompt 0, 1; output 1, 1, 2.
    const init = { id: 'r', promptIds: [0, 1], outputIds: [1, 1, 2], params: params(changed), seed: 0 };
    const logits = Float32Array.of(2, -2, 4, 1);
    for (const process of builtInProcessors([3])) process(logits, new Request(init, 100), outputIndex);
    return [...logits];
  };
  t.same(apply({}), [2, -2, 4, 1], 'nothing asked for');
  t.same(apply({ repetitionPenalty: 2 }), [1, -4, 2, 1], 'over prompt and output');
  t.same(apply({ presencePenalty: 0.5 }), [2, -2.5, 3.5, 1], 'over the output');
  t.same(apply({ frequencyPenalty: 0.5 }), [2, -3, 3.5, 1], 'by count');
  t.same(
    apply({
      logitBias: new Map([
        [0, 5],
        [3, -100],
        [99, 1],
      ]),
    }),
    [7, -2, 4, -99],
  );
  t.same(apply({ allowedTokenIds: [1, 3] }), [-Infinity, -2, -Infinity, 1]);
  t.same(apply({ minTokens: 3, stopTokenIds: [0] }), [-Infinity, -2, 4, -Infinity], 'no end yet');
  t.same(apply({ minTokens: 3, ignoreEos: true }), [2, -2, 4, 1], 'eos would not end it anyway');
  t.same(apply({ minTokens: 2 }), [2, -2, 4, 1]);
});

t.test('logprobs', async (t) => {
  const logits = Float32Array.of(1, 3, 3, -1, 2);
  const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
  const { logprob, top } = topLogprobs(logits, 3, 3);
  t.ok(Math.abs(logprob - (-1 - total)) < 1e-12);
  t.same(
    top.map(({ id }) => id),
    [1, 2, 4],
    'highest first, lower ids first among equals',
  );
  t.same(topLogprobs(logits, 0, 0).top, []);
});

/** Logits that depend on each token alone: enough to see where tokens and parameters of a batch go. */
class TinyModel {
  readonly vocabSize = 97;
  forward(ops: ReferenceOps, step: Step): Tensor {
    const { tokenIds, storage } = { ...step.batch, storage: step.storage as { tokenIds: Uint32Array } };
    const ids = storage.tokenIds ?? tokenIds;
    const logits = new Float32Array(step.numLogits * this.vocabSize);
    step.batch.logitIndices.forEach((t, row) => {
      for (let v = 1; v < this.vocabSize; v++)
        logits[row * this.vocabSize + v] = 3 * Math.sin(ids[t] * 12.9898 + v * 78.233);
    });
    return ops.uploadF32(logits, [step.numLogits, this.vocabSize]);
  }
}

t.test('mixed batches: what one request asks for changes nothing for the others', async (t) => {
  const requests = {
    greedy: { temperature: 0 },
    sampled: { temperature: 1, seed: 5 },
    truncated: { temperature: 1.5, topK: 10, topP: 0.9, minP: 0.01 },
    penalized: { temperature: 0, repetitionPenalty: 1.3, frequencyPenalty: 0.4 },
    watched: { temperature: 0, logprobs: 2 },
    allowed: { temperature: 1, allowedTokenIds: [5, 6, 7] },
  } satisfies Record<string, Partial<SamplingParams>>;
  const run = async (names: string[], overlap: boolean, extra: LogitsProcessor[] = []): Promise<Book> => {
    const ops = new ReferenceOps();
    const kv = ops.createKVCache({
      layers: 1,
      slots: 500,
      kvHeads: 1,
      headDim: 2,
      dtype: 'f32',
      maxRequests: 8,
      maxLength: 100,
    });
    const runner = new DeviceModelRunner(
      ops,
      new TinyModel(),
      kv,
      [...builtInProcessors([0]), ...extra],
      extra.length > 0,
    );
    const config = { ...defaultEngineConfig, runningMaxReqSize: 8, overlap };
    const core = new EngineCore({ config, info: fakeInfo(500, 100), runner, checkInvariants: true });
    for (const name of names) {
      core.add(request(name, [10 + name.length, 3], requests[name as keyof typeof requests], { seed: name.length }));
    }
    return new Book().finishAll(core);
  };
  const names = Object.keys(requests);
  for (const overlap of [false, true]) {
    const together = await run(names, overlap);
    for (const name of names) {
      const alone = await run([name], overlap);
      t.equal(alone.tokens(name)?.length, 20, name);
      t.same(together.tokens(name), alone.tokens(name), `${name} in company`);
      const plain = await run([name], false);
      t.same(alone.tokens(name), plain.tokens(name), `${name}, overlapped or not`);
    }
    const watched = (await run(['watched'], overlap)).outputs.get('watched');
    t.equal(watched?.logprobs?.[0].top.length, 2);
    t.ok((await run(['allowed'], overlap)).tokens('allowed')?.every((id) => [5, 6, 7].includes(id)));
  }
  const never7: LogitsProcessor = (logits) => void (logits[7] = -Infinity);
  const without7 = await run(['allowed'], true, [never7]);
  t.ok(
    without7.tokens('allowed')?.every((id) => id === 5 || id === 6),
    'a custom processor runs too',
  );
});
