/**
 * Llama 3.2 and 4: `[f(a='x', b=[1]), g()]`, in Llama 4 between `<|python_start|>` and `<|python_end|>`.
 * Python literals come out as JSON while they are written. Inside prose only a declared tool's name counts.
 */
import { literal } from '../../structured-output/ebnf.ts';
import { keywordArgumentsForm } from '../call-forms.ts';
import { ArgumentsWriter } from '../arguments-writer.ts';
import type { CallStream } from '../call-stream.ts';
import { openAiIds } from '../ids.ts';
import { python, readLiteral } from '../literals.ts';
import type { ToolCallFormat } from '../tool-call-format.ts';
import type { Parsing } from '../types.ts';

export const llamaPythonic: ToolCallFormat = {
  tags: { '[': [], '<|python_start|>': ['<|python_end|>'] },
  *body(stream, tag) {
    if (tag !== '[') {
      yield* stream.space();
      if (!(yield* stream.literal('['))) return false;
    }
    for (;;) {
      if (!(yield* call(stream, tag === '['))) return false;
      const next = yield* stream.space();
      if (next === '') return true;
      if (next === ']') {
        stream.at++;
        stream.claim();
        return true;
      }
      if (next !== ',') return false;
      stream.at++;
    }
  },
  ids: openAiIds,
  form: (template) => {
    const hasTags = template.includes('<|python_start|>');
    return {
      open: hasTags ? '<|python_start|>[' : '[',
      separator: ', ',
      close: hasTags ? ']<|python_end|>' : ']',
      trigger: hasTags ? '<|python_start|>' : null,
      call: (name) => ({ before: literal(`${name}(`), after: literal(')') }),
      arguments: keywordArgumentsForm,
    };
  },
};

function* call(stream: CallStream, isBare: boolean): Parsing<boolean> {
  yield* stream.space();
  const name = yield* stream.name();
  if (name === '' || !/^[\p{L}_]/u.test(name)) return false;
  if (isBare && stream.hasText && stream.callCount === 0 && !stream.knows(name)) return false;
  if (!(yield* stream.literal('('))) return false;
  const writer = new ArgumentsWriter(stream);
  let started = false;
  for (;;) {
    if ((yield* stream.space()) === ')') {
      stream.at++;
      if (!started) stream.start(name);
      writer.close();
      return true;
    }
    const key = yield* stream.name();
    yield* stream.space();
    if (key === '' || !(yield* stream.literal('='))) return false;
    if (!started) stream.start(name);
    started = true;
    writer.key(key);
    if (!(yield* readLiteral(stream, python, (json) => writer.text(json)))) return false;
    const next = yield* stream.space();
    if (next === ',') stream.at++;
    else if (next !== ')') return false;
  }
}
