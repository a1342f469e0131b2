/** How long the prompt of a chat request is, for the APIs that count without an answer. */
import { chooseTools } from '../../text/tool-calls/choose-tools.ts';
import type { ServerContext } from '../http/context.ts';
import type { ChatBody } from './answer-stream.ts';
import { chatAdapter } from './chat-adapter.ts';
import { countingLimit } from './prompt-limits.ts';

/** @throws EngineError what the request itself would be refused for, of its messages and tools */
export async function countPrompt(
  ctx: ServerContext,
  body: ChatBody,
  { param, signal }: { readonly param: string; readonly signal: AbortSignal },
): Promise<number> {
  const { tools } = chooseTools(body.tools, body.tool_choice);
  const { forToolsAdapter } = chatAdapter(ctx, body.model, tools);
  const options = { limit: countingLimit(ctx), param, signal, forToolsAdapter };
  return (await ctx.text.chatPrompt(body, tools, options)).ids.length;
}
