/** The keys of a server: from the command line, a file and the environment. */
import { readFileSync } from 'node:fs';
import type { ServerConfig } from '../config.ts';
import { EngineError } from '../errors.ts';

/** @throws EngineError bad_flag where a key was meant and there is none: the server would stand open */
export function withApiKeys(settings: ServerConfig, env: NodeJS.ProcessEnv): ServerConfig {
  const fromFile = settings.apiKeyFile === null ? [] : readKeys(settings.apiKeyFile);
  const fromEnv = env['DAWNLIGHT_API_KEY'];
  if (fromEnv?.trim() === '') {
    throw new EngineError('bad_flag', 'DAWNLIGHT_API_KEY is set but empty: unset it to serve without a key.');
  }
  const keys = [...settings.apiKeys, ...fromFile, ...(fromEnv === undefined ? [] : [fromEnv.trim()])];
  return { ...settings, apiKeys: [...new Set(keys)] };
}

function readKeys(file: string): string[] {
  const param = '--api_key_file';
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError('bad_flag', `${param}: cannot read ${file}: ${reason}`, { param, cause });
  }
  const keys = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (keys.length === 0) throw new EngineError('bad_flag', `${param}: there is no key in ${file}`, { param });
  return keys;
}
