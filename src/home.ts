/** Where models, and what is known of compiled kernels, are kept: `DAWNLIGHT_HOME`, or a folder in the user's cache directory. */
import { homedir } from 'node:os';
import { join } from 'node:path';

type Env = Readonly<Record<string, string | undefined>>;

/** DAWNLIGHT_HOME, else `dawnlight` in $XDG_CACHE_HOME or ~/.cache, ~/Library/Caches (macOS), %LOCALAPPDATA% (Windows). */
export function dawnlightHome(env: Env = process.env, platform: NodeJS.Platform = process.platform): string {
  if (env['DAWNLIGHT_HOME']) return env['DAWNLIGHT_HOME'];
  if (platform === 'win32') return join(env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'dawnlight');
  if (env['XDG_CACHE_HOME']) return join(env['XDG_CACHE_HOME'], 'dawnlight');
  return join(homedir(), platform === 'darwin' ? 'Library/Caches' : '.cache', 'dawnlight');
}
