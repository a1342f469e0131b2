/** Tools that other services run themselves (web search, hosted MCP, …) are left out here, with a note. */
import type { Context } from 'hono';
import { logError } from './log.ts';

/** There are some forty kinds of tools; a client may invent more. */
const MAX_NOTED = 100;
const noted = new Set<string>();

/** Names their types in the answer's `x-skipped-tools` header, and each once in the log. */
export function noteSkippedTools(c: Context, skipped: readonly string[]): void {
  const types = [...new Set(skipped.map((type) => type.replace(/[^\w.-]/g, '?').slice(0, 64)))];
  if (types.length === 0) return;
  c.header('x-skipped-tools', types.join(', '));
  for (const type of types.filter((t) => !noted.has(t))) {
    if (noted.size >= MAX_NOTED) return;
    noted.add(type);
    logError(`Tools of type ${type} are not run here: left out of what the model may call.`);
  }
}
