/**
 * DeepSeek V3 and R1, between the section's tags, for each call:
 * `<｜tool▁call▁begin｜>function<｜tool▁sep｜>f`, a line break, the arguments in a json fence, `<｜tool▁call▁end｜>`.
 */
import { deepseekForm, deepseekTags, openCall } from '../deepseek.ts';
import { openAiIds } from '../ids.ts';
import { jsonArguments } from '../json-call.ts';
import type { ToolCallFormat } from '../tool-call-format.ts';

export const deepseekV3: ToolCallFormat = {
  tags: deepseekTags('```'),
  *body(stream, tag) {
    if (!(yield* openCall(stream, tag))) return false;
    yield* stream.name(); // "function", the call's type
    if (!(yield* stream.literal('<｜tool▁sep｜>'))) return false;
    const name = yield* stream.name();
    yield* stream.space();
    if (name === '' || !(yield* stream.literal('```json'))) return false;
    return yield* jsonArguments(stream, () => stream.start(name));
  },
  ids: openAiIds,
  form: () => deepseekForm('function<｜tool▁sep｜>', '\n```json\n', '\n```', '\n'),
};
