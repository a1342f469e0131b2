// Vercel's AI SDK with its provider for OpenAI-compatible servers.
import { rejects } from 'node:assert/strict';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import {
  type APICallError,
  type FinishReason,
  generateObject,
  generateText,
  jsonSchema,
  type LanguageModelUsage,
  type ModelMessage,
  streamObject,
  streamText,
  tool,
  type TypedToolCall,
  type ToolSet,
} from 'ai';
import {
  type Answer,
  type ClientLibrary,
  citySchema,
  type Endpoint,
  type Message,
  type Question,
  type TestClient,
} from '../../helpers/test-client.ts';

function toModelMessages(messages: readonly Message[]): ModelMessage[] {
  const names = new Map<string, string>();
  return messages.map((message): ModelMessage => {
    const text = message.content as string;
    if (message.role === 'tool') {
      const toolCallId = message.tool_call_id;
      const output = { type: 'text' as const, value: text };
      return { role: 'tool', content: [{ type: 'tool-result', toolCallId, toolName: names.get(toolCallId)!, output }] };
    }
    if (message.role !== 'assistant') return { role: 'user', content: text };
    const calls = (message.tool_calls ?? []).flatMap((call) => (call.type === 'function' ? [call] : []));
    for (const { id, function: f } of calls) names.set(id, f.name);
    const parts = calls.map(({ id, function: f }) => ({
      type: 'tool-call' as const,
      toolCallId: id,
      toolName: f.name,
      input: JSON.parse(f.arguments) as unknown,
    }));
    return { role: 'assistant', content: [...(text === '' ? [] : [{ type: 'text' as const, text }]), ...parts] };
  });
}

interface Result {
  readonly text: string;
  readonly finishReason: FinishReason;
  readonly usage: LanguageModelUsage;
  readonly toolCalls: readonly TypedToolCall<ToolSet>[];
}

function toAnswer({ text, finishReason, usage, toolCalls }: Result, pieces: number): Answer {
  return {
    text,
    finishReason: finishReason.replace('-', '_'),
    usage: { promptTokens: usage.inputTokens!, completionTokens: usage.outputTokens! },
    calls: toolCalls.map((call) => ({ id: call.toolCallId, name: call.toolName, arguments: call.input })),
    pieces,
  };
}

function connect({ baseURL, apiKey, model: name, retries }: Endpoint): TestClient {
  const options = { name: 'dawnlight', baseURL, apiKey, includeUsage: true, supportsStructuredOutputs: true };
  const model = createOpenAICompatible(options).chatModel(name);
  const request = ({ messages, temperature = 0, maxTokens, stop, tools, toolChoice, extra }: Question) => ({
    model,
    messages: toModelMessages(messages),
    temperature,
    maxRetries: retries,
    ...(maxTokens === undefined ? {} : { maxOutputTokens: maxTokens }),
    ...(stop === undefined ? {} : { stopSequences: [...stop] }),
    ...(tools === undefined ? {} : { tools: toToolSet(tools) }),
    ...(toolChoice === undefined ? {} : { toolChoice }),
    ...(extra === undefined ? {} : { providerOptions: { dawnlight: extra as Record<string, boolean> } }),
  });
  return {
    async ask(question) {
      if (!question.stream) return toAnswer(await generateText(request(question)), 1);
      let pieces = 0;
      const result = streamText({ ...request(question), onError: () => undefined });
      for await (const part of result.fullStream) {
        if (part.type === 'error') throw part.error;
        if (part.type === 'text-delta' || part.type === 'tool-input-delta') pieces++;
      }
      const [text, finishReason, usage, toolCalls] = await Promise.all([
        result.text,
        result.finishReason,
        result.usage,
        result.toolCalls,
      ]);
      return toAnswer({ text, finishReason, usage, toolCalls }, pieces);
    },
    async giveUp(question) {
      if (!question.stream) {
        await rejects(generateText({ ...request(question), abortSignal: AbortSignal.timeout(500) }));
        return;
      }
      // Leaving the loop alone does not end the request: the SDK keeps the stream for its other readers.
      const abort = new AbortController();
      const { textStream } = streamText({ ...request(question), abortSignal: abort.signal });
      for await (const _ of textStream) abort.abort();
    },
    async structured(messages) {
      const schema = jsonSchema(citySchema);
      const body = { ...request({ messages, stream: false, maxTokens: 100 }), schema, schemaName: 'city' };
      const { object: whole } = await generateObject(body);
      const stream = streamObject(body);
      let streamed: unknown;
      for await (const partial of stream.partialObjectStream) streamed = partial;
      return [whole, streamed];
    },
    errorOf(thrown) {
      const { name, statusCode, message } = thrown as APICallError;
      return { name, status: statusCode, message };
    },
  };
}

function toToolSet(tools: NonNullable<Question['tools']>): ToolSet {
  const functions = tools.flatMap((t) => (t.type === 'function' ? [t.function] : []));
  return Object.fromEntries(
    functions.map(({ name, description = '', parameters = {} }) => [
      name,
      tool({ description, inputSchema: jsonSchema(parameters) }),
    ]),
  );
}

const name = 'AI_APICallError';
export const vercelAi: ClientLibrary = {
  name: 'Vercel AI SDK',
  connect,
  errorNames: { 400: name, 401: name, 404: name, 503: name },
};
