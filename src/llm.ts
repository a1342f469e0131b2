/** The engine in your own program: text in, text out, no server. */
import { defaultEngineConfig, type EngineConfig } from './config.ts';
import { RestartingEngineClient } from './engine/client/restarting-engine-client.ts';
import { inThisThread, inWorker } from './engine/client/engine-transport.ts';
import { loadEngine, type EngineExtensions } from './engine/running/load-engine.ts';
import type { AdmissionPolicy } from './engine/scheduling/policies/policy.ts';
import {
  defaultSamplingParams,
  type EngineClient,
  type FinishReason,
  type SamplingParams,
  type Usage,
} from './engine/core/types.ts';
import { EngineError } from './errors.ts';
import { openModel } from './model/files/open-model.ts';
import { samplingDefaults, type SamplingDefaults } from './model/sampling-defaults.ts';
import { moduleUrl } from './module-url.ts';
import { TextAssembler } from './server/chat/text-assembler.ts';
import { chatTemplateOf, type ChatMessage, type ChatTemplate } from './text/chat-template/chat-template.ts';
import { createIncrementalDecoder } from './text/incremental-decoder.ts';
import { loadTokenizer, tokenizerFromGguf } from './text/tokenizer/load-tokenizer.ts';
import type { Tokenizer } from './text/tokenizer/tokenizer.ts';

export interface LLMOptions extends Partial<Omit<EngineConfig, 'modelDir'>>, EngineExtensions {
  /** Admission policy of your own, instead of the one that `schedulerPolicy` names. */
  readonly policy?: AdmissionPolicy;
  /** Bytes of weights loaded so far, and in all. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface GenerateParams extends Partial<SamplingParams> {
  /** Strings that end the text; they are not part of it. */
  readonly stop?: readonly string[];
}

export interface TextChunk {
  /** New text; may be '' while a character or a possible stop string is unfinished. */
  readonly text: string;
  readonly tokenIds: readonly number[];
  /** Set on the last chunk only. */
  readonly finishReason: FinishReason | null;
  readonly usage: Usage;
}

export class LLM {
  readonly engine: EngineClient;
  readonly tokenizer: Tokenizer;
  readonly chatTemplate: ChatTemplate | null;

  /** What holds where `generate` is not told: what the model wants. */
  readonly samplingDefaults: SamplingDefaults;

  private constructor(engine: EngineClient, { tokenizer, samplingDefaults }: OpenedText) {
    this.engine = engine;
    this.tokenizer = tokenizer;
    this.samplingDefaults = samplingDefaults;
    this.chatTemplate = chatTemplateOf(tokenizer);
  }

  /**
   * Loads a Hugging Face directory or a .gguf file. The engine runs in a worker thread, or in this one when it is given
   * code of yours (`policy`, `logitsProcessors`, `createOps`), which cannot be sent to a worker.
   */
  static async load(modelDir: string, options: LLMOptions = {}): Promise<LLM> {
    const { policy, logitsProcessors, createOps, onProgress, ...settings } = options;
    const config = { ...defaultEngineConfig, ...settings, modelDir };
    const opened = openText(modelDir);
    const endTokenIds = opened.tokenizer.eosTokenIds;
    const extensions = { endTokenIds, ...(logitsProcessors && { logitsProcessors }), ...(createOps && { createOps }) };
    const start =
      policy || logitsProcessors || createOps
        ? inThisThread((c, report) => loadEngine(c, report, extensions), config, policy ? { policy } : {})
        : inWorker({ config, loader: loaderUrl, faultInjection: false, endTokenIds, vocabulary: null });
    const { stepTimeout } = config;
    return new LLM(await RestartingEngineClient.start(start, { onProgress, stepTimeout }), opened);
  }

  /**
   * Streams the continuation of a text, of token ids, or of a conversation (through the model's chat template). Several
   * calls may run at once; they share steps. Breaking out of the loop, or `signal`, ends the request.
   * @throws EngineError, at the first chunk
   */
  async *generate(
    input: string | readonly number[] | readonly ChatMessage[],
    params: GenerateParams = {},
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<TextChunk, void, undefined> {
    const { stop = [], ...sampling } = params;
    const all = { ...defaultSamplingParams, ...this.samplingDefaults.values, ...sampling };
    const assembler = new TextAssembler(createIncrementalDecoder(this.tokenizer, { skipSpecialTokens: true }), {
      stops: stop,
      includeStop: false,
      minTokens: all.minTokens,
    });
    for await (const output of this.engine.generate(this.#encode(input), all, options)) {
      let text = '';
      const shown = output.stopTokenId === null ? output.tokenIds : output.tokenIds.slice(0, -1);
      for (const id of shown) if (assembler.matched === null) text += assembler.push(id, null).text;
      if (output.finishReason !== null && assembler.matched === null) text += assembler.end().text;
      const finishReason = assembler.matched === null ? output.finishReason : 'stop';
      yield { text, tokenIds: output.tokenIds, finishReason, usage: output.usage };
      if (finishReason !== null) return;
    }
  }

  /** Finishes what runs, then frees the device. */
  close(): Promise<void> {
    return this.engine.close();
  }

  #encode(input: string | readonly number[] | readonly ChatMessage[]): number[] {
    if (typeof input === 'string') return this.tokenizer.encode(input);
    if (isIds(input)) return [...input];
    if (this.chatTemplate) return this.tokenizer.encode(this.chatTemplate.render(input), { addSpecialTokens: false });
    throw new EngineError('invalid_request', 'The model has no chat template: give a text or token ids.');
  }
}

function isIds(input: readonly number[] | readonly ChatMessage[]): input is readonly number[] {
  return input.length === 0 || typeof input[0] === 'number';
}

interface OpenedText {
  readonly tokenizer: Tokenizer;
  readonly samplingDefaults: SamplingDefaults;
}

function openText(modelDir: string): OpenedText {
  const model = openModel(modelDir);
  try {
    const tokenizer =
      model.metadata === null ? loadTokenizer(model.path) : tokenizerFromGguf(Object.fromEntries(model.metadata));
    return { tokenizer, samplingDefaults: samplingDefaults(model) };
  } finally {
    model.close();
  }
}

const loaderUrl = moduleUrl('./engine/running/load-engine.ts', import.meta.url).href;
