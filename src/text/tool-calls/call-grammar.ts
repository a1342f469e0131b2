/** Tools → grammars that let the model write nothing but well-formed calls with valid arguments. */
import { EngineError } from '../../errors.ts';
import { either, Grammar, literal } from '../structured-output/ebnf.ts';
import { Budget } from '../structured-output/budget.ts';
import { toolCallFormat } from './create-parser.ts';
import type { CallForm, JsonSchema, ToolDefinition } from './types.ts';

const noParameters = { type: 'object', properties: {}, additionalProperties: false };
/** In one answer: small models that may go on calling never stop by themselves. */
const mostCalls = 16;
const anyArguments = { type: 'object' };

interface CallGrammarOptions {
  /** More than one call may come. */
  readonly parallel: boolean;
  /** A tool whose schema a grammar cannot keep may have any arguments. */
  readonly lenient?: boolean;
}

/** Rules for calls of `tools` with the tags around them. @throws EngineError invalid_value, naming the tool */
export function callsRule(
  grammar: Grammar,
  form: CallForm,
  tools: readonly ToolDefinition[],
  options: CallGrammarOptions,
): string {
  const call = grammar.rule(
    'call',
    either(
      grammar,
      tools.map((tool) => callRule(grammar, form, tool, options)),
    ) ?? '""',
  );
  const close = literal(form.close);
  if (!options.parallel) return `${literal(form.open)} ${call} ${close}`;
  return `${literal(form.open)} ${call} (${literal(form.separator)} ${call}){0,${mostCalls - 1}} ${close}`;
}

function callRule(grammar: Grammar, form: CallForm, tool: ToolDefinition, options: CallGrammarOptions): string {
  const { name, parameters, strict } = tool.function;
  const { before, after } = form.call(name);
  const isLenient = options.lenient === true && strict !== true;
  const body = ofTool(name, () => argumentsRule(grammar, form, parameters ?? noParameters, isLenient));
  return `${before} ${grammar.rule(`${name}_arguments`, body)} ${after}`;
}

function ofTool<T>(name: string, body: () => T): T {
  try {
    return body();
  } catch (cause) {
    throw new EngineError('invalid_value', `the parameters of ${name}: ${(cause as Error).message}`, { cause });
  }
}

function argumentsRule(grammar: Grammar, form: CallForm, parameters: JsonSchema, lenient: boolean): string {
  const make = (): string => form.arguments(grammar, objectSchema(parameters));
  return lenient ? (grammar.attempt(make) ?? form.arguments(grammar, anyArguments)) : make();
}

/** Arguments are an object whether the schema says so or not; it may not say otherwise. */
function objectSchema(parameters: JsonSchema): JsonSchema {
  const types = [parameters.type ?? 'object'].flat();
  if (!types.includes('object')) {
    throw new EngineError(
      'invalid_value',
      `the type is ${JSON.stringify(parameters.type)}, where arguments are an object`,
    );
  }
  return { ...parameters, type: 'object' };
}

/** The grammar of an answer that is calls and nothing else. */
export function forcedCalls(form: CallForm, tools: readonly ToolDefinition[], options: CallGrammarOptions): string {
  const grammar = new Grammar();
  return grammar.text(callsRule(grammar, form, tools, options));
}

/** The grammar of free text in which, once the opening tag appears, a well-formed call follows; null where no tag tells. */
export function triggeredCalls(
  form: CallForm,
  tools: readonly ToolDefinition[],
  options: CallGrammarOptions,
  budget = new Budget(),
): string | null {
  const { trigger } = form;
  if (trigger === null) return null;
  const grammar = new Grammar(budget);
  // Where the tag begins each call, the next one is triggered anew.
  const parallel = options.parallel && form.open.startsWith(trigger);
  const rest = grammar.rule('triggered', callsRule(grammar, behind(form, trigger), tools, { ...options, parallel }));
  return grammar.text(`TagDispatch((${literal(trigger)}, ${rest}), loop_after_dispatch=${options.parallel})`);
}

/** `form` without the tag that was written already, which begins its opening or else each of its calls. */
function behind(form: CallForm, trigger: string): CallForm {
  if (form.open.startsWith(trigger)) return { ...form, open: form.open.slice(trigger.length) };
  const written = literal(trigger).slice(1, -1);
  const call = (name: string) => {
    const { before, after } = form.call(name);
    return { before: before.replace(written, ''), after };
  };
  return { ...form, call };
}

/** All tags that calls of a family are written with, as text: special tokens in it may be generated under a grammar. */
export function callMarkup(name: string, template: string): string {
  // Behind a string its tag is spelled letter by letter, behind a number in one piece.
  const properties = { a: { type: 'string' }, n: { type: 'integer' } };
  const parameters = { type: 'object', properties, required: ['a'] };
  const text = forcedCalls(toolCallFormat(name).form(template), [{ function: { name: 'f', parameters } }], {
    parallel: true,
  });
  return text.replace(/\\u([0-9a-f]{4})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
