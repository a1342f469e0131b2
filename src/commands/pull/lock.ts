/**
 * One process at a time per destination. The lock is a file made with O_EXCL whose time is refreshed while it is held;
 * one that was not refreshed for `staleAfter` ms, or whose process on this host is gone, is taken over.
 */
import { mkdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writing } from './disk-errors.ts';

const staleAfter = 60_000;
const refreshEvery = 10_000;
const pollEvery = 200;

/**
 * Runs `work` while holding `path`.lock; waits for another process that holds it.
 * @param onWait called once when there is somebody to wait for
 */
export async function withLock<T>(path: string, work: () => Promise<T>, onWait: () => void = () => {}): Promise<T> {
  const lock = `${path}.lock`;
  await writing(lock, () => mkdir(dirname(lock), { recursive: true }));
  for (let waited = false; !(await writing(lock, () => tryCreate(lock))); waited = true) {
    if (await isStale(lock)) {
      await rm(lock, { force: true });
      continue;
    }
    if (!waited) onWait();
    await sleep(pollEvery);
  }
  const refresh = setInterval(() => void utimes(lock, new Date(), new Date()).catch(() => {}), refreshEvery);
  try {
    return await work();
  } finally {
    clearInterval(refresh);
    await rm(lock, { force: true });
  }
}

async function tryCreate(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, JSON.stringify({ pid: process.pid, host: hostname() }), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function isStale(lock: string): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(lock);
    if (Date.now() - mtimeMs > staleAfter) return true;
    const { pid, host } = JSON.parse(await readFile(lock, 'utf8')) as { pid: number; host: string };
    return host === hostname() && !isAlive(pid);
  } catch {
    return false; // gone or half written: look again
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
