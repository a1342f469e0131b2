/** The requests of the soak: what clients ask, what they get wrong, and how they leave. */
import type { Received, Sent } from './http-client.ts';

export interface SoakRequest {
  readonly kind: string;
  readonly sent: Sent;
  /** Statuses that are right. A full queue answers 429 to anything that would have reached the engine. */
  readonly statuses: readonly number[];
  /** For answers with 200: whether the answer is one. */
  readonly isWhole: (text: string) => boolean;
}

type Random = () => number;

const engine = [200, 429];
const isDone = (text: string): boolean => text.endsWith('data: [DONE]\n\n');
const always = (_text: string): boolean => true;
const schema = { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'], additionalProperties: false };
const tools = [{ type: 'function', function: { name: 'f', description: 'Does it.', parameters: schema } }];

/** Kind → share (relative) and how it is made. `int(n)` is a random integer below n. */
const kinds: Record<string, [weight: number, make: (int: (n: number) => number) => Omit<SoakRequest, 'kind'>]> = {
  'chat, streamed': [22, (int) => chat({ stream: true, ...sampling(int) }, isDone)],
  'chat, whole': [14, (int) => chat(sampling(int), (text) => 'choices' in (JSON.parse(text) as object))],
  'n choices with logprobs': [
    4,
    (int) => chat({ n: 1 + int(3), logprobs: true, top_logprobs: int(4), stream: true }, isDone),
  ],
  'completion, streamed': [
    9,
    (int) => post('/v1/completions', { prompt: words(int), stream: true, ...sampling(int) }, engine, isDone),
  ],
  'completion, whole': [6, (int) => post('/v1/completions', { prompt: words(int), ...sampling(int) }, engine)],
  generate_stream: [
    4,
    (int) => post('/generate_stream', { inputs: words(int), parameters: { max_new_tokens: 1 + int(8) } }, engine),
  ],
  messages: [
    3,
    (int) => post('/v1/messages', { model: 'tiny', max_tokens: 1 + int(8), messages, stream: int(2) === 0 }, engine),
  ],
  responses: [
    3,
    (int) => post('/v1/responses', { input: words(int), max_output_tokens: 16, stream: int(2) === 0 }, engine),
  ],
  tools: [2, (int) => chat({ tools, max_tokens: 8, tool_choice: int(2) === 0 ? 'auto' : 'required' }, always)],
  grammar: [2, (int) => chat({ max_tokens: 8, response_format: formats[int(2)] }, always)],
  'leaves before the headers': [7, (int) => leaving({ stream: int(2) === 0 }, { leaveAfterMs: int(30) })],
  'leaves in the middle': [8, (int) => leaving({ stream: true }, { leaveAfterPieces: 1 + int(4) })],
  'malformed JSON': [
    4,
    (int) => post('/v1/chat/completions', ['{', '', '{"messages": [}', 'null', '[1'][int(5)], [400]),
  ],
  'bad field': [
    4,
    (int) =>
      chat(
        [{ temperature: 9 }, { n: 0 }, { top_p: 'x' }, { stop: 7 }, { logit_bias: { '99999': 1 } }][int(5)],
        always,
        [400],
      ),
  ],
  'too long': [2, () => post('/v1/completions', { prompt: 'long '.repeat(400) }, [400])],
  'wrong model': [2, () => chat({ model: 'nobody' }, always, [404])],
  'wrong type': [
    2,
    () => ({ ...post('/generate', 'a=b', [415]), sent: { path: '/generate', body: 'a=b', contentType: 'text/plain' } }),
  ],
  'wrong path or method': [2, (int) => (int(2) === 0 ? post('/v1/nothing', {}, [404]) : post('/v1/models', {}, [405]))],
};

const formats = [{ type: 'json_object' }, { type: 'json_schema', json_schema: { name: 's', schema } }];
const messages = [{ role: 'user', content: 'Say something.' }];

function sampling(int: (n: number) => number): object {
  return [
    { max_tokens: 1 + int(12) },
    { max_tokens: 8, temperature: 0 },
    { max_tokens: 8, temperature: 0.7, top_p: 0.9, seed: int(100) },
    { max_tokens: 12, stop: ['e', 'zz'], presence_penalty: 0.5 },
  ][int(4)];
}

/** Some prompts share beginnings, so that the prefix cache has work. */
function words(int: (n: number) => number): string {
  return `Once upon ${['a time', 'the hill', 'no time'][int(3)]} ${'there was '.repeat(int(6))}${int(1000)}`;
}

function post(path: string, body: unknown, statuses: readonly number[], isWhole = always): Omit<SoakRequest, 'kind'> {
  return { sent: { path, body }, statuses, isWhole };
}

function chat(fields: object, isWhole: (text: string) => boolean, statuses = engine): Omit<SoakRequest, 'kind'> {
  return post('/v1/chat/completions', { messages, max_tokens: 8, ...fields }, statuses, isWhole);
}

function leaving(fields: object, how: Partial<Sent>): Omit<SoakRequest, 'kind'> {
  const request = chat({ max_tokens: 200, ignore_eos: true, ...fields }, always);
  return { ...request, sent: { ...request.sent, ...how } };
}

export function randomRequest(random: Random): SoakRequest {
  const int = (n: number): number => Math.floor(random() * n);
  const entries = Object.entries(kinds);
  let at = random() * entries.reduce((sum, [, [weight]]) => sum + weight, 0);
  for (const [kind, [weight, make]] of entries) {
    at -= weight;
    if (at < 0) return { kind, ...make(int) };
  }
  return randomRequest(random);
}

/** What is wrong with the answer; null when nothing is. */
export function faultOf({ statuses, isWhole }: SoakRequest, { status, retryAfter, text }: Received): string | null {
  if (!statuses.includes(status)) return `status ${status}: ${text.slice(0, 200)}`;
  if (status === 429 && !(Number(retryAfter) > 0)) return '429 without Retry-After';
  if (status !== 200) return 'error' in (JSON.parse(text) as object) ? null : `no error object: ${text.slice(0, 200)}`;
  return isWhole(text) ? null : `not whole: ${text.slice(-200)}`;
}
