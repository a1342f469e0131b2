// The command line as a user has it: flags, one-line errors, and the server over the default model from start to signal.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Command } from 'commander';
import OpenAI from 'openai';
import t from 'tap';
import { addSettings, readSettings } from '../../src/commands/flags.ts';
import { dropIgnoredFlags } from '../../src/commands/lightllm-flags.ts';
import { engineSettings } from '../../src/config.ts';
import { cliCommand, serve, startCli, untilIdle } from '../helpers/cli.ts';
import { defaultModel } from '../helpers/default-model.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import { json, readEvents } from '../helpers/wire.ts';

t.test('what is wrong is one line that names it, and exit code 1', async (t) => {
  const dir = tempDir(t);
  const busy = createServer().listen(0, '127.0.0.1');
  t.teardown(() => busy.close());
  await new Promise((resolve) => busy.once('listening', resolve));
  const { port } = busy.address() as { port: number };
  writeFileSync(join(dir, 'cut.gguf'), 'GGUF\x03\0\0\0');
  writeFileSync(join(dir, 'template.jinja'), '{% if %}');
  const cases: [string[], RegExp][] = [
    [['serve', '--portt', '1'], /unknown option '--portt'/],
    [['serve', '--port', 'abc'], /--port: expected an integer from 0 to 65535, got "abc"/],
    [['serve', '--mem-fraction', '2'], /--mem_fraction: expected a number from 0.01 to 1, got "2"/],
    [['serve', '--quant', 'int2'], /--quant: expected one of stored, none, int8, int4, got "int2"/],
    [['dance'], /unknown command 'dance'/],
    [['generate', '--model_dir', dir], /--prompt: /],
    [['serve', '--model_dir', join(dir, 'none'), '--port', '0'], /none: no such file or directory/],
    [['inspect', '--model_dir', join(dir, 'cut.gguf')], /cut\.gguf/],
    [['serve', '--model_dir', dir, '--port', String(port)], new RegExp(`Port ${port} on 127.0.0.1 is in use`)],
  ];
  for (const [args, message] of cases) {
    const { output, code } = startCli(args);
    t.equal(await code, 1, args.join(' '));
    t.match(output.err, message);
    t.match(output.err, /^dawnlight: [^\n]+\n$/, 'one line');
    t.equal(output.out, '');
  }
});

t.test('flags of LightLLM that mean nothing here are taken out, with a word about each', async (t) => {
  const notes: string[] = [];
  const args = ['serve', '--trust-remote-code', '--tp', '1', '--data_type', 'fp16', '--nccl_port=28765', '--port', '0'];
  t.same(
    dropIgnoredFlags(args, (line) => notes.push(line)),
    ['serve', '--tp', '1', '--port', '0'],
  );
  t.equal(notes.length, 3);
  t.match(notes[0], /^--trust_remote_code of LightLLM is ignored: no code of a checkpoint is ever run$/);
  t.same(
    dropIgnoredFlags(['serve', '--eos_id', '2'], () => t.fail('not ignored')),
    ['serve', '--eos_id', '2'],
  );
  t.same(
    dropIgnoredFlags(['serve', '--tools_adapter', '--no_tools_adapter'], (line) => notes.push(line)),
    ['serve', '--no_tools_adapter'],
  );
  t.match(notes[3], /^--tools_adapter is ignored: it is the default; --no_tools_adapter turns it off$/);
});

t.test('help shows every flag with its default', async (t) => {
  const { output, code } = startCli(['serve', '--help']);
  t.equal(await code, 0);
  for (const flag of ['--model_dir', '--max_total_token_num', '--tool_call_parser', '--no-overlap', '--api_key']) {
    t.match(output.out, flag);
  }
  const words = output.out.replaceAll(/\s+/g, ' ');
  t.match(words, /--port <n> [^-]*\(default 8000\)/);
  t.match(words, /--scheduler_policy <name> [^-]*One of past-future, aggressive,/);
  const columns = output.out.split('\n').map((line) => /^  --\S+( <[^>]+>)? */.exec(line)?.[0].length ?? 0);
  t.ok(Math.max(...columns) <= 40, 'leaves half of a terminal to what flags mean');
  const [version, chat, generate] = [['--version'], ['chat', '--help'], ['generate', '--help']].map((args) =>
    startCli(args),
  );
  t.same(await Promise.all([version.code, chat.code, generate.code]), [0, 0, 0]);
  t.match(version.output.out, /^\d+\.\d+\.\d+\n$/);
  t.match(chat.output.out, /--system/);
  t.notMatch(chat.output.out, /--prompt/, 'a flag that would be ignored');
  t.match(generate.output.out, /--prompt/);
  t.notMatch(generate.output.out, /--system/);
});

