/** What the exam in client-exam.ts asks of a client library; each library's file in test/e2e answers in its own way. */
import type { ChatCompletionMessageParam, ChatCompletionTool } from 'openai/resources/chat/completions';

export type Message = ChatCompletionMessageParam;

export interface Question {
  readonly messages: readonly Message[];
  readonly stream: boolean;
  readonly maxTokens?: number;
  /** Default 0. */
  readonly temperature?: number;
  readonly stop?: readonly string[];
  readonly tools?: readonly ChatCompletionTool[];
  readonly toolChoice?: 'auto' | 'required';
  /** Fields of the request that the library itself does not know. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

export interface Call {
  readonly id: string;
  readonly name: string;
  /** JSON text, or what the library made of it. */
  readonly arguments: unknown;
}

export interface Answer {
  readonly text: string;
  /** In OpenAI's words. */
  readonly finishReason: string;
  /** Streamed answers have it too: the library is asked to request it. */
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number };
  readonly calls: readonly Call[];
  /** In how many pieces text and arguments came; 1 when not streamed. */
  readonly pieces: number;
}

export interface TestClient {
  ask(question: Question): Promise<Answer>;
  /** Streamed: stops reading after the first piece of text. Whole: gives up after half a second. */
  giveUp(question: Question): Promise<void>;
  /** The library's own way to an object; its schema is that of `citySchema`. */
  structured(messages: readonly Message[]): Promise<unknown[]>;
  /** What the library threw. */
  errorOf(thrown: unknown): { readonly name: string; readonly status: number | undefined; readonly message: string };
}

export interface Endpoint {
  readonly baseURL: string;
  readonly model: string;
  readonly apiKey: string;
  /** How often the library tries again. */
  readonly retries: number;
}

export interface ClientLibrary {
  readonly name: string;
  connect(endpoint: Endpoint): TestClient;
  /** How it names the errors of these statuses. */
  readonly errorNames: Readonly<Record<400 | 401 | 404 | 503, string>>;
}

/** How OpenAI's libraries, and those that stand on them, name these errors. */
export const openaiErrorNames: ClientLibrary['errorNames'] = {
  400: 'BadRequestError',
  401: 'AuthenticationError',
  404: 'NotFoundError',
  503: 'InternalServerError',
};

export const continents = ['Africa', 'America', 'Asia', 'Europe', 'Oceania'] as const;

export const citySchema = {
  type: 'object' as const,
  properties: {
    name: { type: 'string' as const, maxLength: 20 },
    population: { type: 'integer' as const, minimum: 0, maximum: 99_999_999 },
    continent: { type: 'string' as const, enum: [...continents] },
  },
  required: ['name', 'population', 'continent'],
  additionalProperties: false,
};

/** The request in OpenAI's own form, for the libraries that speak it. */
export function requestBody(model: string, question: Question) {
  const { messages, stream, maxTokens, temperature = 0, stop, tools, toolChoice, extra } = question;
  return {
    model,
    messages: [...messages],
    temperature,
    ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
    ...(stop === undefined ? {} : { stop: [...stop] }),
    ...(tools === undefined ? {} : { tools: [...tools] }),
    ...(toolChoice === undefined ? {} : { tool_choice: toolChoice }),
    ...(stream ? { stream: true, stream_options: { include_usage: true } } : {}),
    ...extra,
  };
}
