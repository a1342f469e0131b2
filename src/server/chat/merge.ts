/** Interleaves async generators. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Generators that are begun, or items that are taken, before others get a turn: a thousand at once took 200 ms. */
const inOneTurn = 64;

/** Asks each generator for its next item only after its last one was taken. */
export async function* merge<T>(
  sources: readonly AsyncGenerator<T, void, undefined>[],
): AsyncGenerator<T, void, undefined> {
  type Event = { source: AsyncGenerator<T, void, undefined>; result: IteratorResult<T> } | { error: unknown };
  const ready: Event[] = [];
  let wake = (): void => undefined;
  const advance = (source: AsyncGenerator<T, void, undefined>): void => {
    source.next().then(
      (result) => (ready.push({ source, result }), wake()),
      (error: unknown) => (ready.push({ error }), wake()),
    );
  };
  for (const [i, source] of sources.entries()) {
    if (i % inOneTurn === inOneTurn - 1) await nextTurn();
    advance(source);
  }
  let taken = 0;
  for (let open = sources.length; open > 0;) {
    if (++taken % inOneTurn === 0) await nextTurn();
    if (ready.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    const event = ready.shift()!;
    if ('error' in event) throw event.error;
    if (event.result.done === true) open--;
    else {
      yield event.result.value;
      advance(event.source);
    }
  }
}
