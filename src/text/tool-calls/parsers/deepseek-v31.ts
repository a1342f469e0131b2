/** DeepSeek V3.1, between the section's tags: `<｜tool▁call▁begin｜>f<｜tool▁sep｜>{…}<｜tool▁call▁end｜>` for each call. */
import { deepseekForm, deepseekTags, openCall } from '../deepseek.ts';
import { openAiIds } from '../ids.ts';
import { jsonArguments } from '../json-call.ts';
import type { ToolCallFormat } from '../tool-call-format.ts';

export const deepseekV31: ToolCallFormat = {
  tags: deepseekTags(),
  *body(stream, tag) {
    if (!(yield* openCall(stream, tag))) return false;
    const name = yield* stream.name();
    if (name === '' || !(yield* stream.literal('<｜tool▁sep｜>'))) return false;
    return yield* jsonArguments(stream, () => stream.start(name));
  },
  ids: openAiIds,
  form: () => deepseekForm('', '<｜tool▁sep｜>', '', ''),
};
