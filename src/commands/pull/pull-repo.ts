/** A Hugging Face repository's model files: safetensors with config and tokenizer, or one GGUF of several, in all its parts. */
import { join } from 'node:path';
import { EngineError } from '../../errors.ts';
import { ggufModels, ggufPartsOf } from '../../model/files/gguf-parts.ts';
import { dawnlightHome } from '../../home.ts';
import { modelsDirectory } from './cache.ts';
import { fetchFile } from './fetch-file.ts';
import { listHubFiles, openHubFile, type HubFile } from './hub.ts';
import { withLock } from './lock.ts';
import type { PullOptions } from './pull-default.ts';
import { isSafePath, pathInside } from './safe-path.ts';
import { identityOf, isCurrent, note } from './verified.ts';

/** `owner/repo`, and optionally `@revision` and `:VARIANT`, which picks among the GGUF files of a repository. */
interface RepoName {
  readonly repo: string;
  readonly revision: string;
  readonly variant: string | null;
}

const namePattern = /^([\w.-]+\/[\w.-]+?)(?:@([\w./-]+))?(?::([\w.-]+))?$/;

/** Null when the text is not a repository name; its parts become paths below the cache, so `..` is none. */
export function parseRepoName(name: string): RepoName | null {
  const [, repo, revision = 'main', variant = null] = namePattern.exec(name) ?? [];
  if (repo === undefined || !isSafePath(repo) || !isSafePath(revision)) return null;
  return { repo, revision, variant };
}

/** Where a repository's files are kept. */
export function repoDirectory({ repo, revision }: RepoName, home: string = dawnlightHome()): string {
  return join(modelsDirectory(home), ...repo.split('/')) + (revision === 'main' ? '' : `@${revision}`);
}

/** @returns what to give to --model_dir: the directory, or the .gguf file */
export async function pullRepo(name: RepoName, options: PullOptions): Promise<string> {
  const directory = repoDirectory(name, options.home);
  const wanted = wantedFiles(name, await listHubFiles(name)).map((file) => ({
    ...file,
    destination: pathInside(directory, file.path),
  }));
  const { progress, retryDelayMs = 500 } = options;
  await withLock(
    directory,
    async () => {
      for (const { path, destination, expected } of wanted) {
        const isThere = await isCurrent(destination, expected, () => progress.log(`${path}: comparing its checksum`));
        if (isThere) continue;
        const open = await openHubFile(name, path);
        progress.start(path, expected.bytes);
        try {
          await fetchFile(destination, expected, open, { progress, retryDelayMs });
        } finally {
          progress.stop();
        }
        if (expected.sha256 !== undefined) await note(destination, expected.sha256, await identityOf(destination));
      }
    },
    () => progress.log(`another process is downloading ${name.repo}: waiting for it`),
  );
  return /\.gguf$/i.test(wanted[0].path) ? wanted[0].destination : directory;
}

/** Small files first, so that a wrong choice shows early. */
function wantedFiles({ repo, variant }: RepoName, files: readonly HubFile[]): HubFile[] {
  const paths = files.map((file) => file.path);
  const safe = paths.some((path) => /^model.*\.safetensors$/.test(path));
  if (!safe || variant !== null) return oneGguf(repo, variant, files);
  const wanted = /^(model[^/]*\.safetensors|[^/]*\.json|[^/]*\.jinja|additional_chat_templates\/[^/]*\.jinja)$/;
  return files.filter(({ path }) => wanted.test(path)).sort((a, b) => a.expected.bytes - b.expected.bytes);
}

function oneGguf(repo: string, variant: string | null, files: readonly HubFile[]): HubFile[] {
  const paths = files.map(({ path }) => path).filter((path) => /\.gguf$/i.test(path));
  const models = ggufModels(paths);
  const choose = (part: string) => models.filter((path) => path.toLowerCase().includes(part.toLowerCase()));
  const fitting = variant === null ? (models.length === 1 ? models : choose('q4_k_m')) : choose(variant);
  if (fitting.length === 1) {
    return ggufPartsOf(fitting[0], paths).flatMap((part) => files.filter(({ path }) => path === part));
  }
  if (models.length === 0) {
    const what = 'neither model*.safetensors nor a .gguf file';
    throw new EngineError('download_failed', `${repo} has ${what}: it is not a model that can be served`);
  }
  const names = models.join(', ');
  const which = variant === null ? 'several .gguf files' : `${fitting.length || 'no'} .gguf files for ${variant}`;
  throw new EngineError('download_failed', `${repo} has ${which}: add :VARIANT to choose one of ${names}`);
}
