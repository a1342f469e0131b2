/** Structural tags (xgrammar's format, and vLLM's older one) with our JSON Schema grammars in the place of xgrammar's. */
import { EngineError } from '../../errors.ts';
import { Budget } from './budget.ts';
import { jsonDialect } from './dialect.ts';
import { Grammar } from './ebnf.ts';
import { ownEbnf } from './own-ebnf.ts';
import { parseRegex } from './regex.ts';
import { regularRule } from './regular-rule.ts';
import { SchemaGrammar } from './schema-grammar.ts';
import type { GrammarSpec, ResponseFormat } from './types.ts';

/** @returns the tag as xgrammar's JSON. @throws EngineError invalid_value */
export function structuralTag(format: Extract<ResponseFormat, { type: 'structural_tag' }>): string {
  const { structures, triggers } = format;
  if (format.format) return ownTag(format.format);
  if (!structures || !triggers) {
    throw new EngineError('invalid_value', 'needs either `format`, or `structures` and `triggers`');
  }
  const tags = structures.map(({ begin, schema, end }) => ({
    type: 'tag',
    begin,
    content: { type: 'json_schema', json_schema: schema ?? true },
    end,
  }));
  return ownTag({ type: 'triggered_tags', triggers, tags });
}

/** A structural tag that came as JSON text. */
export function structuralTagOfText(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new EngineError('invalid_value', `is not JSON: ${(cause as Error).message}`, { cause });
  }
  const isWhole = typeof value === 'object' && value !== null && 'format' in value;
  return ownTag(isWhole ? (value as { format: unknown }).format : value);
}

/** A whole grammar or structural tag behind what the grammar `thoughts` allows; as it is for null. */
export function behindThoughts(answer: GrammarSpec, thoughts: string | null): GrammarSpec {
  if (thoughts === null) return answer;
  const { kind, text, param } = answer;
  const rest =
    kind === 'grammar' ? { type: 'grammar', grammar: text } : (JSON.parse(text) as { format: unknown }).format;
  const elements = [{ type: 'grammar', grammar: thoughts }, rest];
  return { kind: 'structural_tag', text: tagText({ type: 'sequence', elements }), param };
}

const tagText = (format: unknown): string => JSON.stringify({ type: 'structural_tag', format });
const ownTag = (format: unknown): string => tagText(withGrammars(format, new Budget()));

/** Every `json_schema` and `regex` part as a grammar of ours, grammars with classes that xgrammar reads right. */
function withGrammars(part: unknown, budget: Budget): unknown {
  if (Array.isArray(part)) return part.map((one) => withGrammars(one, budget));
  if (typeof part !== 'object' || part === null) return part;
  const type = 'type' in part ? part.type : null;
  const grammar = new Grammar(budget);
  if (type === 'json_schema' && 'json_schema' in part) {
    const body = new SchemaGrammar(grammar, jsonDialect, part.json_schema).value(part.json_schema);
    return { type: 'grammar', grammar: grammar.text(body) };
  }
  if (type === 'regex' && 'pattern' in part && typeof part.pattern === 'string')
    return { type: 'grammar', grammar: grammar.text(regularRule(grammar, 'regex', parseRegex(part.pattern, 'whole'))) };
  if (type === 'grammar' && 'grammar' in part && typeof part.grammar === 'string')
    return { type, grammar: ownEbnf(part.grammar) };
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, withGrammars(value, budget)]));
}
