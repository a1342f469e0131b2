// finish_reason of answers that a stop string ended: inside a call, after its arguments, and outside calls.
import t from 'tap';
import { AnswerParser } from '../../../src/text/answer/answer-parser.ts';
import type { TextOutput } from '../../../src/text/answer/generated-text.ts';
import { createToolCallParser } from '../../../src/text/tool-calls/create-parser.ts';

const usage = {} as TextOutput['usage'];
const base = { tokens: [], stopToken: null, promptLogprobs: null, usage };

/** What an answer comes to, pushed a character at a time; `stop` is the stop string that ended it. */
function read(format: string, text: string, stop: string | number | null, parallelToolCalls = true) {
  const toolCallParser = createToolCallParser(format, []);
  const parser = new AnswerParser({ reasoning: null, toolCallParser, parallelToolCalls });
  const outputs: TextOutput[] = [...text].map((c) => ({ ...base, text: c, finishReason: null, stopReason: null }));
  outputs.push({ ...base, text: '', finishReason: 'stop', stopReason: stop });
  const calls: string[] = [];
  for (const output of outputs) {
    for (const call of parser.push(output).toolCalls) {
      calls[call.index] = (calls[call.index] ?? '') + (call.arguments ?? '');
    }
  }
  return { calls, reason: parser.finishReason('stop') };
}

const whole = '<tool_call>{"name": "f", "arguments": {"a": "x"}}';
const open = '<tool_call>{"name": "f", "arguments": {"a": "x';

t.test('a stop string inside the arguments gives stop, and the arguments as far as written', async (t) => {
  t.same(read('qwen25', open, 'END'), { calls: ['{"a": "x'], reason: 'stop' });
  t.same(read('qwen25', `${whole}</tool_call>\n${open}`, 'END'), { calls: ['{"a": "x"}', '{"a": "x'], reason: 'stop' });
  const coder = read('qwen3_coder', '<tool_call>\n<function=f>\n<parameter=a>\nx y', 'END');
  t.equal(coder.reason, 'stop');
  t.throws(() => JSON.parse(coder.calls[0] ?? ''), 'the parser closes nothing that the model left open');
});

t.test('a stop string after the arguments leaves the call whole', async (t) => {
  const calls = ['{"a": "x"}'];
  t.same(read('qwen25', whole, '</tool_call>'), { calls, reason: 'tool_calls' });
  t.same(read('qwen25', `${whole}</tool_call>\nDone`, '.'), { calls, reason: 'tool_calls' });
  t.same(
    read('qwen25', `${whole}</tool_call>\n${open}`, 'END', false),
    { calls, reason: 'tool_calls' },
    'an unsent call',
  );
});

t.test("the model's own end and stop token ids are not stop strings", async (t) => {
  t.same(read('qwen25', `${whole}</tool_call>`, null).reason, 'tool_calls');
  t.same(read('qwen25', `${whole}</tool_call>`, 2).reason, 'tool_calls');
  t.same(read('qwen25', 'text', 'END'), { calls: [], reason: 'stop' });
});
