/**
 * Every architecture as a client sees it: log-probabilities of prompts and of 24 greedy tokens through /v1/completions are those
 * of transformers, in company and in chunks, then alone and from cached prefixes.
 */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { z } from 'zod';
import { expectedCase } from '../../src/commands/exam/expected.ts';
import { defaultEngineConfig } from '../../src/config.ts';
import { inThisThread } from '../../src/engine/client/engine-transport.ts';
import { RestartingEngineClient } from '../../src/engine/client/restarting-engine-client.ts';
import { architectures } from '../../src/model/architectures/registry.ts';
import { startFakeServer } from '../helpers/fake-server.ts';
import { fakeTokenizer } from '../helpers/fake-tokenizer.ts';
import { referenceEngine, referenceModel } from '../helpers/reference-core.ts';
import { json } from '../helpers/wire.ts';

// Made by scripts/make-architecture-exams.py.
const path = new URL('../fixtures/exams/architectures.json', import.meta.url);
const { exams } = z
  .object({ exams: z.record(z.string(), z.array(expectedCase).min(2)) })
  .parse(JSON.parse(readFileSync(path, 'utf8')));

/** Of natural logarithms, in float32; seen are 4e-5. */
const TOLERANCE = 2e-4;
const config = {
  ...defaultEngineConfig,
  runningMaxReqSize: 3,
  batchMaxTokens: 96,
  chunkedPrefillSize: 48,
};
const seen = new Set<string>();

for (const [name, cases] of Object.entries(exams)) {
  t.test(name, async (t) => {
    const model = await referenceModel(name, 160);
    seen.add(model.model.config.modelType);
    const load = () => Promise.resolve(referenceEngine(model, config, { slots: 600 }));
    const engine = await RestartingEngineClient.start(inThisThread(load, config));
    const tokenizer = { ...fakeTokenizer, vocabSize: model.vocabSize };
    const { server, post } = await startFakeServer({}, { engine, tokenizer });
    t.teardown(async () => {
      await server.close();
      await engine.close();
    });
    /** @returns the largest difference, and how many tokens came from the cache */
    const compare = async (expected: (typeof cases)[number], echo: boolean) => {
      const { prompt_ids: prompt, prompt_logprobs, token_logprobs } = expected;
      const wanted = [...(echo ? prompt_logprobs : []), ...token_logprobs];
      const body = { prompt, echo, logprobs: 0, max_tokens: token_logprobs.length, temperature: 0, ignore_eos: true };
      const response = await post('/v1/completions', body);
      const { choices, usage } = await json(response);
      if (response.status !== 200) throw new Error(JSON.stringify({ choices, usage }));
      const got = choices[0].logprobs.token_logprobs as (number | null)[];
      t.equal(got.length, wanted.length);
      const off = wanted.map((logprob, i) => (logprob === null ? 0 : Math.abs((got[i] ?? NaN) - logprob)));
      return { off: Math.max(...off), cached: Number(usage.prompt_tokens_details?.cached_tokens ?? 0) };
    };
    const within = (off: number, how: string) =>
      t.ok(off <= TOLERANCE, `${how}: log-probabilities differ by ${off.toExponential(1)} at most`);
    const together = await Promise.all(cases.map((expected) => compare(expected, true)));
    within(Math.max(...together.map(({ off }) => off)), 'prompts and answers together');
    let cached = 0;
    for (const expected of cases) {
      const again = await compare(expected, false);
      within(again.off, `${expected.prompt_ids.length} tokens and an answer, from the cache`);
      cached += again.cached;
    }
    // What a window has left behind, and a state that went on, the end of an answer does not bring back.
    const { caches, dynamicRotary } = model.model;
    const keepsAll = caches.every((cache) => cache.kind === 'latent' || (cache.kind === 'kv' && cache.window === null));
    const known = cases.reduce((sum, { prompt_ids }) => sum + prompt_ids.length - 1, 0);
    if (keepsAll && !dynamicRotary) t.equal(cached, known, 'all but the last token of each prompt came from the cache');
  });
}

t.test('none is missing', (t) => {
  t.same(
    architectures.map(({ modelType }) => modelType).filter((type) => !seen.has(type)),
    [],
  );
  t.end();
});
