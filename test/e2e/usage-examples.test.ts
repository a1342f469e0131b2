// Every example of LightLLM's page on its OpenAI API, word for word, "your_model_name" included. Our copy of the page
// (test/fixtures/openai-usage-examples.rst) breaks off inside the fourth example, behind its list of tools.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { Ajv } from 'ajv';
import t, { type Test } from 'tap';
import { serve } from '../helpers/cli.ts';
import { defaultModel } from '../helpers/default-model.ts';
import { python, withoutPython } from '../helpers/python.ts';
import type { Json } from '../helpers/wire.ts';

const page = readFileSync(new URL('../fixtures/openai-usage-examples.rst', import.meta.url), 'utf8');
const model = defaultModel();

/** The code blocks of one language: the indented lines after each `.. code-block::`. */
function codeBlocks(language: string): string[] {
  const blocks = page.split(`.. code-block:: ${language}\n`).slice(1);
  return blocks.map((text) => {
    const lines = text.split('\n');
    const end = lines.findIndex((line) => /^\S/.test(line));
    return lines
      .slice(0, end < 0 ? lines.length : end)
      .map((line) => line.slice(4))
      .join('\n');
  });
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** The flags of the page's second launch command, the one with a tool call parser. */
function launchFlags(port: number): string[] {
  const [, command = ''] = codeBlocks('bash');
  const flags = command.replaceAll(/#.*|\\\n/g, '').split(/\s+/);
  const rest = flags.slice(flags.indexOf('--model_dir') + 2).filter((flag) => flag !== '');
  return ['--model_dir', model.path, ...rest.map((flag) => (flag === '8088' ? String(port) : flag))];
}

/** What an example gets to know of this machine. */
type Adapt = (example: string) => string;

async function runPython(program: string): Promise<string> {
  const { stdout } = await promisify(execFile)(python, ['-c', program]);
  t.notMatch(stdout, /^Error:/m);
  return stdout;
}

t.test('openai-usage-examples.rst', { skip: model.unavailable || withoutPython }, async (t) => {
  const port = (await isFree(8088)) ? 8088 : 0;
  const bounds = '--max_total_token_num 4096 --max_req_total_len 360 --running_max_req_size 8 --batch_max_tokens 256';
  const { url } = await serve(t, [...launchFlags(port), ...bounds.split(' ')]);
  const adapt: Adapt = (text) => text.replaceAll('localhost:8088', `localhost:${new URL(url).port}`);
  const examples = codeBlocks('python');
  t.equal(examples.length, 4);
  const [conversation, streamed, call] = examples.slice(0, 3).map((example) => runPython(adapt(example)));

  t.match(await conversation, /^Reply: \S/);
  t.match(await streamed, /\S/);
  const reply = await call;
  if (reply.startsWith('Reply:')) t.match(reply, /^Reply: \S/);
  else {
    const [, name = '', args = ''] = /Function name: (.*)\nArguments: (.*)/.exec(reply) ?? [];
    t.equal(name, 'get_current_weather');
    t.match(args, /^\{/);
  }
  const tools = [examples[2].slice(0, examples[2].indexOf('# Request data')), examples[3]];
  await Promise.all(tools.flatMap((given) => [false, true].map((stream) => toolCalls(t, adapt(given), stream))));
});

/** @param tools an example up to its list of tools, which `requests` then sends, once free to call and once obliged to */
async function toolCalls(t: Test, tools: string, stream: boolean): Promise<void> {
  const ask = (question: string): Promise<string> =>
    runPython(`${tools}
data = {"model": "your_model_name", "tools": tools, "temperature": 0, "max_tokens": 64, ${question}}
response = requests.post(url, headers=headers, json=data)
print(json.dumps(tools[0]["function"]))
print(response.text)`);
  const user = `"messages": [{"role": "user", "content": "How much is 12 * 7, and how warm is it in Beijing?"}]`;
  const wanted = `"stream": ${stream ? 'True' : 'False'}, ${user}`;
  const [free, forced] = await Promise.all([
    ask(wanted),
    ask(`${wanted}, "tool_choice": "required", "parallel_tool_calls": False`),
  ]);
  const [definition = '', ...answer] = forced.split('\n');
  const { name, parameters } = JSON.parse(definition);
  const { content, calls, finishReason } = (stream ? addUp : whole)(answer.join('\n'));
  t.same([content, calls.length, finishReason], ['', 1, 'tool_calls']);
  t.equal(calls[0].name, name);
  t.ok(new Ajv().validate(parameters, JSON.parse(calls[0].arguments)), calls[0].arguments);

  const open = (stream ? addUp : whole)(free.split('\n').slice(1).join('\n'));
  t.notMatch(open.content, /<tool_call>.*<\/tool_call>/s, 'what the model called was read as a call');
  t.equal(open.finishReason === 'tool_calls', open.calls.length > 0 && open.finishReason !== 'length');
  t.ok(open.content !== '' || open.calls.length > 0);
}

interface Read {
  readonly content: string;
  readonly calls: { name: string; arguments: string }[];
  readonly finishReason: string;
}

function whole(text: string): Read {
  const [{ message, finish_reason: finishReason }] = JSON.parse(text).choices;
  const calls = (message.tool_calls ?? []).map((call: Json) => call.function);
  return { content: message.content ?? '', calls, finishReason };
}

function addUp(text: string): Read {
  const data = text.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : []));
  t.equal(data.pop(), '[DONE]');
  const [calls, reasons]: [Read['calls'], string[]] = [[], []];
  let content = '';
  for (const [choice] of data.map((event) => JSON.parse(event).choices)) {
    content += choice.delta.content ?? '';
    if (choice.finish_reason !== null) reasons.push(choice.finish_reason);
    for (const { index, function: f } of choice.delta.tool_calls ?? []) {
      const call = (calls[index] ??= { name: '', arguments: '' });
      call.name += f.name ?? '';
      call.arguments += f.arguments ?? '';
    }
  }
  t.equal(reasons.length, 1);
  return { content, calls, finishReason: reasons[0] };
}
