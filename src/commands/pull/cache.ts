/** Where models are kept: `DAWNLIGHT_HOME`, or a folder in the user's cache directory. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { defaultModelSpec } from './default-model.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** DAWNLIGHT_HOME, else `dawnlight` in $XDG_CACHE_HOME or ~/.cache, ~/Library/Caches (macOS), %LOCALAPPDATA% (Windows). */
export function dawnlightHome(env: Env = process.env, platform: NodeJS.Platform = process.platform): string {
  if (env['DAWNLIGHT_HOME']) return env['DAWNLIGHT_HOME'];
  if (platform === 'win32') return join(env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'dawnlight');
  if (env['XDG_CACHE_HOME']) return join(env['XDG_CACHE_HOME'], 'dawnlight');
  return join(homedir(), platform === 'darwin' ? 'Library/Caches' : '.cache', 'dawnlight');
}

export function modelsDirectory(home: string = dawnlightHome()): string {
  return join(home, 'models');
}

/** Where the default model's file is, or will be after `pull`. */
export function defaultModelPath(home: string = dawnlightHome()): string {
  return join(modelsDirectory(home), defaultModelSpec.file);
}
