/** Failures of the disk: no other try and no other mirror helps, so they end a download at once and say what to do. */
import { EngineError } from '../../errors.ts';

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ENOTDIR: 'a part of the path is not a directory',
  EISDIR: 'it is a directory',
  ELOOP: 'it is a symbolic link, which is not followed',
};

/** Runs `work`, which writes to `path`; its disk errors become cache_not_writable, others stay as they are. */
export async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code = '', syscall } = error as NodeJS.ErrnoException;
    const reason = syscall === 'connect' ? undefined : reasons[code];
    if (reason === undefined) throw error;
    const advice = 'make it writable, or set DAWNLIGHT_HOME to a directory that is and has room';
    throw new EngineError('cache_not_writable', `cannot write ${path}: ${reason}; ${advice}`, { cause: error });
  }
}
