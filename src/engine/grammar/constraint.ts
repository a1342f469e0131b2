/** Constrained generation: which tokens may come next. The engine knows grammars as text and tokens as bytes. */
import type { EngineError } from '../../errors.ts';

/** What a request's output must be; its text was made by the caller (text/structured-output). */
export interface ConstraintSpec {
  /** `grammar`: EBNF whose first symbol is `root`. `structural_tag`: xgrammar's JSON format. */
  readonly kind: 'grammar' | 'structural_tag';
  readonly text: string;
  /** The request's field that asked for it, for errors. */
  readonly param: string | null;
}

/** The bytes of every token, one behind the other. */
export interface Vocabulary {
  readonly bytes: Uint8Array;
  /** [V] where each token's bytes end. A token without bytes never fits a constraint, except the ones that end a turn. */
  readonly ends: Uint32Array;
}

/** One request's state in its grammar. */
export interface Constraint {
  /** What made it unusable: its request has to end with an error. */
  readonly error: EngineError | null;
  /** The tokens that may come next: [ceil(V/32)], token i is bit i%32 of word i/32; null when all may. Never rejects. */
  mask(): Promise<Uint32Array | null>;
  /** Goes on behind a token of the mask. */
  accept(tokenId: number): void;
  /** Frees it; to be called once. */
  close(): void;
}

/** Makes constraints; slow work happens elsewhere. */
export interface Constraints {
  /**
   * @param tokenIds output that is there already
   * @param signal gives up opening it
   * @throws EngineError invalid_value with the reason when the grammar is unusable; the signal's reason
   */
  open(spec: ConstraintSpec, tokenIds: readonly number[], signal?: AbortSignal): Promise<Constraint>;
  close(): void;
}
