/** Answers to plain questions, greedy and with the default sampling, beside llama.cpp's on the same file. */
import { LLM } from '../../src/llm/llm.ts';
import type { GenerateParams } from '../../src/llm/params.ts';
import type { RunBench } from '../helpers/declare.ts';
import { describeMachine } from '../helpers/machine.ts';
import { modelPath as pathOf } from '../helpers/model.ts';
import { loadPeer } from '../helpers/peer.ts';
import type { spec } from './flags.ts';
import { questions } from './questions.ts';

/** llama.cpp's own defaults; node-llama-cpp's are others. */
const llamaCpp = { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05 };

interface Answers {
  readonly who: string;
  readonly greedy: readonly string[];
  readonly sampled: readonly string[];
}

export const run: RunBench<typeof spec> = async ({ model, peer, maxTokens, seed }) => {
  const path = await pathOf(model);
  const llm = await LLM.load(path, { maxTotalTokenNum: 8192, runningMaxReqSize: 8, tieredStart: false });
  const { source, values } = llm.samplingDefaults;
  const prompts = questions.map(([content]) => {
    const text = llm.chatTemplate?.render([{ role: 'user', content }]) ?? content;
    return llm.tokenizer.encode(text, { addSpecialTokens: llm.chatTemplate === null });
  });
  const all = (params: (i: number) => GenerateParams) =>
    Promise.all(prompts.map((ids, i) => textOf(llm, ids, { maxTokens, ...params(i) })));
  const greedy = await all(() => ({ temperature: 0 }));
  const answers: Answers[] = [{ who: 'Dawnlight', greedy, sampled: await all((i) => ({ seed: seed + i })) }];
  const { adapter } = llm.engine.info;
  await llm.close();
  if (peer !== null) answers.push(await askPeer(llm, peer, path, prompts, { maxTokens, seed }));

  console.log(`default sampling here: ${JSON.stringify(values)} (${source}); llama.cpp's: ${JSON.stringify(llamaCpp)}`);
  questions.forEach(([question, right], i) => {
    console.log(`\n${i + 1}. ${question}`);
    for (const way of ['greedy', 'sampled'] as const) {
      for (const { who, ...texts } of answers) {
        console.log(
          `  ${right.test(texts[way][i]) ? 'right' : 'wrong'}  ${way.padEnd(7)} ${who}: ${JSON.stringify(texts[way][i])}`,
        );
      }
    }
  });
  const right = (texts: readonly string[]) => texts.filter((text, i) => questions[i][1].test(text)).length;
  const rows = answers.map(({ who, greedy, sampled }) => ({ who, greedy: right(greedy), sampled: right(sampled) }));
  const sameGreedy = answers.length < 2 ? null : greedy.filter((text, i) => text === answers[1].greedy[i]).length;
  const name = path.split('/').at(-1);
  return {
    result: {
      model: name,
      questions: questions.length,
      seed,
      maxTokens,
      machine: describeMachine(adapter),
      rows,
      sameGreedy,
      answers: answers.map(({ who, ...texts }) => ({
        who,
        texts: questions.map(([question], i) => ({
          question,
          greedy: texts.greedy[i],
          sampled: texts.sampled[i],
        })),
      })),
    },
  };
};

async function textOf(llm: LLM, ids: readonly number[], params: GenerateParams): Promise<string> {
  let text = '';
  for await (const chunk of llm.generate(ids, params)) text += chunk.text;
  return text.trim();
}

/** The same tokens to llama.cpp, one question after the other. */
async function askPeer(
  llm: LLM,
  directory: string,
  path: string,
  prompts: readonly (readonly number[])[],
  { maxTokens, seed }: { maxTokens: number; seed: number },
): Promise<Answers> {
  // One thread: several wait for each other by spinning, which takes half an hour on a busy machine.
  const peer = await loadPeer(directory, path, 1);
  const context = await peer.sequences(1, 1024);
  const [sequence] = context.sequences;
  const answer = async (ids: readonly number[], options: Parameters<typeof sequence.evaluate>[1]): Promise<string> => {
    await sequence.clearHistory();
    const output: number[] = [];
    for await (const id of sequence.evaluate(ids, options)) {
      if (llm.engine.info.eosTokenIds.includes(id) || output.length === maxTokens) break;
      output.push(id);
    }
    return llm.tokenizer.decode(output, { skipSpecialTokens: true }).trim();
  };
  const greedy: string[] = [];
  const sampled: string[] = [];
  for (const [i, ids] of prompts.entries()) {
    greedy.push(await answer(ids, { temperature: 0 }));
    sampled.push(await answer(ids, { ...llamaCpp, seed: seed + i }));
  }
  await context.dispose();
  return { who: peer.name, greedy, sampled };
}
