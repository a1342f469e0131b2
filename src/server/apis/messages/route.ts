/** POST /v1/messages and /v1/messages/count_tokens: the API of Anthropic's clients, over the same chat. */
import { randomUUID } from 'node:crypto';
import { anthropicToChat, anthropicToPrompt } from './to-chat.ts';
import { drain, streamAnswer, streamFrames } from '../../chat/answer-stream.ts';
import type { Api } from '../../http/api.ts';
import { countPrompt } from '../../chat/count-prompt.ts';
import type { ServerContext } from '../../http/context.ts';
import { errorBody } from '../../http/errors.ts';
import { MessageBuilder, type MessageEvent } from './events.ts';
import { modelName } from '../../http/model-name.ts';
import { noteSkipped } from '../../http/skipped.ts';
import {
  countRequestSchema,
  countResponseSchema,
  messagesEventSchema,
  messagesRequestSchema,
  messagesResponseSchema,
  type WireMessage,
} from './schema.ts';
import { splitTools } from '../schema/tools.ts';
import { linkedAbort } from '../../http/request-signal.ts';
import { eventStream } from '../../http/sse.ts';

export function addMessages(api: Api, ctx: ServerContext): void {
  const doc = {
    method: 'post',
    path: '/v1/messages',
    summary: 'Answer a conversation.',
    tag: 'Anthropic',
    body: messagesRequestSchema,
    example: { model: ctx.modelNames[0], max_tokens: 50, messages: [{ role: 'user', content: 'Hello!' }] },
    response: messagesResponseSchema,
    event: messagesEventSchema,
  } as const;
  api.add(doc, async (c, body) => {
    const model = modelName(ctx, body.model);
    noteSkipped(c, 'tools', splitTools(body.tools).skipped);
    const abort = linkedAbort(c);
    const id = `msg_${randomUUID().replaceAll('-', '')}`;
    const { events, promptTokens } = await streamAnswer(
      ctx,
      { ...anthropicToChat(body), model: body.model },
      id,
      abort.signal,
    );
    const builder = new MessageBuilder(emptyMessage(id, model, promptTokens));
    if (body.stream !== true) {
      await drain(builder, events);
      return c.json(builder.message);
    }
    return eventStream(streamFrames(builder, events, frame), {
      abort,
      ping: frame({ type: 'ping' }),
      onError: (error) => frame({ type: 'error', ...errorBody(error) }),
    });
  });

  const count = {
    method: 'post',
    path: '/v1/messages/count_tokens',
    summary: 'Length of the prompt of a conversation.',
    tag: 'Anthropic',
    body: countRequestSchema,
    example: { model: ctx.modelNames[0], messages: [{ role: 'user', content: 'Hello!' }] },
    response: countResponseSchema,
  } as const;
  api.add(count, async (c, body) => {
    modelName(ctx, body.model);
    const chat = { ...anthropicToPrompt(body), model: body.model };
    const { signal } = linkedAbort(c);
    return c.json({ input_tokens: await countPrompt(ctx, chat, { param: 'messages', signal }) });
  });
}

function frame(event: MessageEvent): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

function emptyMessage(id: string, model: string, promptTokens: number): WireMessage {
  return {
    id,
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: promptTokens, output_tokens: 0, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 },
  };
}
