/** What a request asks for and is left out here, with a note: never without a word. */
import type { Context } from 'hono';
import { logError } from './log.ts';

const kinds = {
  /** That other services run themselves (web search, hosted MCP, …): their types. */
  tools: {
    header: 'x-skipped-tools',
    sentence: (type: string) => `Tools of type ${type} are not run here: left out of what the model may call.`,
  },
  /** That LightLLM takes and drops. */
  parameters: {
    header: 'x-skipped-parameters',
    sentence: (name: string) => `The parameter ${name} has no effect here: it is taken and dropped, as LightLLM does.`,
  },
} as const;

export const skippedHeaders: readonly string[] = Object.values(kinds).map(({ header }) => header);

/** There are some forty kinds of tools; a client may invent more. */
const MAX_NOTED = 100;
const noted = new Set<string>();

/** Names them in a header of the answer, and each once in the log. */
export function noteSkipped(c: Context, kind: keyof typeof kinds, skipped: readonly string[]): void {
  const names = [...new Set(skipped.map((name) => name.replace(/[^\w.-]/g, '?').slice(0, 64)))];
  if (names.length === 0) return;
  const { header, sentence } = kinds[kind];
  c.header(header, names.join(', '));
  for (const line of names.map(sentence).filter((one) => !noted.has(one))) {
    if (noted.size >= MAX_NOTED) return;
    noted.add(line);
    logError(line);
  }
}
