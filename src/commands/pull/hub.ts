/** Files of a Hugging Face repository, through `@huggingface/hub`. `HF_ENDPOINT` and `HF_TOKEN` as in its own tools. */
import { downloadFile, fileDownloadInfo, listFiles } from '@huggingface/hub';
import { EngineError } from '../../errors.ts';
import type { Expected, OpenSource } from './fetch-file.ts';
import { downloadFetch } from './http.ts';

export interface HubFile {
  readonly path: string;
  readonly expected: Expected;
}

interface HubRepo {
  readonly repo: string;
  readonly revision: string;
}

function common({ repo, revision }: HubRepo, signal?: AbortSignal) {
  const { HF_ENDPOINT: hubUrl, HF_TOKEN: accessToken } = process.env;
  return {
    repo: { type: 'model' as const, name: repo },
    revision,
    fetch: downloadFetch(signal),
    ...(hubUrl ? { hubUrl: hubUrl.replace(/\/+$/, '') } : {}),
    ...(accessToken ? { accessToken } : {}),
  };
}

/** Every file of the repository with its size and checksum. Throws download_failed with what to do. */
export async function listHubFiles(repo: HubRepo, signal?: AbortSignal): Promise<HubFile[]> {
  const files: HubFile[] = [];
  try {
    for await (const { type, path, size, oid, lfs } of listFiles({ ...common(repo, signal), recursive: true })) {
      if (type !== 'file') continue;
      const checksum = lfs ? { sha256: lfs.oid } : oid ? { gitSha1: oid } : {};
      const bytes = lfs?.size ?? size;
      if (!Number.isSafeInteger(bytes) || bytes < 0) throw new Error(`${JSON.stringify(path)} has no size`);
      files.push({ path, expected: { bytes, ...checksum } });
    }
  } catch (error) {
    throw hubError(repo, error);
  }
  return files;
}

/**
 * Opens a file at any byte; the library turns a slice into a range request (or into parts of Xet storage).
 * @param sha256 if given, a repository that has another file of that name is refused at once
 */
export async function openHubFile(
  repo: HubRepo,
  path: string,
  signal?: AbortSignal,
  sha256?: string,
): Promise<OpenSource> {
  const params = { ...common(repo, signal), path };
  const answer = await fileDownloadInfo(params).catch((error: unknown) => {
    throw hubError(repo, error);
  });
  if (!answer) throw new EngineError('download_failed', `${repo.repo} has no file ${path}`);
  const etag = /[0-9a-f]{64}/.exec(answer.etag)?.[0];
  if (sha256 && etag && etag !== sha256) {
    throw new EngineError('download_failed', `${repo.repo} has another ${path} (sha256 ${etag})`);
  }
  return async (offset) => {
    // Asked anew for each try: download links expire.
    const blob = await downloadFile(params);
    if (!blob) throw new Error(`${path} is gone`);
    return blob.slice(offset, blob.size).stream();
  };
}

function hubError({ repo, revision }: HubRepo, error: unknown): EngineError {
  const status = (error as { statusCode?: number }).statusCode;
  const where = revision === 'main' ? repo : `${repo} (revision ${revision})`;
  const cause = { cause: error };
  if (status === 401 || status === 403 || status === 404) {
    const hint = 'check the name; a gated or private model needs HF_TOKEN';
    return new EngineError('download_failed', `the hub has no ${where} for you (HTTP ${status}): ${hint}`, cause);
  }
  return new EngineError('download_failed', `cannot fetch ${where} from the hub: ${reason(error)}`, cause);
}

/** `fetch failed` says nothing; its cause does, if only by its code. */
function reason(error: unknown): string {
  const { cause, message } = error as Error;
  const { code, message: inner } = (cause ?? {}) as NodeJS.ErrnoException;
  return inner || code || message;
}
