/** The path of the model that `--model` names. */
import { existsSync } from 'node:fs';

/** What fetches models is loaded only when it is needed: `npm run gpu -- --pack` takes little along. */
export async function modelPath(named: string): Promise<string> {
  if (existsSync(named)) return named;
  const load = await import('../../src/commands/load.ts');
  return load.modelPath(named);
}
