/**
 * Which of lavapipe's kernels steps use. It compiles on the processor: what computes everything takes seconds, what is
 * fast a minute. The bits are the same in each stage (docs/kernels.md, "The same bits").
 */

import type { KernelSource } from '../gpu/pipelines.ts';

/** The least that computes everything; with tiles of several tokens; with decoder layers as one kernel. */
export const stageNames = ['first', 'tiled', 'fused'] as const;
export type StageName = (typeof stageNames)[number];

/** The driver's cache has the kernels of a stage; `made` are those that the stages before have not. */
export interface StageCompiled {
  readonly stage: StageName;
  readonly made: readonly KernelSource[];
}

/** Shared by the kernels' launchers and by who compiles; changes between steps only. */
export class KernelStage {
  #name: StageName;

  constructor(name: StageName = 'fused') {
    this.#name = name;
  }

  get name(): StageName {
    return this.#name;
  }

  get hasTiles(): boolean {
    return this.#name !== 'first';
  }

  get isFused(): boolean {
    return this.#name === 'fused';
  }

  reach(name: StageName): void {
    this.#name = name;
  }
}