t.test('names of other servers, with either dash', async (t) => {
  const read = (...args: string[]): unknown => {
    const command = addSettings(new Command(), engineSettings).parse(args, { from: 'user' });
    return readSettings(command, engineSettings);
  };
  t.match(read(), { overlap: true, fusion: true, disableDynamicPromptCache: false, disableChunkedPrefill: false });
  t.match(read('--no-overlap', '--no-fusion', '--no-radix', '--no-chunked-prefill'), {
    overlap: false,
    fusion: false,
    disableDynamicPromptCache: true,
    disableChunkedPrefill: true,
  });
  t.match(read('--disable_dynamic_prompt_cache', '--disable_chunked_prefill', '--step_timeout', '5'), {
    disableDynamicPromptCache: true,
    disableChunkedPrefill: true,
    stepTimeout: 5,
  });
});

const model = defaultModel();

t.test('serve the default model', { skip: model.unavailable }, async (t) => {
  const flags =
    '--port 0 --tp 1 --max-total-token-num 2048 --running_max_req_size 4 --batch_max_tokens 256 --drain_timeout 600'.split(
      ' ',
    );
  const names = ['--model_dir', model.path, '--served_model_name', 'small'];
  const { child, output, code, url } = await serve(t, [...names, ...flags]);
  t.match(output.out, /memory +weights [\d.]+ MB, KV cache [\d.]+ MB in f32 \(2048 tokens/);
  const plan = ['--max_total_token_num', '2048', '--running_max_req_size', '4', '--batch_max_tokens', '256'];
  const inspected = startCli(['inspect', '--model_dir', model.path, '--activation_dtype', 'f32', ...plan]);
  t.equal(await inspected.code, 0);
  for (const line of ['adapter', 'memory']) {
    const printed = (out: string) => new RegExp(`^${line} +(.*)$`, 'm').exec(out)?.[1];
    t.equal(printed(inspected.output.out), printed(output.out), `inspect and serve say the same ${line}`);
  }
  t.match(output.out, /model {4}small \(llama\)\nadapter .+\nmemory .*2048 tokens/);
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none' });
  const messages = [{ role: 'user' as const, content: 'What is the capital of France?' }];
  const request = { model: 'small', messages, temperature: 0, max_tokens: 24 };

  const whole = await client.chat.completions.create(request);
  t.match(whole.choices[0]?.message.content, /Paris/);
  let streamed = '';
  for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) {
    streamed += chunk.choices[0]?.delta.content ?? '';
  }
  t.equal(streamed, whole.choices[0]?.message.content, 'streamed alike');
  const stopped = await client.chat.completions.create({ ...request, stop: 'Paris' });
  t.notMatch(stopped.choices[0]?.message.content, /Paris/);
  t.equal(stopped.choices[0]?.finish_reason, 'stop');
  const again = await client.chat.completions.create(request);
  t.ok((again.usage?.prompt_tokens_details?.cached_tokens ?? 0) > 10, 'the prefix was cached');

  const post = (path: string, body: unknown): Promise<Response> =>
    fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const native = { inputs: 'The capital of France is', parameters: { max_new_tokens: 3 } };
  const { generated_text: text } = await json(await post('/generate', native));
  const events = await readEvents(await post('/generate_stream', native));
  t.equal(events.map((e) => e.token.text).join(''), text[0]);
  const long = await post('/v1/completions', { prompt: 'word '.repeat(3000) });
  t.equal(long.status, 400);
  t.equal((await json(long)).error.code, 'context_length_exceeded');

  const abort = new AbortController();
  const endless = { model: 'small', prompt: 'x', max_tokens: 2000, ignore_eos: true, stream: true as const };
  for await (const _ of await client.completions.create(endless, { signal: abort.signal })) break;
  await untilIdle(url);

  const body = {
    prompt: 'x',
    max_tokens: 150,
    ignore_eos: true,
    stream: true,
    stream_options: { include_usage: true },
  };
  const running = await post('/v1/completions', body);
  child.kill('SIGTERM');
  await untilHolds(async () => (await fetch(`${url}/health`)).status === 503);
  t.equal((await json(await fetch(`${url}/health`))).status, 'draining');
  const late = await post('/v1/completions', { prompt: 'x', max_tokens: 1 });
  t.equal(late.status, 503, 'what comes while it drains');
  t.equal(late.headers.get('retry-after'), '1');
  const [usage, done] = (await readEvents(running)).slice(-2);
  t.equal(usage.usage.completion_tokens, 150, 'what runs is finished');
  t.equal(done, '[DONE]');
  t.equal(await code, 0);
  t.notMatch(output.err, /Error|dawnlight:/);
  t.match(
    output.err,
    /request \S+: \d+ \(36 cached\) \+ \d+ tokens, stop; waited .+ ms, first token .+ ms, all .+ ms, .+ tok\/s/,
  );
});

