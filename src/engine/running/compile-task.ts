import type { EngineConfig } from '../../config.ts';
import type { WarmUpPart } from './warm-up.ts';

/** What a process that compiles kernels (compile-kernels.ts) is sent. */
export interface CompileTask {
  readonly config: EngineConfig;
  readonly part: WarmUpPart;
}
