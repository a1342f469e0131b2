/** NaN and infinity in what a model computed: nothing can be made of it, and the request ends with this error. */
import { EngineError } from '../../errors.ts';

/** @param what in the plural, e.g. `logits` */
export function nonFinite(what: string): EngineError {
  return new EngineError(
    'numerical_error',
    `The model computed ${what} that are NaN or infinite: its weights hold such values (the log says so where the model was loaded), or a kernel is wrong.`,
  );
}
