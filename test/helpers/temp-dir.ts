/** A directory that is gone after the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

export function tempDir(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'dawnlight-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
