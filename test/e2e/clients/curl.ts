// curl: no library between, so also what the bytes look like.
import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import t from 'tap';
import { tempDir } from '../../helpers/temp-dir.ts';
import {
  type Answer,
  type Call,
  citySchema,
  type ClientLibrary,
  type Endpoint,
  requestBody,
  type TestClient,
} from '../../helpers/test-client.ts';
import type { Json } from '../../helpers/wire.ts';

class HttpError extends Error {
  readonly status: number;

  constructor(status: number, body: string) {
    super((JSON.parse(body) as { error: { message: string } }).error.message);
    this.status = status;
  }
}

const directory = tempDir(t);
const run = promisify(execFile);

function connect({ baseURL, apiKey, model, retries }: Endpoint): TestClient {
  const flags = (body: object): string[] => [
    ...['--silent', '--show-error', '--no-buffer', '--retry', String(retries), `${baseURL}/chat/completions`],
    ...['--header', 'content-type: application/json', '--header', `authorization: Bearer ${apiKey}`],
    ...['--data', JSON.stringify(body)],
  ];
  /** The answer's body; curl leaves that of the last try in the file. */
  const post = async (body: object): Promise<string> => {
    const file = join(directory, 'answer');
    const { stdout } = await run('curl', [...flags(body), '--output', file, '--write-out', '%{http_code}']);
    const text = readFileSync(file, 'utf8');
    if (stdout !== '200') throw new HttpError(Number(stdout), text);
    return text;
  };
  return {
    async ask(question) {
      const text = await post(requestBody(model, question));
      return question.stream ? addUp(text) : toAnswer(JSON.parse(text));
    },
    async giveUp(question) {
      const args = flags(requestBody(model, question));
      if (!question.stream) {
        const outcome: unknown = await run('curl', ['--max-time', '0.5', ...args]).catch((error: unknown) => error);
        t.match(outcome, { code: 28 }, 'timed out');
        return;
      }
      const curl = spawn('curl', args, { stdio: ['ignore', 'pipe', 'inherit'] });
      for await (const line of createInterface({ input: curl.stdout })) if (/"content":"[^"]/.test(line)) break;
      curl.kill();
    },
    async structured(messages) {
      const json_schema = { name: 'city', strict: true, schema: citySchema };
      const extra = { response_format: { type: 'json_schema', json_schema } };
      const answer = toAnswer(
        JSON.parse(await post(requestBody(model, { messages, stream: false, maxTokens: 100, extra }))),
      );
      return [JSON.parse(answer.text)];
    },
    errorOf(thrown) {
      const { status, message } = thrown as HttpError;
      return { name: 'HttpError', status, message };
    },
  };
}

function toAnswer({ choices: [{ message, finish_reason }], usage }: Json): Answer {
  return {
    text: message.content ?? '',
    finishReason: finish_reason,
    usage: { promptTokens: usage.prompt_tokens, completionTokens: usage.completion_tokens },
    calls: (message.tool_calls ?? []).map((call: Json) => ({ id: call.id, ...call.function })),
    pieces: 1,
  };
}

/** Every byte of a stream is accounted for: `data: ` lines, empty lines between them, `[DONE]` as the last. */
function addUp(text: string): Answer {
  const events = text.split('\n\n');
  t.same(events.splice(-2), ['data: [DONE]', ''], 'ends with [DONE]');
  let [content, finishReason, pieces] = ['', '', 0];
  const calls: (Call & { arguments: string })[] = [];
  let usage: Json;
  for (const event of events) {
    t.match(event, /^data: \{[^\n]*\}$/);
    const chunk = JSON.parse(event.slice(6));
    if (chunk.error !== undefined) throw new Error(chunk.error.message as string);
    usage = chunk.usage ?? usage;
    const { delta, finish_reason } = chunk.choices[0] ?? { delta: {} };
    finishReason = finish_reason ?? finishReason;
    content += delta.content ?? '';
    if (delta.content || delta.tool_calls) pieces++;
    for (const { index, id, function: f } of delta.tool_calls ?? []) {
      if (id !== undefined) calls[index] = { id, name: f.name, arguments: f.arguments };
      else calls[index] = { ...calls[index], arguments: calls[index].arguments + f.arguments };
    }
  }
  const { prompt_tokens: promptTokens, completion_tokens: completionTokens } = usage;
  return { text: content, finishReason, usage: { promptTokens, completionTokens }, calls, pieces };
}

const name = 'HttpError';
export const curl: ClientLibrary = {
  name: 'curl',
  connect,
  errorNames: { 400: name, 401: name, 404: name, 503: name },
};
