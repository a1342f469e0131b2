/**
 * Chat templates as Python's jinja2 renders them for transformers (`ImmutableSandboxedEnvironment` with trim_blocks,
 * lstrip_blocks, loop controls and the generation tag). The syntax is read by `@huggingface/jinja`; what the template
 * computes follows Python. See docs/decisions/0004-chat-templates-as-in-python.md.
 */
import type { Output } from './emit.ts';
import { globals } from './globals.ts';
import { Scope } from './scope.ts';
import { compileBlock } from './statements.ts';
import { parseTemplate } from './syntax.ts';
import { toValue } from './values.ts';

export type Render = (variables: Readonly<Record<string, unknown>>) => string;

/**
 * @param source Jinja text
 * @returns the rendering function: JSON-like variables to text; throws TemplateError
 * @throws TemplateError with the line where the template does not parse
 */
export function compileTemplate(source: string): Render {
  const block = compileBlock(parseTemplate(source), 1);
  const outermost = new Scope(null);
  for (const [name, value] of Object.entries(globals)) outermost.set(name, value);
  return (variables) => {
    const scope = new Scope(outermost);
    for (const [name, value] of Object.entries(variables)) if (value !== undefined) scope.set(name, toValue(value));
    const out: Output = { text: '' };
    block(scope, out);
    return out.text;
  };
}
