/** One chat request to a server → what its answer comes to, plain or streamed. */
import type { Answer } from './cases.ts';

interface WireCall {
  readonly index?: number;
  readonly function: { readonly name?: string; readonly arguments?: string };
}

interface WireChoice {
  readonly message?: { readonly content: string | null; readonly tool_calls?: readonly WireCall[] };
  readonly delta?: { readonly content?: string; readonly tool_calls?: readonly WireCall[] };
  readonly finish_reason: string | null;
}

/** @throws Error with the server's own words for a status that is not 200 */
export async function ask(url: string, body: object, stream: boolean): Promise<Answer> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, stream }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  const choices = (JSON.parse(text === '' || stream ? 'null' : text) as { choices: WireChoice[] } | null)?.choices;
  return addUp(choices ?? events(text));
}

function events(text: string): WireChoice[] {
  const data = text.split('\n').flatMap((line) => (/^data: \{/.test(line) ? [line.slice(6)] : []));
  return data.flatMap((event) => (JSON.parse(event) as { choices: WireChoice[] }).choices);
}

function addUp(choices: readonly WireChoice[]): Answer {
  const calls: { name: string; arguments: string }[] = [];
  let [content, finishReason] = ['', ''];
  for (const { message, delta, finish_reason: reason } of choices) {
    const part = message ?? delta;
    content += part?.content ?? '';
    finishReason = reason ?? finishReason;
    part?.tool_calls?.forEach(({ index, function: f }, i) => {
      const call = (calls[index ?? i] ??= { name: '', arguments: '' });
      call.name += f.name ?? '';
      call.arguments += f.arguments ?? '';
    });
  }
  return { content, calls, finishReason };
}
