/** The adapters of this machine, by the names that Dawn gives them: it chooses one by a part of its name. */
import { EngineError } from '../errors.ts';
import { withoutDawnNotes } from './dawn-notes.ts';
import { createInstance } from './instance.ts';

/** Asked for an adapter that there is not, Dawn lists those that there are. */
export async function adapterNames(): Promise<string[]> {
  try {
    await withoutDawnNotes(() => createInstance(['adapter=no such adapter']).requestAdapter());
    return [];
  } catch (error) {
    return namesIn(String(error));
  }
}

/** Lines of ` * backend: 'vulkan', name: 'llvmpipe (LLVM 15.0.6, 256 bits)'`. */
export function namesIn(message: string): string[] {
  return [...message.matchAll(/^ \* backend: '[^']*', name: '(.*)'$/gm)].map(([, name]) => name);
}

/**
 * @param wanted a part of the name, whatever its case, or a number from 0 on in the order of the list
 * @throws EngineError bad_flag that lists the adapters
 */
export function chooseAdapter(wanted: string, names: readonly string[]): string {
  const chosen = /^\d+$/.test(wanted)
    ? names[Number(wanted)]
    : names.find((name) => name.toLowerCase().includes(wanted.toLowerCase()));
  if (chosen !== undefined) return chosen;
  const listed = names.map((name, i) => `${i} (${name})`).join(', ');
  const message = `--device ${wanted}: there is no such adapter; there ${names.length === 1 ? 'is' : 'are'} ${listed || 'none'}`;
  throw new EngineError('bad_flag', message, { param: '--device' });
}
