/** Entry of the workers that tokenize and render the chat template: they read the model's own files. */
import { openModel } from '../model/files/open-model.ts';
import { doTextTask, type TextTask } from '../server/text-workers/text-tasks.ts';
import { serveTasks } from '../server/workers/serve-tasks.ts';
import { type ChatTemplate, chatTemplateOf, compileChatTemplate } from '../text/chat-template/chat-template.ts';
import { tokenizerOf } from '../text/tokenizer/load-tokenizer.ts';
import type { Tokenizer } from '../text/tokenizer/tokenizer.ts';

export interface TextSource {
  readonly modelDir: string;
  /** Jinja text instead of the model's own. */
  readonly chatTemplate: string | null;
}

serveTasks(({ modelDir, chatTemplate: override }: TextSource) => {
  const tokenizer = openTokenizer(modelDir);
  let compiled: ChatTemplate | null | undefined;
  const compile = () =>
    override === null ? chatTemplateOf(tokenizer) : compileChatTemplate(override, tokenizer.specialTokens);
  const chatTemplate = () => (compiled === undefined ? (compiled = compile()) : compiled);
  return (task: TextTask) => doTextTask({ tokenizer, chatTemplate }, task);
});

function openTokenizer(path: string): Tokenizer {
  const model = openModel(path);
  try {
    return tokenizerOf(model);
  } finally {
    model.close();
  }
}
