// How many calls an answer may have where the request does not say.
import t from 'tap';
import { chatAnswer } from '../../../src/text/answer/chat-answer.ts';

const tools = [{ type: 'function' as const, function: { name: 'weather', parameters: { type: 'object' } } }];
const callOf = (args: string) => `<tool_call>\n{"name": "weather", "arguments": ${args}}\n</tool_call>\n`;
const twoCalls = callOf('{}') + callOf('{"city": "Rome"}');

function answer(toolFallback: boolean, parallelToolCalls?: boolean, isForced = true, text = twoCalls) {
  const made = chatAnswer({
    formats: { toolCallParser: 'qwen25', reasoningParser: null },
    chosen: { tools, isForced, isNamed: false },
    messages: [],
    prompt: { text: '', toolFallback, continued: null },
    parallelToolCalls,
  });
  const output = { text, tokens: [], finishReason: 'stop', stopReason: null } as const;
  const { toolCalls } = made.createParser().push(output);
  return { parallel: made.form.parallel, calls: new Set(toolCalls.map(({ index }) => index)).size };
}

t.test('one forced call where the model was told of tools in our words, unless more are asked for', (t) => {
  t.same(answer(true), { parallel: false, calls: 1 });
  t.same(answer(true, true), { parallel: true, calls: 2 });
  t.same(answer(true, undefined, false), { parallel: true, calls: 2 }, 'auto');
  t.same(answer(false), { parallel: true, calls: 2 });
  t.same(answer(false, false), { parallel: false, calls: 1 });
  t.end();
});

t.test('a forced call that comes again word for word ends the answer; of its own will a model may call twice', (t) => {
  const twice = callOf('{}') + callOf('{}');
  t.same(answer(false, undefined, true, twice).calls, 1);
  t.same(answer(true, true, true, twice).calls, 1);
  t.same(answer(false, undefined, false, twice).calls, 2, 'auto');
  t.end();
});
