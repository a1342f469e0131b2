// The prompt of a request with tools is the text that the adapter was trained on, token by token.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { openModel } from '../../src/model/files/open-model.ts';
import { buildChatPrompt } from '../../src/text/chat-prompt/chat-prompt.ts';
import { compileChatTemplate } from '../../src/text/chat-template/chat-template.ts';
import { tokenizerOf } from '../../src/text/tokenizer/load-tokenizer.ts';
import { defaultModel } from '../helpers/default-model.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
/** By scripts/tool-adapter/prompts.py, with transformers. */
const cases = JSON.parse(read('test/fixtures/tool-adapter/prompts.json'));
const source = read('adapters/smollm2-135m-instruct-tools/chat_template.jinja');
const model = defaultModel();

t.test("the adapter's template renders as transformers does", (t) => {
  const template = compileChatTemplate(source, {});
  for (const { messages, tools, text } of cases) {
    t.same(buildChatPrompt(template, { messages }, tools), { text, toolFallback: false, continued: null });
  }
  t.ok(cases.length > 5);
  t.end();
});

t.test('and comes to the same tokens', { skip: model.unavailable }, (t) => {
  const opened = openModel(model.path);
  t.teardown(() => opened.close());
  const tokenizer = tokenizerOf(opened);
  for (const { text, ids } of cases) t.same(tokenizer.encode(text, { addSpecialTokens: false }), ids);
  t.end();
});
