/** One request's wishes → the grammar of its answer. A server runs it in a worker, since little can ask for much. */
import { completionConstraint } from '../structured-output/output-constraint.ts';
import type { GrammarSpec, StructuredOutputFields } from '../structured-output/types.ts';
import { toolCallFormat } from '../tool-calls/create-parser.ts';
import { answerConstraint, type AnswerForm } from '../tool-calls/tool-choice.ts';

/** What is known of a chat answer; `format` names the form of its calls (tool-calls/create-parser.ts). */
export type ChatForm = Omit<AnswerForm, 'form'> & { readonly format: string };

export interface ConstraintTask {
  readonly fields: StructuredOutputFields;
  /** null for a text that is no chat answer. */
  readonly chat: ChatForm | null;
}

/**
 * @param template the model's chat template, which some formats of calls look at
 * @returns null when the answer may be anything
 * @throws EngineError invalid_value, naming the field and what is wrong with it or too much of it
 */
export function makeConstraint({ fields, chat }: ConstraintTask, template: string): GrammarSpec | null {
  if (chat === null) return completionConstraint(fields);
  return answerConstraint(fields, { ...chat, form: toolCallFormat(chat.format).form(template) });
}
