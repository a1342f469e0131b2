/** A logits processor: no token may come that contains the letter e. */
import { LLM, type LogitsProcessor } from 'dawnlight';

let banned: number[] = [];
const withoutE: LogitsProcessor = (logits) => {
  for (const id of banned) logits[id] = -Infinity;
};

const llm = await LLM.load(process.argv[2] ?? 'path/to/model', {
  maxTotalTokenNum: 4096,
  logitsProcessors: [withoutE],
});
const { tokenizer } = llm;
const ids = Array.from({ length: tokenizer.vocabSize }, (_, id) => id);
banned = ids.filter((id) => /e/i.test(tokenizer.decode([id])));

for await (const { text } of llm.generate('A short story about a cat:', { temperature: 0, maxTokens: 60 })) {
  process.stdout.write(text);
}
console.log();
await llm.close();
