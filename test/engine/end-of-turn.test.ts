/** A whole load of a small file on the device: what ends a turn comes from the tokenizer as well as from the file's eos. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { LLM } from '../../src/llm/llm.ts';
import { smallGguf } from '../helpers/small-model.ts';
import { tempDir } from '../helpers/temp-dir.ts';

t.test('a GGUF whose eos is another token than the end of its turns', async (t) => {
  const path = join(tempDir(t), 'small.gguf');
  // Its <|end|> is token 0; the file says that eos is 'a'.
  const { bytes } = smallGguf();
  const key = Buffer.from('tokenizer.ggml.eos_token_id');
  bytes.writeUInt32LE(1, bytes.indexOf(key) + key.length + 4);
  writeFileSync(path, bytes);
  const llm = await LLM.load(path, { maxTotalTokenNum: 64, runningMaxReqSize: 1 });
  t.teardown(() => llm.close());
  t.same(llm.engine.info.eosTokenIds, [1, 0]);
  // Weights of zero make all tokens equally likely, of which greedy takes the first.
  let ids: number[] = [];
  for await (const { tokenIds, finishReason } of llm.generate('ab', { temperature: 0, maxTokens: 5 })) {
    ids = [...ids, ...tokenIds];
    if (finishReason !== null) t.equal(finishReason, 'stop');
  }
  t.same(ids, [0]);
});
