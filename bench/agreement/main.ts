/** Greedy texts by the engine, each token of them scored by llama.cpp. */
import { defaultSamplingParams } from '../../src/engine/core/types.ts';
import { LLM } from '../../src/llm/llm.ts';
import type { RunBench } from '../helpers/declare.ts';
import { describeMachine } from '../helpers/machine.ts';
import { modelPath } from '../helpers/model.ts';
import { loadPeer, type PeerSequence } from '../helpers/peer.ts';
import { peerLogProbabilities } from '../helpers/read-text.ts';
import type { spec } from './flags.ts';

const prompts = [
  'The capital of France is',
  'Once upon a time, there was a',
  'def fibonacci(n):',
  'Water boils at a temperature of',
  'Bees make honey from',
  '1, 2, 3, 4, 5,',
  'Die Hauptstadt von Deutschland ist',
  'The chemical symbol of gold is',
];

interface Text {
  readonly promptIds: readonly number[];
  readonly tokenIds: readonly number[];
  readonly logprobs: readonly number[];
}

async function greedy({ engine, tokenizer }: LLM, prompt: string, maxTokens: number): Promise<Text> {
  const promptIds = tokenizer.encode(prompt);
  const params = { ...defaultSamplingParams, temperature: 0, ignoreEos: true, maxTokens, logprobs: 0 };
  const [tokenIds, logprobs]: number[][] = [[], []];
  for await (const output of engine.generate(promptIds, params)) {
    tokenIds.push(...output.tokenIds);
    logprobs.push(...(output.logprobs ?? []).map(({ logprob }) => logprob));
  }
  return { promptIds, tokenIds, logprobs };
}

/** Of each token of the text: llama.cpp's log-probability, and that of the token that it finds likeliest. */
async function scored(sequence: PeerSequence, { promptIds, tokenIds }: Text) {
  await sequence.clearHistory();
  const ids = [...promptIds, ...tokenIds.slice(0, -1)];
  const first = promptIds.length - 1;
  const output = await sequence.controlledEvaluate(
    ids.map((id, i) => (i < first ? id : [id, { generateNext: { logits: true } }])),
  );
  const all = peerLogProbabilities(output.slice(first));
  const vocabulary = all.length / tokenIds.length;
  return tokenIds.map((id, i) => {
    const row = all.subarray(i * vocabulary, (i + 1) * vocabulary);
    return { logprob: row[id], best: row.reduce((most, value) => Math.max(most, value), -Infinity) };
  });
}

export const run: RunBench<typeof spec> = async ({ model, peer: directory, tokens, ...settings }) => {
  const path = await modelPath(model);
  const llm = await LLM.load(path, { ...settings, maxTotalTokenNum: 2048, runningMaxReqSize: prompts.length });
  const texts = await Promise.all(prompts.map((prompt) => greedy(llm, prompt, tokens)));
  const { adapter } = llm.engine.info;
  await llm.close();

  const peer = await loadPeer(directory ?? '', path);
  const context = await peer.sequences(1, 512);
  const rows = [];
  for (const [i, text] of texts.entries()) {
    const scores = await scored(context.sequences[0], text);
    const same = scores.filter(({ logprob, best }) => logprob === best).length;
    const differences = scores.map(({ logprob }, j) => Math.abs(logprob - text.logprobs[j]));
    const worst = Math.max(...differences);
    /** How much likelier llama.cpp finds another token than the one that was chosen, at most. */
    const gap = Math.max(...scores.map(({ logprob, best }) => best - logprob));
    rows.push({ prompt: prompts[i], ...text, peer: scores, same, worst, gap });
    const figures = `${same} of ${scores.length} tokens, log-probabilities within ${worst.toFixed(3)}, others likelier by ${gap.toFixed(3)}`;
    console.log(`${figures}: ${JSON.stringify(prompts[i] + llm.tokenizer.decode(text.tokenIds))}`);
  }
  await context.dispose();
  const [same, all] = [rows.reduce((n, row) => n + row.same, 0), rows.length * tokens];
  console.log(`${peer.name}: ${same} of ${all} tokens are its likeliest`);
  return { result: { model: path.split('/').at(-1), peer: peer.name, machine: describeMachine(adapter), rows } };
};
