/** Answers whose list may be long: each item is written by itself, and others get a turn of the event loop in between. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Context } from 'hono';

/** Characters of JSON after which others come in: a few milliseconds. */
const CHARACTERS_IN_A_TURN = 2 ** 19;

/**
 * The JSON of `{...head, [key]: items, ...rest}`.
 * @param items made one by one, as they are asked for
 */
export async function listAnswer(
  c: Context,
  head: object,
  key: string,
  items: Iterable<object>,
  rest: () => object,
): Promise<Response> {
  const written: string[] = [];
  let length = 0;
  for (const item of items) {
    const text = JSON.stringify(item);
    written.push(text);
    length += text.length;
    if (length < CHARACTERS_IN_A_TURN) continue;
    length = 0;
    await nextTurn();
  }
  const [before, behind] = [JSON.stringify(head).slice(0, -1), JSON.stringify(rest()).slice(1)];
  const comma = (text: string, bare: string): string => (text === bare ? '' : ',');
  const body = `${before}${comma(before, '{')}${JSON.stringify(key)}:[${written.join()}]${comma(behind, '}')}${behind}`;
  return c.body(body, 200, { 'content-type': 'application/json' });
}
