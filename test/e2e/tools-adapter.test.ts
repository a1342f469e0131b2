// With its adapter for tools the default model answers LightLLM's two examples of functions with the right calls.
import t from 'tap';
import { ask } from '../../bench/tools/ask.ts';
import { isRight } from '../../bench/tools/cases.ts';
import { examples, exampleTools, tidy } from '../../bench/tools/example.ts';
import { serve } from '../helpers/cli.ts';
import { defaultModel } from '../helpers/default-model.ts';

const model = defaultModel();

t.test('both examples are called right, plain and streamed', { skip: model.unavailable }, async (t) => {
  const bounds = ['--max_total_token_num', '1024', '--running_max_req_size', '4', '--batch_max_tokens', '256'];
  const { url } = await serve(t, ['--model_dir', model.path, '--port', '0', ...bounds]);
  for (const example of examples) {
    const tools = [{ type: 'function', function: exampleTools[example.tools[0] as keyof typeof exampleTools] }];
    const request = { messages: example.messages, tools, tool_choice: 'auto', temperature: 0, max_tokens: 60 };
    const answers = await Promise.all([false, true].map((stream) => ask(url, request, stream)));
    for (const answer of answers) {
      t.ok(isRight(example, tidy(answer)), `${example.kind}: ${JSON.stringify(answer)}`);
      t.equal(answer.finishReason, 'tool_calls');
    }
  }
});
