/**
 * Tool-call parsers against the plain approach: keep all text, and at each chunk parse what came so far as partial JSON,
 * write it out again and send what is new.
 */
import { createToolCallParser, toolCallParserNames } from '../../src/text/tool-calls/create-parser.ts';
import { caseTools, toolCallCases } from '../../test/helpers/tool-call-cases.ts';
import { median } from '../helpers/machine.ts';
import { importPeer } from '../helpers/peer.ts';

type Parse = (text: string) => unknown;

export interface CallRow {
  readonly name: string;
  /** Characters of arguments. */
  readonly size: number;
  readonly megabytesPerSecond: number;
  readonly microsecondsPerToken: number;
  /** The whole text, a character at a time. */
  readonly byCharacterMilliseconds: number;
  readonly plainMicrosecondsPerToken: number | null;
}

export const sizes = [1_000, 10_000, 100_000];
export const charactersPerToken = 4;
export const rounds = 5;
/** The plain approach is timed at so many of its chunks, spread evenly, where there are more. */
const sampledChunks = 200;

/** @param peer a directory with `partial-json`, '' for the cache; null: ours alone */
export async function compareCalls(peer: string | null): Promise<CallRow[]> {
  const parse = peer === null ? null : await loadPartialJson(peer);
  return toolCallParserNames.flatMap((name) => {
    // Warm: a server compiles these functions once, not once a call.
    for (const step of [1, charactersPerToken]) ours(name, callText(name, 50_000), step);
    if (parse !== null) plain(parse, callText('qwen25', 10_000));
    return sizes.map((size) => {
      const text = callText(name, size);
      const time = (run: () => number) => median(Array.from({ length: rounds }, run));
      const milliseconds = time(() => ours(name, text, charactersPerToken));
      const plainMilliseconds = name === 'qwen25' && parse !== null ? time(() => plain(parse, text)) : null;
      const perToken = (whole: number) => (whole * 1000) / Math.ceil(text.length / charactersPerToken);
      return {
        name,
        size,
        megabytesPerSecond: text.length / 1000 / milliseconds,
        microsecondsPerToken: perToken(milliseconds),
        byCharacterMilliseconds: time(() => ours(name, text, 1)),
        plainMicrosecondsPerToken: plainMilliseconds === null ? null : perToken(plainMilliseconds),
      };
    });
  });
}

/** A call of each family whose one string argument has about `length` characters. */
function callText(name: string, length: number): string {
  const seed = toolCallCases[name]?.find(
    ({ text, calls, end }) => text.includes('Paris') && calls?.length === 1 && !end,
  );
  if (seed === undefined) throw new Error(`no case of ${name} has a call with Paris`);
  const words = 'The sky over Paris, seen from a "bridge", is grey.\\n'.replaceAll('"', "'").replaceAll('\\n', ' ');
  return seed.text.replace('Paris', words.repeat(Math.ceil(length / words.length)).slice(0, length));
}

/** Milliseconds for the whole text, a token at a time. */
function ours(name: string, text: string, step: number): number {
  const parser = createToolCallParser(name, caseTools);
  const begin = performance.now();
  for (let at = 0; at < text.length; at += step) parser.push(text.slice(at, at + step));
  parser.end('eos');
  return performance.now() - begin;
}

/** The same for the plain approach, in Hermes' format. */
function plain(parse: Parse, text: string): number {
  const chunks = Math.ceil(text.length / charactersPerToken);
  const every = Math.max(1, Math.floor(chunks / sampledChunks));
  let spent = 0;
  let sampled = 0;
  let sent = '';
  for (let chunk = 1; chunk <= chunks; chunk += every) {
    const soFar = text.slice(0, chunk * charactersPerToken);
    const begin = performance.now();
    const start = soFar.indexOf('<tool_call>');
    const end = soFar.indexOf('</tool_call>');
    const body = start < 0 ? '' : soFar.slice(start + '<tool_call>'.length, end < 0 ? undefined : end).trim();
    if (body !== '') {
      const call = parse(body) as { arguments?: unknown };
      const written = JSON.stringify(call.arguments ?? {});
      let same = 0;
      while (same < sent.length && sent.charCodeAt(same) === written.charCodeAt(same)) same++;
      sent = written.slice(0, Math.max(same, written.length - 2));
    }
    spent += performance.now() - begin;
    sampled++;
  }
  return (spent / sampled) * chunks;
}

async function loadPartialJson(directory: string): Promise<Parse> {
  const { library } = await importPeer<{ parse: Parse }>('partial-json', directory);
  return (text) => library.parse(text);
}