async function untilHolds(condition: () => Promise<boolean>): Promise<void> {
  let holds = false;
  while (!holds) holds = await condition();
}

t.test('generate, inspect and parse', { skip: model.unavailable }, async (t) => {
  const flags =
    '--max_total_token_num 256 --running_max_req_size 1 --activation_dtype f32 --temperature 0 --max_tokens 3'.split(
      ' ',
    );
  const generated = startCli(['generate', '--model_dir', model.path, '--prompt', 'The capital of France is', ...flags]);
  const inspected = startCli(['inspect', '--model_dir', model.path]);
  const parsed = startCli(
    ['parse', '--tool_call_parser', 'qwen25'],
    '<tool_call>{"name": "f", "arguments": {}}</tool_call>',
  );
  t.same(await Promise.all([generated.code, inspected.code, parsed.code]), [0, 0, 0]);
  t.match(generated.output.out, /^The capital of France is Paris/);
  t.match(generated.output.err, /3 tokens, [\d.]+ tok\/s/);
  t.match(inspected.output.out, /architecture +llama[^]*Q4_1[^]*parameters +134,515,008[^]*KV cache per token/);
  t.match(JSON.parse(parsed.output.out), { tool_calls: [{ function: { name: 'f', arguments: '{}' } }] });
});

t.test('questions and prompts through a pipe, and a pipe that nobody reads', { skip: model.unavailable }, async (t) => {
  const flags = ['--model_dir', model.path, '--max_total_token_num', '256', '--running_max_req_size', '1'];
  const greedy = ['--temperature', '0', '--activation_dtype', 'f32'];
  // The last line has no end, and both are there before the model is.
  const chat = startCli(
    ['chat', ...flags, ...greedy, '--max_tokens', '8'],
    `\n  \nWhat is the capital of France?\n${'long '.repeat(400)}\nAnd of Italy?`,
  );
  t.equal(await chat.code, 0);
  t.equal(chat.output.out.split('\n').length, 3, 'two answers and nothing else');
  t.match(chat.output.out, /Paris.*\n.*Rome|Italy/);
  t.match(chat.output.err, /maximum context length is 256 tokens.* The conversation is as before\.\n/);

  const generate = startCli(['generate', ...flags, ...greedy, '--max_tokens', '3'], 'The capital of France is');
  t.equal(await generate.code, 0);
  t.match(generate.output.out, /^The capital of France is Paris/);

  const unread = startCli(['generate', ...flags, '--prompt', 'Once upon a time']);
  unread.child.stdout?.once('data', () => unread.child.stdout?.destroy());
  t.equal(await unread.code, 0);
  t.notMatch(unread.output.err, /EPIPE|Error/);
  t.match(unread.output.err, /\d+ tokens, /, 'generation ended, the engine closed');
});

const noTerminal = process.platform !== 'linux' && 'needs script(1) of util-linux';
t.test(
  'chat at a terminal: Ctrl-C stops an answer, Ctrl-D ends',
  { skip: model.unavailable || noTerminal },
  async (t) => {
    const flags = '--max_total_token_num 1024 --running_max_req_size 1 --temperature 0';
    const program = [process.execPath, ...cliCommand].map((word) => `'${word}'`).join(' ');
    const command = `${program} chat --model_dir '${model.path}' ${flags}`;
    const child = spawn('script', ['-qefc', command, '/dev/null'], { stdio: 'pipe' });
    t.teardown(() => child.kill());
    let screen = '';
    child.stdout.on('data', (data: Buffer) => (screen += data.toString()));
    const code = new Promise((resolve) => child.on('close', resolve));
    const shows = (what: RegExp) =>
      untilHolds(() => new Promise((resolve) => setTimeout(() => resolve(what.test(screen)), 20)));
    /** Types a key or a line; what was on the screen before does not count for `shows`. */
    const type = (keys: string) => {
      screen = '';
      child.stdin.write(keys);
    };
    await shows(/Ctrl-D ends\.[^]*> /);
    // The same again: the model has a long answer to it, wherever the first one was stopped.
    const question = 'Count from one to a thousand in words, please.\r';
    type(question);
    await shows(/please\.[^]*\w+[^]*\w+ \w+ \w+/);
    type('\x03');
    await shows(/\[stopped\]\s*\[\d+ prompt tokens,[^]*> /);
    type(question);
    await shows(/please\.[^]*\w+[^]*\w+ \w+ \w+/);
    type('\x04');
    t.equal(await code, 0);
    t.match(screen, /\[stopped\]/);
    t.notMatch(screen, /dawnlight:/);
  },
);
