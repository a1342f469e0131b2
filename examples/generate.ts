/** Text in, text out: one prompt streamed, then three conversations at once, then one that is cut short. */
import { LLM } from 'dawnlight';

const llm = await LLM.load(process.argv[2] ?? 'path/to/model', { maxTotalTokenNum: 4096 });

process.stdout.write('The capital of France is');
for await (const { text } of llm.generate('The capital of France is', { temperature: 0, maxTokens: 20 })) {
  process.stdout.write(text);
}
console.log();

/** The whole answer, and what it took. */
async function ask(question: string): Promise<string> {
  let answer = '';
  for await (const chunk of llm.generate([{ role: 'user', content: question }], { maxTokens: 40, seed: 1 })) {
    answer += chunk.text;
    if (chunk.finishReason) answer += ` [${chunk.finishReason}, ${chunk.usage.completionTokens} tokens]`;
  }
  return answer;
}
// Requests that run at the same time share the engine's steps, and what their prompts have in common.
console.log(await Promise.all(['What is a tree?', 'What is a graph?', 'What is a list?'].map(ask)));

const signal = AbortSignal.timeout(500);
for await (const { text, finishReason } of llm.generate('Once upon a time', { ignoreEos: true }, { signal })) {
  process.stdout.write(finishReason === 'abort' ? ' … (out of time)\n' : text);
}
await llm.close();
