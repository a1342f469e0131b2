/** POST /v1/responses: text and function calling, whole and streamed. */
import { randomUUID } from 'node:crypto';
import { type AnswerStream, type ChatBody, drain, streamAnswer, streamFrames } from '../../chat/answer-stream.ts';
import type { Api } from '../../http/api.ts';
import { countPrompt } from '../../chat/count-prompt.ts';
import type { ServerContext } from '../../http/context.ts';
import { errorBody } from '../../http/errors.ts';
import { dropOldest } from '../../chat/drop-oldest.ts';
import { modelName } from '../../http/model-name.ts';
import { noteSkipped } from '../../http/skipped.ts';
import { splitTools } from '../schema/tools.ts';
import {
  inputTokensSchema,
  responseEventSchema,
  responseSchema,
  type ResponsesRequest,
  responsesRequestSchema,
  type WireResponse,
} from './schema.ts';
import { linkedAbort } from '../../http/request-signal.ts';
import { responsesToChat } from './to-chat.ts';
import { ResponseBuilder, type ResponseEvent } from './events.ts';
import { eventStream } from '../../http/sse.ts';

export function addResponses(api: Api, ctx: ServerContext): void {
  addInputTokens(api, ctx);
  const doc = {
    method: 'post',
    path: '/v1/responses',
    summary: 'Answer a conversation, in the items of OpenAI’s Responses API.',
    tag: 'OpenAI',
    body: responsesRequestSchema,
    example: { input: 'Hello!', max_output_tokens: 50 },
    response: responseSchema,
    event: responseEventSchema,
  } as const;
  api.add(doc, async (c, body) => {
    const model = modelName(ctx, body.model);
    noteSkipped(c, 'tools', splitTools(body.tools).skipped);
    const abort = linkedAbort(c);
    const id = `resp_${randomUUID().replaceAll('-', '')}`;
    const builder = new ResponseBuilder(emptyResponse(id, model, body));
    const chat = { ...responsesToChat(body), model: body.model };
    const start = (fitting: ChatBody): Promise<AnswerStream> => streamAnswer(ctx, fitting, id, abort.signal);
    const { events } = await (body.truncation === 'auto' ? dropOldest(chat, start) : start(chat));
    if (body.stream !== true) {
      await drain(builder, events);
      return c.json(builder.response);
    }
    let sequence = 0;
    const frame = (event: ResponseEvent): string =>
      `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: sequence++ })}\n\n`;
    return eventStream(streamFrames(builder, events, frame), {
      abort,
      ping: ': ping\n\n',
      onError: (error) => {
        const { code, message } = errorBody(error).error;
        const failed = { ...builder.response, status: 'failed', error: { code, message } };
        return frame({ type: 'response.failed', response: failed });
      },
    });
  });
}

function addInputTokens(api: Api, ctx: ServerContext): void {
  const doc = {
    method: 'post',
    path: '/v1/responses/input_tokens',
    summary: 'Length of the prompt that a request would have.',
    tag: 'OpenAI',
    body: responsesRequestSchema,
    example: { input: 'Hello!' },
    response: inputTokensSchema,
  } as const;
  api.add(doc, async (c, body) => {
    modelName(ctx, body.model);
    const chat = { ...responsesToChat(body), model: body.model };
    const input_tokens = await countPrompt(ctx, chat, { param: 'input', signal: linkedAbort(c).signal });
    return c.json({ object: 'response.input_tokens', input_tokens });
  });
}

function emptyResponse(id: string, model: string, body: ResponsesRequest): WireResponse {
  return {
    id,
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    status: 'in_progress',
    model,
    output: [],
    error: null,
    incomplete_details: null,
    usage: null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    temperature: body.temperature ?? null,
    top_p: body.top_p ?? null,
    tools: splitTools(body.tools).own,
    tool_choice: body.tool_choice ?? 'auto',
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: null,
    store: false,
    metadata: body.metadata ?? {},
    background: false,
    truncation: body.truncation ?? 'disabled',
    reasoning: { effort: body.reasoning?.effort ?? null, summary: null },
    text: { format: body.text?.format ?? { type: 'text' } },
  };
}
