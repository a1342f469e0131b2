/**
 * Admission: may the next waiting request start now? A policy sees loads, not requests, and decides one question; who is
 * next, what runs in a step, and who is paused when slots run out is the scheduler's business and the same for all.
 */

/** A request as admission sees it. Lengths in tokens, which is also slots. */
export interface RequestLoad {
  /** Slots that it alone holds, or will once the tokens it has now are computed. */
  readonly held: number;
  /** Output tokens so far. */
  readonly generated: number;
  /** Most output tokens that it may produce in all. */
  readonly maxNewTokens: number;
}

export interface PoolLoad {
  /** Slots in all. */
  readonly capacity: number;
  /** Slots of cached prefixes that several running requests use: counted once, whoever ends first. */
  readonly shared: number;
}

export interface AdmissionPolicy {
  /** Called before a step's first `admit`. */
  begin(pool: PoolLoad, running: readonly RequestLoad[]): void;
  /** Whether the candidate may start; if so, it counts as running for the calls after this one. Not called again in this step after `false`. */
  admit(candidate: RequestLoad): boolean;
  /** A request ended by itself (not aborted) with so many output tokens. */
  observe(outputTokens: number): void;
}

/** A policy as the registry holds it. */
export interface PolicyKind {
  /** @param seed of a policy that draws numbers */
  readonly create: (seed?: number) => AdmissionPolicy;
  /** Settings that `npm run bench -- scheduler` compares it at, so that each policy is seen at its best; none: as it is. */
  readonly settings?: readonly PolicySetting[];
}

export interface PolicySetting extends Pick<PolicyKind, 'create'> {
  /** e.g. `reserved 0.05` */
  readonly name: string;
  /** The one that its authors, or the peers of the Past-Future paper's artifact, run with. */
  readonly published?: boolean;
}
