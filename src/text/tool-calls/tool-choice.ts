/** tool_choice, parallel_tool_calls, strict and response_format → the grammar of a chat answer. */
import { either, Grammar, literal, textUntil } from '../structured-output/ebnf.ts';
import { named, outputConstraint } from '../structured-output/output-constraint.ts';
import type { GrammarSpec, StructuredOutputFields } from '../structured-output/types.ts';
import { callsRule, triggeredCalls } from './call-grammar.ts';
import type { CallForm, ToolDefinition } from './types.ts';

export interface AnswerForm {
  /** The tools that may be called; null for none. */
  readonly tools: readonly ToolDefinition[] | null;
  /** The answer has to be a call. */
  readonly isForced: boolean;
  readonly parallel: boolean;
  readonly form: CallForm;
  /** Tags around what the model thinks before it answers, and whether the prompt ends inside; null when it does not think. */
  readonly reasoning: { readonly open: string; readonly close: string; readonly isOpen: boolean } | null;
}

/**
 * Forced: calls and nothing else. Else with tools: free text (or what response_format asks for) or calls; in free text a call
 * is held to its form once its opening tag appears, where the family has one. Without anything to hold it to: null.
 * @throws EngineError invalid_value, naming the field
 */
export function answerConstraint(fields: StructuredOutputFields, answer: AnswerForm): GrammarSpec | null {
  const { tools, isForced, parallel, form } = answer;
  const grammar = new Grammar();
  const whole = (rule: string, param: string): GrammarSpec => ({
    kind: 'grammar',
    text: grammar.text(`${thinking(grammar, answer)}(${rule})`),
    param,
  });
  if (tools !== null && isForced) {
    return whole(
      named('tools', () => callsRule(grammar, form, tools, { parallel })),
      'tool_choice',
    );
  }
  const output = outputConstraint(grammar, fields);
  if (output !== null && output.kind !== 'rule') return output;
  const lenient = { parallel, lenient: true };
  if (output === null) {
    const text = tools === null ? null : named('tools', () => triggeredCalls(form, tools, lenient));
    return text === null ? null : { kind: 'grammar', text, param: 'tools' };
  }
  const calls = tools === null ? null : named('tools', () => callsRule(grammar, form, tools, lenient));
  return whole(either(grammar, [output.rule, calls]) ?? output.rule, output.param);
}

/** EBNF of the thoughts before the answer. */
function thinking(grammar: Grammar, { reasoning }: AnswerForm): string {
  if (reasoning === null || !/^[\x20-\x7f]/.test(reasoning.close)) return '';
  const rest = `${textUntil(grammar, 'thought', reasoning.close)} [\\n ]{0,4}`;
  return reasoning.isOpen ? `${rest} ` : `(${literal(reasoning.open)} ${rest})? `;
}
