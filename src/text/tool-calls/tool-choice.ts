/** tool_choice, parallel_tool_calls, strict and response_format → the grammar of a chat answer. */
import { either, Grammar, literal, textUntil } from '../structured-output/ebnf.ts';
import { named, outputConstraint, refuseBesideForcedCall } from '../structured-output/output-constraint.ts';
import type { GrammarSpec, StructuredOutputFields } from '../structured-output/types.ts';
import type { ReasoningTags } from '../reasoning/reasoning-tags.ts';
import { behindThoughts } from '../structured-output/structural-tag.ts';
import { callsRule, triggeredCalls } from './call-grammar.ts';
import type { CallForm, ToolDefinition } from './types.ts';

export interface AnswerForm {
  /** The tools that may be called; null for none. */
  readonly tools: readonly ToolDefinition[] | null;
  /** The answer has to be a call. */
  readonly isForced: boolean;
  readonly parallel: boolean;
  readonly form: CallForm;
  /** Of what the model thinks before it answers; null when it does not think. */
  readonly reasoning: ReasoningTags | null;
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
    refuseBesideForcedCall(fields);
    return whole(
      named('tools', () => callsRule(grammar, form, tools, { parallel })),
      'tool_choice',
    );
  }
  const output = outputConstraint(grammar, fields);
  if (output !== null && output.kind !== 'rule') return behindThoughts(output, thoughtsAlone(answer));
  const lenient = { parallel, lenient: true };
  if (output === null) {
    const text = tools === null ? null : named('tools', () => triggeredCalls(form, tools, lenient, grammar.budget));
    return text === null ? null : { kind: 'grammar', text, param: 'tools' };
  }
  const calls = tools === null ? null : named('tools', () => callsRule(grammar, form, tools, lenient));
  return whole(either(grammar, [output.rule, calls]) ?? output.rule, output.param);
}

/** EBNF of the thoughts before the answer; where the prompt ends behind them they may not begin anew. */
function thinking(grammar: Grammar, { reasoning }: AnswerForm): string {
  if (reasoning === null || reasoning.start === 'behind') return '';
  const rest = `${textUntil(grammar, 'thought', reasoning.close)} [\\n ]{0,4}`;
  return reasoning.start === 'inside' ? `${rest} ` : `(${literal(reasoning.open)} ${rest})? `;
}

/** The same as a grammar of its own, for answers that are not made of rules; null for no thoughts. */
function thoughtsAlone(answer: AnswerForm): string | null {
  const grammar = new Grammar();
  const rule = thinking(grammar, answer);
  return rule === '' ? null : grammar.text(rule);
}
