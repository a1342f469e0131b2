// `npm start [-- FLAGS]`: sets everything up, gets the default model and serves it. FLAGS go to `dawnlight serve`.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { freemem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { built, root, runMain, setupBuild, setupMachine } from './setup.mjs';

const flags = process.argv.slice(2);
const begin = Date.now();

/** A flag's value, written with `_` or `-`, as `--flag value` or `--flag=value`. */
function flagValue(name) {
  for (const [i, flag] of flags.entries()) {
    const [key, value] = flag.split(/=(.*)/s);
    if (key.replace(/^--/, '').replaceAll('-', '_') === name && key.startsWith('--')) return value ?? flags[i + 1];
  }
  return undefined;
}

/** A better model to name, where the hub answers and memory is enough; null elsewhere. */
async function betterModel() {
  const { namedModels, memoryNeeded } = await built('commands/pull/named-models.js');
  const name = 'qwen2.5:0.5b';
  const hub = process.env.HF_ENDPOINT || 'https://huggingface.co';
  if (2 * memoryNeeded(namedModels[name]) > freemem()) return null;
  const answers = await fetch(hub, { method: 'HEAD', signal: AbortSignal.timeout(3000) }).then(
    () => true,
    () => false,
  );
  return answers ? `${name} (${Math.round(namedModels[name].bytes / 1e6)} MB)` : null;
}

/** The tool of LightLLM's second example of function calling. */
const calculate = {
  type: 'function',
  function: {
    name: 'calculate',
    description: 'Perform mathematical calculations',
    parameters: {
      type: 'object',
      properties: { expression: { type: 'string', description: 'Mathematical expression' } },
      required: ['expression'],
    },
  },
};

/** For a shell: a request with that tool, whose answer is a call of it. */
function functionCall(url) {
  const content = 'Help me calculate 25 * 4 + 10';
  const request = { messages: [{ role: 'user', content }], tools: [calculate], tool_choice: 'auto', max_tokens: 100 };
  return `  curl ${url}/v1/chat/completions -H 'content-type: application/json' \\
    -d '${JSON.stringify(request)}'`;
}

function whatToTry(url, better, ownModel) {
  return `
Serving at ${url} (${((Date.now() - begin) / 1000).toFixed(1)} s after the start). Try:

  curl ${url}/v1/chat/completions -H 'content-type: application/json' \\
    -d '{"max_tokens": 100, "messages": [{"role": "user", "content": "What is the capital of France?"}]}'

${ownModel ? '' : `or a function for it to call (the answer has tool_calls):\n\n${functionCall(url)}\n\n`}or, in Python with OpenAI's client:

  from openai import OpenAI
  client = OpenAI(base_url="${url}/v1", api_key="none")
  model = client.models.list().data[0].id
  messages = [{"role": "user", "content": "Hello!"}]
  answer = client.chat.completions.create(model=model, max_tokens=100, messages=messages)
  print(answer.choices[0].message.content)
${better ? `\nA model that knows more: npm start -- --model ${better}\n` : ''}
Ctrl-C ends it.
`;
}

/** Resolves when the server answers, or never if it ends before. */
async function untilHealthy(url, hasEnded) {
  while (!hasEnded()) {
    const answer = await fetch(`${url}/health`).catch(() => null);
    if (answer?.ok) return true;
    await sleep(100);
  }
  return false;
}

await runMain(async () => {
  await setupBuild(true);
  const ownModel = (flagValue('model_dir') ?? flagValue('model')) !== undefined;
  const model = await setupMachine({ model: !ownModel });
  const port = flagValue('port') ?? '8088';
  const host = flagValue('host') ?? '127.0.0.1';
  const defaults = [...(ownModel ? [] : ['--model_dir', model]), ...(flagValue('port') ? [] : ['--port', port])];
  const server = spawn(process.execPath, [join(root, 'dist', 'cli.js'), 'serve', ...defaults, ...flags], {
    stdio: 'inherit',
  });
  const ended = new Promise((resolve) => server.on('close', (code) => resolve(code ?? 1)));
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => server.kill(signal));
  const reached = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  const url = `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
  // A server that a signal ended has no exit code.
  const hasEnded = () => server.exitCode !== null || server.signalCode !== null;
  const better = ownModel ? null : await betterModel();
  void untilHealthy(url, hasEnded).then((healthy) => healthy && console.error(whatToTry(url, better, ownModel)));
  return await ended;
});
