/**
 * Every architecture through the engine, over the definition of every op: the log-probabilities of transformers, however
 * the tokens are cut into steps, wherever their keys come from.
 */
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { defaultEngineConfig, type EngineConfig } from '../../src/config.ts';
import { Book, request } from '../helpers/engine-driver.ts';
import { tiny, fixturePath, readOracle } from '../helpers/model-exam.ts';
import { referenceCore, referenceModel } from '../helpers/reference-core.ts';

const config: EngineConfig = {
  ...defaultEngineConfig,
  schedulerPolicy: 'fcfs',
  runningMaxReqSize: 3,
  batchMaxTokens: 48,
  chunkedPrefillSize: 48,
};

/** Beginnings of the oracle's prompt: the next token's log-probabilities are known for each. */
const lengths = [41, 12, 29, 40, 41];

interface Schedule {
  readonly name: string;
  readonly changed: Partial<EngineConfig>;
  readonly slots: number;
  /** Each request alone, or all at once. */
  readonly together: boolean;
  /** Tokens generated behind the first. */
  readonly more: number;
}

const schedules: readonly Schedule[] = [
  { name: 'whole', changed: { disableDynamicPromptCache: true }, slots: 200, together: false, more: 0 },
  { name: 'in chunks, from cached prefixes', changed: { chunkedPrefillSize: 7 }, slots: 200, together: false, more: 0 },
  { name: 'in company', changed: { batchMaxTokens: 24 }, slots: 200, together: true, more: 20 },
  { name: 'paused', changed: { disableDynamicPromptCache: true }, slots: 66, together: true, more: 20 },
];

for (const name of ['llama-tied', 'mistral-window', 'qwen3', 'gpt2', 'phi3', 'gemma3', ...tiny]) {
  t.test(name, async (t) => {
    const model = await referenceModel(name);
    const { prompt, logits } = readOracle(name);
    const { vocabSize } = model;
    const short = shortLogits(name);
    let generated: unknown = null;
    for (const { name, changed, slots, together, more } of schedules) {
      const core = referenceCore(model, { ...config, ...changed }, { slots });
      const book = new Book();
      let paused = 0;
      for (const [i, length] of lengths.entries()) {
        const params = { logprobs: 5, maxTokens: 1 + more, ignoreEos: true };
        core.add(request(`${i}`, prompt.slice(0, length), params));
        if (!together) await book.finishAll(core);
      }
      await book.finishAll(core, () => (paused += core.scheduler.paused.length));
      let worst = 0;
      for (const [i, length] of lengths.entries()) {
        const source = short && length * vocabSize <= short.length ? short : logits;
        const wanted = logprobs(source.subarray((length - 1) * vocabSize, length * vocabSize));
        for (const { id, logprob } of book.outputs.get(`${i}`)!.logprobs![0].top) {
          worst = Math.max(worst, Math.abs(logprob - wanted[id]));
        }
      }
      t.ok(worst < 2e-5, `${name}: log-probabilities differ by ${worst.toExponential(1)} at most`);
      if (name.includes('cached') && !model.model.dynamicRotary)
        t.equal(book.outputs.get('4')!.usage.cachedTokens, 40, `${name}: all but the last token were cached`);
      t.equal(paused > 0, name === 'paused', `${name}: ${paused} pauses`);
      core.flushCache();
      t.equal(core.scheduler.kv.pool.free, core.scheduler.kv.pool.size, `${name}: every slot is back`);
      if (more === 0) continue;
      const tokens = lengths.map((_, i) => book.tokens(`${i}`));
      generated ??= tokens;
      t.same(tokens, generated, `${name}: the same tokens`);
    }
  });
}

/** Where transformers computes a short prompt in another way: those of its first tokens alone. */
function shortLogits(name: string): Float32Array | null {
  const path = `${fixturePath(name)}/logits-short.f32`;
  return existsSync(path) ? new Float32Array(new Uint8Array(readFileSync(path)).buffer) : null;
}

function logprobs(logits: Float32Array): number[] {
  const top = logits.reduce((a, b) => Math.max(a, b));
  const sum = logits.reduce((n, x) => n + Math.exp(x - top), 0);
  return Array.from(logits, (x) => x - top - Math.log(sum));
}
