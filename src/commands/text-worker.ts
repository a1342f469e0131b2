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
  /** Jinja text for requests with the adapter for tools. */
  readonly toolsTemplate: string | null;
}

serveTasks(({ modelDir, chatTemplate, toolsTemplate }: TextSource) => {
  const tokenizer = openTokenizer(modelDir);
  const compile = (source: string) => compileChatTemplate(source, tokenizer.specialTokens);
  const loaded = {
    tokenizer,
    chatTemplate: once(() => (chatTemplate === null ? chatTemplateOf(tokenizer) : compile(chatTemplate))),
    toolsTemplate: once(() => (toolsTemplate === null ? null : compile(toolsTemplate))),
  };
  return (task: TextTask) => doTextTask(loaded, task);
});

function once(make: () => ChatTemplate | null): () => ChatTemplate | null {
  let made: ChatTemplate | null | undefined;
  return () => (made === undefined ? (made = make()) : made);
}

function openTokenizer(path: string): Tokenizer {
  const model = openModel(path);
  try {
    return tokenizerOf(model);
  } finally {
    model.close();
  }
}
