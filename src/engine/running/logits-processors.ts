/**
 * Code of the caller's own that changes a row of logits before it is sampled (in-process API). It looks at the request's
 * parameters and tokens and writes into the row; `-Infinity` forbids a token. It runs behind bias, penalties and masks.
 */
import type { EngineRequest } from '../core/engine-request.ts';

/**
 * @param logits [V], changed in place
 * @param outputIndex position in the output of the token to be sampled
 */
export type LogitsProcessor = (logits: Float32Array, request: EngineRequest, outputIndex: number) => void;
