/** The default model's file for tests. `npm test` fetches it first and names it in DAWNLIGHT_TEST_MODEL. */
import { existsSync } from 'node:fs';
import { defaultModelPath } from '../../src/commands/pull/cache.ts';

/** Where the file is, or why a test that needs it cannot run (never under `npm test`). */
export function defaultModel(): { path: string; unavailable: false } | { path: ''; unavailable: string } {
  const path = process.env['DAWNLIGHT_TEST_MODEL'] ?? defaultModelPath();
  if (existsSync(path)) return { path, unavailable: false };
  if (process.env['DAWNLIGHT_TEST_MODEL']) throw new Error(`DAWNLIGHT_TEST_MODEL: ${path} does not exist`);
  return { path: '', unavailable: 'not available: the default model is not in the cache; npm test fetches it' };
}
