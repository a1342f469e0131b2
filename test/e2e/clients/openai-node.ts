// The official client for JavaScript.
import { rejects } from 'node:assert/strict';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import type { ChatCompletion } from 'openai/resources/chat/completions';
import { z } from 'zod';
import {
  type Answer,
  type ClientLibrary,
  continents,
  type Endpoint,
  requestBody,
  type TestClient,
  openaiErrorNames,
} from '../../helpers/test-client.ts';

const City = z.object({
  name: z.string().max(20),
  population: z.int().min(0).max(99_999_999),
  continent: z.enum(continents),
});

function toAnswer({ choices: [choice], usage }: ChatCompletion, pieces: number): Answer {
  return {
    text: choice.message.content ?? '',
    finishReason: choice.finish_reason,
    usage: { promptTokens: usage!.prompt_tokens, completionTokens: usage!.completion_tokens },
    calls: (choice.message.tool_calls ?? []).flatMap((call) =>
      call.type === 'function' ? [{ id: call.id, ...call.function }] : [],
    ),
    pieces,
  };
}

function connect({ baseURL, apiKey, model, retries }: Endpoint): TestClient {
  const { completions } = new OpenAI({ baseURL, apiKey, maxRetries: retries }).chat;
  return {
    async ask(question) {
      const body = requestBody(model, question);
      if (!question.stream) return toAnswer(await completions.create({ ...body, stream: false }), 1);
      const stream = completions.stream({ ...body, stream: true });
      let pieces = 0;
      for await (const { choices } of stream) {
        if (choices[0]?.delta.content || choices[0]?.delta.tool_calls) pieces++;
      }
      return toAnswer(await stream.finalChatCompletion(), pieces);
    },
    async giveUp(question) {
      const body = requestBody(model, question);
      if (question.stream) {
        const stream = await completions.create({ ...body, stream: true });
        for await (const { choices } of stream) if (choices[0]?.delta.content) break;
        return;
      }
      const answer = completions.create({ ...body, stream: false }, { signal: AbortSignal.timeout(500) });
      await rejects(answer, { message: 'Request was aborted.' });
    },
    async structured(messages) {
      const body = {
        ...requestBody(model, { messages, stream: false, maxTokens: 100 }),
        response_format: zodResponseFormat(City, 'city'),
      };
      const parsed = await completions.parse({ ...body, stream: false });
      const streamed = await completions.stream({ ...body, stream: true }).finalChatCompletion();
      return [parsed, streamed].map((answer) => answer.choices[0].message.parsed);
    },
    errorOf(thrown) {
      const { constructor, status, message } = thrown as InstanceType<typeof OpenAI.APIError>;
      return { name: constructor.name, status, message };
    },
  };
}

export const openaiNode: ClientLibrary = {
  name: 'openai for JavaScript',
  connect,
  errorNames: openaiErrorNames,
};
