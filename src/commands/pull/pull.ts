/** `dawnlight pull NAME`: puts a model into the cache and says where it is. */
import { existsSync } from 'node:fs';
import { EngineError, toEngineError } from '../../errors.ts';
import { printable } from '../terminal-text.ts';
import { dawnlightHome } from '../../home.ts';
import { defaultModelPath } from './cache.ts';
import { defaultModelSpec } from './default-model.ts';
import { namedModel, namedModels, pullNamed } from './named-models.ts';
import { terminalProgress } from './progress.ts';
import { pullDefaultModel, type PullOptions } from './pull-default.ts';
import { parseRepoName, pullRepo, repoDirectory } from './pull-repo.ts';

/** Names of the default model. */
const defaultNames = new Set(['default', defaultModelSpec.name.toLowerCase()]);

/**
 * @param name `default`, a short name (named-models.ts), or a Hugging Face repository: `owner/repo`, `owner/repo@revision`, `owner/repo:Q4_K_M`
 * @returns what to give to --model_dir
 * @throws EngineError bad_flag (not a name), download_failed
 */
export async function pullModel(name: string, options: PullOptions): Promise<string> {
  if (defaultNames.has(name.toLowerCase())) return pullDefaultModel(options);
  const named = namedModel(name);
  if (named) return pullNamed(name, named, options);
  const repo = parseRepoName(name);
  if (repo) return pullRepo(repo, options);
  const names = ['default', ...Object.keys(namedModels)].join(', ');
  throw new EngineError('bad_flag', `pull ${name}: give ${names} or a Hugging Face repository such as owner/repo`);
}

/** The command: prints the path on stdout; the exit code. */
export async function pull(name = 'default'): Promise<number> {
  try {
    process.stdout.write(`${await pullModel(name, { progress: terminalProgress() })}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`${printable(toEngineError(error).message)}\n`);
    return 1;
  }
}

/** `--model_dir`'s value as a path: a path as it is, or the name of a model that was pulled before. */
export function resolveModelPath(nameOrPath: string, home: string = dawnlightHome()): string {
  if (existsSync(nameOrPath)) return nameOrPath;
  if (defaultNames.has(nameOrPath.toLowerCase())) return defaultModelPath(home);
  const repo = parseRepoName(nameOrPath);
  const directory = repo && repo.variant === null ? repoDirectory(repo, home) : null;
  return directory !== null && existsSync(directory) ? directory : nameOrPath;
}
