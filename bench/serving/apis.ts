/** What is sent to each kind of endpoint, and what an event of its stream says. */

export interface ServingRequest {
  readonly prompt: string;
  /** Tokens of the prompt as planned; what the server counts is what the result reports. */
  readonly promptLen: number;
  /** Tokens that the answer may have, and has with `ignoreEos`. */
  readonly outputLen: number;
}

export interface BodyOptions {
  readonly model: string;
  readonly ignoreEos: boolean;
  readonly temperature: number;
}

/** What one event adds to what is known of an answer. */
export interface EventNews {
  /** The event carries text of the answer, or stands for a token without text. */
  readonly hasToken?: boolean;
  readonly promptTokens?: number;
  readonly outputTokens?: number;
  readonly error?: string;
  /** The answer is whole. */
  readonly isLast?: boolean;
}

export interface Api {
  readonly path: string;
  body(request: ServingRequest, options: BodyOptions): object;
  /** @param data what stands behind `data:` */
  read(data: string): EventNews;
}

interface OpenAIChunk {
  readonly error?: unknown;
  readonly choices?: readonly {
    readonly text?: string;
    readonly delta?: {
      readonly content?: string | null;
      readonly reasoning_content?: string;
      readonly tool_calls?: unknown;
    };
  }[];
  readonly usage?: { readonly prompt_tokens?: number; readonly completion_tokens?: number } | null;
}

function readOpenAI(data: string): EventNews {
  if (data === '[DONE]') return { isLast: true };
  const { error, choices = [], usage } = JSON.parse(data) as OpenAIChunk;
  if (error !== undefined && error !== null) return { error: messageOf(error) };
  const hasToken = choices.some(({ text, delta }) =>
    [text, delta?.content, delta?.reasoning_content, delta?.tool_calls].some((part) => Boolean(part)),
  );
  return {
    hasToken,
    ...(usage?.prompt_tokens === undefined ? {} : { promptTokens: usage.prompt_tokens }),
    ...(usage?.completion_tokens === undefined ? {} : { outputTokens: usage.completion_tokens }),
  };
}

const openAI = ({ outputLen }: ServingRequest, { model, ignoreEos, temperature }: BodyOptions) => ({
  model,
  max_tokens: outputLen,
  temperature,
  stream: true,
  stream_options: { include_usage: true },
  ...(ignoreEos ? { ignore_eos: true } : {}),
});

interface GenerateEvent {
  readonly error?: unknown;
  readonly token?: { readonly count_output_tokens?: number; readonly prompt_tokens?: number };
  readonly generated_text?: string | null;
  readonly finished?: boolean;
  readonly details?: { readonly generated_tokens?: number; readonly prefill?: readonly unknown[] } | null;
}

/** LightLLM's and text-generation-inference's: one event a token, the last with `finished` or with the whole text. */
function readGenerate(data: string): EventNews {
  const { error, token, generated_text, finished, details } = JSON.parse(data) as GenerateEvent;
  if (error !== undefined && error !== null) return { error: messageOf(error) };
  const outputTokens = token?.count_output_tokens ?? details?.generated_tokens;
  return {
    hasToken: token !== undefined,
    isLast: finished ?? typeof generated_text === 'string',
    ...(token?.prompt_tokens === undefined ? {} : { promptTokens: token.prompt_tokens }),
    ...(outputTokens === undefined ? {} : { outputTokens }),
  };
}

/** Greedy for 0, which text-generation-inference refuses as a temperature. */
const sampling = (temperature: number) => (temperature === 0 ? { do_sample: false } : { do_sample: true, temperature });

export const apiNames = ['completions', 'chat', 'lightllm', 'tgi'] as const;
export type ApiName = (typeof apiNames)[number];

export const apis: Readonly<Record<ApiName, Api>> = {
  completions: {
    path: '/v1/completions',
    body: (request, options) => ({ ...openAI(request, options), prompt: request.prompt }),
    read: readOpenAI,
  },
  chat: {
    path: '/v1/chat/completions',
    body: (request, options) => ({
      ...openAI(request, options),
      messages: [{ role: 'user', content: request.prompt }],
    }),
    read: readOpenAI,
  },
  lightllm: {
    path: '/generate_stream',
    body: ({ prompt, outputLen }, { ignoreEos, temperature }) => ({
      inputs: prompt,
      parameters: { max_new_tokens: outputLen, ignore_eos: ignoreEos, ...sampling(temperature) },
    }),
    read: readGenerate,
  },
  // It has no field to ignore the end of text.
  tgi: {
    path: '/generate_stream',
    body: ({ prompt, outputLen }, { temperature }) => ({
      inputs: prompt,
      parameters: { max_new_tokens: outputLen, details: true, ...sampling(temperature) },
    }),
    read: readGenerate,
  },
};

function messageOf(error: unknown): string {
  const message = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
  return typeof message === 'string' ? message : JSON.stringify(message);
}
