/**
 * Text ↔ ids and messages → prompts for the HTTP thread, which never does either itself: both grow with what a client
 * sends, and run the model's own expressions and template. Workers do them, and are ended when they take too long.
 */
import { EngineError } from '../../errors.ts';
import { type ChatPrompt, type PromptFields, promptFields } from '../../text/chat-prompt/chat-prompt.ts';
import type { ToolDefinition } from '../../text/tool-calls/types.ts';
import { OverBudget, WorkerPool } from '../workers/worker-pool.ts';
import {
  checkLength,
  type EncodedChat,
  type NamedText,
  type TextDescription,
  type TextLimit,
  type TextResult,
  type TextResults,
  type TextTask,
} from './text-tasks.ts';

interface TextRunner {
  run(task: TextTask, signal?: AbortSignal): Promise<TextResult>;
}

/** MiB of a worker's heap: a vocabulary of 256k tokens takes about 300. */
const memory = 1024;

/** Ids whose texts come back as one message. */
const inOneTask = 2 ** 14;

/** @param module calls serveTasks with doTextTask; `data` is what it starts with; `seconds`: longest task */
export function textPool(
  module: URL,
  data: unknown,
  { size, seconds, maxWaiting }: { readonly size: number; readonly seconds: number; readonly maxWaiting: number },
): WorkerPool<TextTask, TextResult> {
  return new WorkerPool({ module, data, size, maxWaiting, seconds, memory });
}

/** @throws EngineError model_not_readable, also for a chat template that does not come to an end */
export async function describeText(runner: TextRunner): Promise<TextDescription> {
  try {
    return (await runner.run({ type: 'describe' })) as TextDescription;
  } catch (error) {
    if (!(error instanceof OverBudget)) throw error;
    const message = `The chat template does not come to an end with a short conversation: ${error.message}`;
    throw new EngineError('model_not_readable', message, { cause: error });
  }
}

export interface EncodeOptions {
  readonly addSpecialTokens: boolean;
  readonly limit: TextLimit;
  readonly signal: AbortSignal;
}

interface ChatPromptOptions {
  readonly limit: TextLimit;
  readonly param: string;
  readonly signal: AbortSignal;
  /** For a generation with the adapter for tools: its template is rendered. Default false. */
  readonly forToolsAdapter?: boolean;
}

export class TextService {
  readonly #runner: TextRunner;
  /** UTF-16 units of the vocabulary's longest token. */
  readonly longestToken: number;
  readonly hasChatTemplate: boolean;

  constructor(runner: TextRunner, { longestToken, traits }: TextDescription) {
    this.#runner = runner;
    this.longestToken = longestToken;
    this.hasChatTemplate = traits !== null;
  }

  /** @throws EngineError `limit.code` for a text that is too long, invalid_value for one that takes too long, queue_full */
  async encode(texts: readonly NamedText[], { addSpecialTokens, limit, signal }: EncodeOptions): Promise<number[][]> {
    for (const { text, param } of texts) checkLength(text, param, limit);
    const ids = await this.#run({ type: 'encode', texts, addSpecialTokens, limit }, texts[0]?.param ?? null, signal);
    return ids.map((list) => Array.from(list));
  }

  /**
   * The prompt of a conversation.
   * @param tools those that the model may see, null when there are none
   * @throws EngineError as encode; what the template says of the messages
   */
  async chatPrompt(
    body: PromptFields,
    tools: readonly ToolDefinition[] | null,
    { limit, param, signal, forToolsAdapter = false }: ChatPromptOptions,
  ): Promise<ChatPrompt> {
    const fields = Object.fromEntries(promptFields.map((name) => [name, body[name]])) as unknown as PromptFields;
    const task = { type: 'chat', body: fields, tools, forToolsAdapter, limit, param } as const;
    const prompt: EncodedChat = await this.#run(task, param, signal);
    return { ...prompt, ids: Array.from(prompt.ids) };
  }

  /** The text of `ids`. */
  async decode(ids: readonly number[], signal: AbortSignal): Promise<string> {
    const [text] = await this.#run({ type: 'decode', ids: Int32Array.from(ids), each: false }, 'tokens', signal);
    return text;
  }

  /** The text of each id: in pieces, since a hundred thousand strings take long to receive. */
  async decodeEach(ids: readonly number[], signal: AbortSignal): Promise<readonly string[]> {
    const texts: string[] = [];
    for (let i = 0; i < ids.length; i += inOneTask) {
      const piece = Int32Array.from(ids.slice(i, i + inOneTask));
      texts.push(...(await this.#run({ type: 'decode', ids: piece, each: true }, 'tokens', signal)));
    }
    return texts;
  }

  async #run<T extends Exclude<keyof TextResults, 'describe'>>(
    task: TextTask & { readonly type: T },
    param: string | null,
    signal: AbortSignal,
  ): Promise<TextResults[T]> {
    try {
      return (await this.#runner.run(task, signal)) as TextResults[T];
    } catch (error) {
      if (!(error instanceof OverBudget)) throw error;
      const message = `${param}: This could not be turned into a prompt of tokens. ${error.message}`;
      throw new EngineError('invalid_value', message, { param, cause: error });
    }
  }
}
