/** A server whose answers take the time that they are told to, on a clock of the test, in the streams of four APIs. */
import type { Clock } from '../../bench/serving/clock.ts';
import type { Post, Reply } from '../../bench/serving/send.ts';

export type Fault = 'refuse' | 'cut' | 'error' | 'hang up' | 'empty';

export interface Timing {
  /** Milliseconds to the first piece, of the n-th request. */
  readonly ttft: number | ((n: number) => number);
  /** Milliseconds for each further token. */
  readonly tpot: number;
  readonly tokensPerPiece?: number;
  /** Whether the OpenAI APIs report tokens. */
  readonly usage?: boolean;
  readonly fault?: (n: number) => Fault | null;
}

interface Body {
  readonly prompt?: string;
  readonly messages?: readonly { readonly content: string }[];
  readonly inputs?: string;
  readonly max_tokens?: number;
  readonly parameters?: { readonly max_new_tokens: number; readonly details?: boolean };
}

export class TimedServer {
  readonly prompts: string[] = [];
  readonly paths: string[] = [];
  /** Most requests that were under way at once. */
  most = 0;
  #running = 0;
  readonly #clock: Clock;
  readonly #timing: Timing;

  constructor(clock: Clock, timing: Timing) {
    this.#clock = clock;
    this.#timing = timing;
  }

  readonly post: Post = (path, body) => {
    const n = this.paths.push(path) - 1;
    const fault = this.#timing.fault?.(n) ?? null;
    const { prompt, messages, inputs } = body as Body;
    this.prompts.push(prompt ?? messages?.[0].content ?? inputs ?? '');
    if (fault === 'hang up') return Promise.reject(new Error('socket hang up'));
    if (fault === 'refuse') return Promise.resolve({ status: 429, body: bytes('{"error":{"message":"busy"}}') });
    return Promise.resolve({ status: 200, body: this.#answer(n, path, body as Body, fault) });
  };

  async *#answer(n: number, path: string, body: Body, fault: Fault | null): Reply['body'] {
    const { ttft, tpot, tokensPerPiece = 1, usage = true } = this.#timing;
    const length = body.max_tokens ?? body.parameters?.max_new_tokens ?? 0;
    const promptTokens = this.prompts[n].trim().split(' ').length;
    const isOpenAI = path.startsWith('/v1/');
    this.most = Math.max(this.most, ++this.#running);
    try {
      await this.#clock.sleep(typeof ttft === 'number' ? ttft : ttft(n));
      if (path.includes('chat')) yield event({ choices: [{ delta: { role: 'assistant', content: '' } }] });
      for (let sent = tokensPerPiece; sent <= length && fault !== 'empty'; sent += tokensPerPiece) {
        if (sent > tokensPerPiece) await this.#clock.sleep(tpot * tokensPerPiece);
        if (fault === 'error' && sent > 2) yield event({ error: { message: 'out of memory' } });
        yield event(piece(path, body, sent, length, promptTokens));
        if (fault === 'cut' && sent > 2) return;
      }
      if (isOpenAI && usage)
        yield event({ choices: [], usage: { prompt_tokens: promptTokens, completion_tokens: length } });
      if (isOpenAI) yield* bytes('data: [DONE]\n\n');
    } finally {
      this.#running--;
    }
  }
}

function piece(path: string, body: Body, sent: number, length: number, promptTokens: number): object {
  if (path === '/v1/completions') return { choices: [{ text: 'x' }] };
  if (path === '/v1/chat/completions') return { choices: [{ delta: { content: 'x' } }] };
  const isLast = sent === length;
  if (body.parameters?.details)
    return {
      token: { id: 1 },
      generated_text: isLast ? 'x' : null,
      details: isLast ? { generated_tokens: sent } : null,
    };
  return { token: { id: 1, count_output_tokens: sent, prompt_tokens: promptTokens }, finished: isLast };
}

const encoder = new TextEncoder();

function event(data: object): Uint8Array {
  return encoder.encode(`data: ${JSON.stringify(data)}\n\n`);
}

/** Cut in the middle, as a network may. */
async function* bytes(text: string): Reply['body'] {
  const whole = encoder.encode(text);
  yield whole.slice(0, 5);
  yield whole.slice(5);
  await Promise.resolve();
}
