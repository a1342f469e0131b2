// LangChain's ChatOpenAI.
import { rejects } from 'node:assert/strict';
import { ContextOverflowError } from '@langchain/core/errors';
import { AIMessage, type AIMessageChunk, type BaseMessage, HumanMessage, ToolMessage } from '@langchain/core/messages';
import { concat } from '@langchain/core/utils/stream';
import { ChatOpenAI } from '@langchain/openai';
import { z } from 'zod';
import {
  type Answer,
  type ClientLibrary,
  continents,
  type Endpoint,
  type Message,
  type Question,
  type TestClient,
  openaiErrorNames,
} from '../../helpers/test-client.ts';

const City = z.object({
  name: z.string().max(20),
  population: z.int().min(0).max(99_999_999),
  continent: z.enum(continents),
});

function toLangChain(message: Message): BaseMessage {
  const content = message.content as string;
  if (message.role === 'tool') return new ToolMessage({ content, tool_call_id: message.tool_call_id });
  if (message.role !== 'assistant') return new HumanMessage(content);
  const tool_calls = (message.tool_calls ?? []).flatMap((call) =>
    call.type === 'function'
      ? [
          {
            id: call.id,
            name: call.function.name,
            args: JSON.parse(call.function.arguments) as Record<string, unknown>,
          },
        ]
      : [],
  );
  return new AIMessage({ content, tool_calls });
}

function toAnswer(message: AIMessage | AIMessageChunk, pieces: number): Answer {
  const { input_tokens, output_tokens } = message.usage_metadata!;
  return {
    text: message.text,
    finishReason: message.response_metadata['finish_reason'] as string,
    usage: { promptTokens: input_tokens, completionTokens: output_tokens },
    calls: (message.tool_calls ?? []).map(({ id, name, args }) => ({ id: id ?? '', name, arguments: args })),
    pieces,
  };
}

function connect({ baseURL, apiKey, model, retries }: Endpoint): TestClient {
  const chat = ({ temperature = 0, maxTokens, stop, extra }: Partial<Question>): ChatOpenAI =>
    new ChatOpenAI({
      model,
      apiKey,
      configuration: { baseURL },
      maxRetries: retries,
      temperature,
      ...(maxTokens === undefined ? {} : { maxTokens }),
      ...(stop === undefined ? {} : { stop: [...stop] }),
      ...(extra === undefined ? {} : { modelKwargs: { ...extra } }),
    });
  const prepared = (question: Question) =>
    question.tools === undefined
      ? chat(question)
      : chat(question).bindTools([...question.tools], { tool_choice: question.toolChoice ?? 'auto' });
  return {
    async ask(question) {
      const messages = question.messages.map(toLangChain);
      if (!question.stream) return toAnswer(await prepared(question).invoke(messages), 1);
      let whole: AIMessageChunk | undefined;
      let pieces = 0;
      for await (const chunk of await prepared(question).stream(messages)) {
        if (chunk.text !== '' || chunk.tool_call_chunks?.length) pieces++;
        whole = whole === undefined ? chunk : concat(whole, chunk);
      }
      return toAnswer(whole!, pieces);
    },
    async giveUp(question) {
      const messages = question.messages.map(toLangChain);
      if (question.stream) {
        for await (const chunk of await chat(question).stream(messages)) if (chunk.text !== '') return;
      }
      await rejects(chat(question).invoke(messages, { signal: AbortSignal.timeout(500) }), /abort/i);
    },
    async structured(messages) {
      const prompt = messages.map(toLangChain);
      const ways = (['jsonSchema', 'functionCalling'] as const).map((method) =>
        chat({ maxTokens: 100 }).withStructuredOutput(City, { method, name: 'city' }),
      );
      return Promise.all(ways.map((way) => way.invoke(prompt)));
    },
    errorOf(thrown) {
      // LangChain knows a prompt that is too long by OpenAI's words for it.
      const error = ContextOverflowError.isInstance(thrown) ? thrown.cause : thrown;
      const { constructor, status, message } = error as Error & { status?: number };
      return { name: constructor.name, status, message };
    },
  };
}

export const langchain: ClientLibrary = {
  name: 'LangChain',
  connect,
  errorNames: openaiErrorNames,
};
