/** Several places that have the same file: whichever answers first is used, the next one when it fails. */
import { EngineError } from '../../errors.ts';
import type { OpenSource } from './fetch-file.ts';

export interface Mirror {
  readonly name: string;
  /** Resolves when the mirror has answered that it has the file; rejects when it has not or cannot be reached. */
  ask(signal: AbortSignal): Promise<OpenSource>;
}

/**
 * @param save fetches and checks the file; when it throws, the mirrors that are left are asked again
 * @throws EngineError download_failed with what each mirror said, a line each; cache_not_writable as `save` threw it
 */
export async function fromFirstMirror(
  mirrors: readonly Mirror[],
  save: (mirror: Mirror, open: OpenSource, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const problems: string[] = [];
  for (let left = [...mirrors]; left.length > 0;) {
    const asked = left.map((mirror) => {
      const abort = new AbortController();
      return { mirror, abort, answer: mirror.ask(abort.signal).then((open) => ({ mirror, open, abort })) };
    });
    const first = await Promise.any(asked.map(({ answer }) => answer)).catch(() => null);
    for (const { mirror, abort } of asked) if (mirror !== first?.mirror) abort.abort();
    const settled = await Promise.allSettled(asked.map(({ answer }) => answer));
    if (!first) {
      settled.forEach((result, i) => {
        if (result.status === 'rejected') problems.push(`  ${left[i].name}: ${reason(result.reason)}`);
      });
      break;
    }
    try {
      return await save(first.mirror, first.open, first.abort.signal);
    } catch (error) {
      if (error instanceof EngineError && error.code === 'cache_not_writable') throw error;
      problems.push(`  ${first.mirror.name}: ${reason(error)}`);
      left = left.filter((mirror) => mirror !== first.mirror);
    }
  }
  throw new EngineError('download_failed', problems.join('\n'));
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
