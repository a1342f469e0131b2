/** tools and tool_choice → the tools that the model is told of, and whether it has to call one. */
import { EngineError } from '../../errors.ts';
import type { ToolDefinition } from './types.ts';

interface NamedFunction {
  readonly type: 'function';
  readonly function: { readonly name: string };
}

/** OpenAI's `tool_choice`. */
export type ToolChoice =
  | 'none'
  | 'auto'
  | 'required'
  | NamedFunction
  | {
      readonly type: 'allowed_tools';
      readonly allowed_tools: { readonly mode: 'auto' | 'required'; readonly tools: readonly NamedFunction[] };
    };

export interface ChosenTools {
  /** The tools that the model is told of and may call; null for none. */
  readonly tools: readonly ToolDefinition[] | null;
  /** The answer has to be a call. */
  readonly isForced: boolean;
  /** One function was named: it is called once. */
  readonly isNamed: boolean;
}

/** @throws EngineError invalid_value, naming tool_choice */
export function chooseTools(tools: readonly ToolDefinition[] | undefined, choice: ToolChoice | undefined): ChosenTools {
  if (tools === undefined) {
    if (choice === undefined || choice === 'none' || choice === 'auto') {
      return { tools: null, isForced: false, isNamed: false };
    }
    throw new EngineError('invalid_value', 'tool_choice: Needs `tools`.', { param: 'tool_choice' });
  }
  if (typeof choice !== 'object') {
    return { tools: choice === 'none' ? null : tools, isForced: choice === 'required', isNamed: false };
  }
  if (choice.type === 'function') return { tools: named(tools, [choice]), isForced: true, isNamed: true };
  const { mode, tools: allowed } = choice.allowed_tools;
  return { tools: named(tools, allowed), isForced: mode === 'required', isNamed: false };
}

function named(tools: readonly ToolDefinition[], choices: readonly NamedFunction[]): ToolDefinition[] {
  return choices.map(({ function: { name } }) => {
    const tool = tools.find((t) => t.function.name === name);
    if (tool !== undefined) return tool;
    const message = `tool_choice: No tool is named ${JSON.stringify(name)}.`;
    throw new EngineError('invalid_value', message, { param: 'tool_choice' });
  });
}
