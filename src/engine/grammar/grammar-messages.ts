/** Between the engine and its grammar thread. Messages of one constraint are answered in order. */
import type { ErrorMessage } from '../client/messages.ts';
import type { ConstraintSpec, Vocabulary } from './constraint.ts';

export interface GrammarWorkerData {
  readonly vocabulary: Vocabulary;
  readonly stopTokenIds: readonly number[];
}

export type GrammarCommand =
  /** Answered by 'mask', or by 'failed' when the grammar is unusable. `tokenIds`: output that is there already. */
  | { readonly type: 'open'; readonly id: number; readonly spec: ConstraintSpec; readonly tokenIds: readonly number[] }
  /** Answered by 'mask': the one behind the token. */
  | { readonly type: 'accept'; readonly id: number; readonly tokenId: number }
  /** Not answered. */
  | { readonly type: 'close'; readonly id: number };

export type GrammarMessage =
  /** Once, when the thread can take commands. */
  | { readonly type: 'ready' }
  | { readonly type: 'mask'; readonly id: number; readonly mask: Uint32Array | null }
  | { readonly type: 'failed'; readonly id: number; readonly error: ErrorMessage };
