/** `call:f{…}`, the call that both Gemma formats share. */
import type { CallStream } from './call-stream.ts';
import { readLiteral, type Dialect } from './literals.ts';
import type { Parsing } from './types.ts';

export function* gemmaCall(stream: CallStream, dialect: Dialect): Parsing<boolean> {
  yield* stream.space();
  if (!(yield* stream.literal('call:'))) return false;
  const name = yield* stream.name();
  if (name === '' || (yield* stream.space()) !== '{') return false;
  stream.start(name);
  return yield* readLiteral(stream, dialect, (json) => stream.arguments(json));
}
