/** Which adapter a chat request is computed with, and whether its prompt is that of the adapter for tools. */
import type { ToolDefinition } from '../../text/tool-calls/types.ts';
import type { ServerContext } from '../http/context.ts';
import { adapterNamed } from '../http/model-name.ts';

export interface ChatAdapter {
  /** Its name; undefined: the model alone. */
  readonly adapter: string | undefined;
  readonly forToolsAdapter: boolean;
}

/**
 * The one that the request's `model` names; else, with tools, the one that was brought for them, unless it was unloaded.
 * @param tools those that the model may see, null when there are none
 */
export function chatAdapter(
  ctx: ServerContext,
  model: string | undefined,
  tools: readonly ToolDefinition[] | null,
): ChatAdapter {
  const named = adapterNamed(ctx, model);
  const adapter =
    named ?? (tools === null || ctx.toolsAdapter === null ? undefined : adapterNamed(ctx, ctx.toolsAdapter));
  return { adapter, forToolsAdapter: adapter !== undefined && adapter === ctx.toolsAdapter };
}
