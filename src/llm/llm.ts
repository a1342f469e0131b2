/** The engine in your own program: text in, text out, no server. */
import { defaultEngineConfig, type EngineConfig } from '../config.ts';
import { namedAdapters } from '../engine/adapters/plan-adapters.ts';
import { inThisThread, inWorker } from '../engine/client/engine-transport.ts';
import { RestartingEngineClient } from '../engine/client/restarting-engine-client.ts';
import { defaultSamplingParams, type AdapterInfo, type EngineClient } from '../engine/core/types.ts';
import { loadEngine, type EngineExtensions } from '../engine/running/load-engine.ts';
import type { AdmissionPolicy } from '../engine/scheduling/policies/policy.ts';
import { EngineError } from '../errors.ts';
import type { SamplingDefaults } from '../model/sampling-defaults.ts';
import { withToolsAdapter } from '../model/tools-adapter.ts';
import { moduleUrl } from '../module-url.ts';
import { chatAnswer } from '../text/answer/chat-answer.ts';
import { GeneratedText } from '../text/answer/generated-text.ts';
import { makeConstraint } from '../text/answer/make-constraint.ts';
import { buildChatPrompt } from '../text/chat-prompt/chat-prompt.ts';
import { TOOLS_ADAPTER_PARSER } from '../text/chat-prompt/tool-prompt.ts';
import type { ChatMessage, ChatTemplate } from '../text/chat-template/chat-template.ts';
import type { GrammarSpec } from '../text/structured-output/types.ts';
import type { Tokenizer } from '../text/tokenizer/tokenizer.ts';
import { chooseTools } from '../text/tool-calls/choose-tools.ts';
import type { ToolDefinition } from '../text/tool-calls/types.ts';
import { type ModelText, openModelText, type TextSettings } from './model-text.ts';
import {
  type ChatChunk,
  type ChatParams,
  constraintFields,
  type GenerateParams,
  stopStrings,
  type TextChunk,
} from './params.ts';
import { withDefaults } from './with-defaults.ts';

export interface LLMOptions extends Partial<Omit<EngineConfig, 'modelDir'>>, TextSettings, EngineExtensions {
  /** Admission policy of your own, instead of the one that `schedulerPolicy` names. */
  readonly policy?: AdmissionPolicy;
  /** Bytes of weights loaded so far, and in all. */
  readonly onProgress?: (done: number, total: number) => void;
}

interface CallOptions {
  /** Ends the request; its last chunk then has the finish reason 'abort'. */
  readonly signal?: AbortSignal;
}

/**
 * What it is given is trusted: templates, tokens, schemas and expressions are worked out in the calling thread, however long
 * it takes, where the server has worker processes for them. The engine itself and xgrammar have threads of their own.
 */
export class LLM {
  readonly engine: EngineClient;
  readonly #text: ModelText;

  private constructor(engine: EngineClient, text: ModelText) {
    this.engine = engine;
    this.#text = text;
  }

  get tokenizer(): Tokenizer {
    return this.#text.tokenizer;
  }

  /** null when the model has none. */
  get chatTemplate(): ChatTemplate | null {
    return this.#text.chatTemplate;
  }

  /** What holds where a call does not say: what the model wants. */
  get samplingDefaults(): SamplingDefaults {
    return this.#text.samplingDefaults;
  }

  /**
   * Loads a Hugging Face directory or a .gguf file. The engine runs in a worker thread, or in this one when it is given
   * code of yours (`policy`, `logitsProcessors`, `createOps`), which cannot be sent to a worker.
   * @throws EngineError for anything wrong with the files, the settings or the device
   */
  static async load(modelDir: string, options: LLMOptions = {}): Promise<LLM> {
    const { policy, logitsProcessors, createOps, onProgress, ...others } = options;
    const { chatTemplate: _template, toolCallParser: _calls, reasoningParser: _reasoning, ...rest } = others;
    const { toolsAdapter: _tools, ...settings } = rest;
    const text = openModelText(modelDir, options);
    const config = withToolsAdapter({ ...withDefaults(defaultEngineConfig, settings), modelDir }, text.toolsAdapter);
    const { vocabulary } = text;
    const endTokenIds = text.tokenizer.eosTokenIds;
    const tokens = { endTokenIds, vocabulary };
    const extensions = { endTokenIds, ...(logitsProcessors && { logitsProcessors }), ...(createOps && { createOps }) };
    const start =
      policy || logitsProcessors || createOps
        ? inThisThread((c, report) => loadEngine(c, report, extensions), config, {
            vocabulary,
            ...(policy && { policy }),
          })
        : inWorker({ config, loader: loaderUrl, faultInjection: false, tokens });
    const { stepTimeout } = config;
    return new LLM(
      await RestartingEngineClient.start(start, { onProgress, stepTimeout, adapters: namedAdapters(config.lora) }),
      text,
    );
  }

  /**
   * Streams the continuation of a text, of token ids, or of a conversation (through the model's chat template). Several
   * calls may run at once; they share steps. Breaking out of the loop, or `signal`, ends the request.
   * @throws EngineError, at the first chunk
   */
  async *generate(
    input: string | readonly number[] | readonly ChatMessage[],
    params: GenerateParams = {},
    options: CallOptions = {},
  ): AsyncGenerator<TextChunk, void, undefined> {
    const constraint = makeConstraint({ fields: constraintFields(params), chat: null }, this.#text.templateSource);
    yield* this.#generate(this.#encode(input), params, constraint, options);
  }

  /**
   * Streams the answer to a conversation, split into content, reasoning and tool calls.
   * @throws EngineError, at the first chunk
   */
  async *chat(
    messages: readonly ChatMessage[],
    params: ChatParams = {},
    options: CallOptions = {},
  ): AsyncGenerator<ChatChunk, void, undefined> {
    const { tools, toolChoice, parallelToolCalls, separateReasoning, ...shape } = params;
    const { reasoningEffort, chatTemplateKwargs, continueFinalMessage, ...generation } = shape;
    const { templateSource } = this.#text;
    const chosen = chooseTools(tools?.length ? tools.map(asFunction) : undefined, toolChoice);
    const { template, adapter, formats } = this.#chatSetup(params.adapter, chosen.tools !== null);
    const prompt = buildChatPrompt(
      template,
      {
        messages,
        reasoning_effort: reasoningEffort,
        chat_template_kwargs: chatTemplateKwargs,
        continue_final_message: continueFinalMessage,
      },
      chosen.tools,
    );
    const answer = chatAnswer({ formats, chosen, messages, prompt, parallelToolCalls, separateReasoning });
    const constraint = makeConstraint({ fields: constraintFields(params), chat: answer.form }, templateSource);
    const given = adapter === undefined ? generation : { ...generation, adapter };
    const all = answer.isParsed ? { ...given, skipSpecialTokens: false } : given;
    const parser = answer.createParser();
    for await (const chunk of this.#generate(this.#encodePrompt(prompt.text), all, constraint, options)) {
      const { text: _, finishReason, ...others } = chunk;
      const delta = parser.push(chunk);
      const ended = finishReason ?? (parser.isWhole ? 'stop' : null);
      const finish = ended === null ? null : parser.finishReason(ended);
      yield { ...others, ...delta, finishReason: finish, reasoningTokens: parser.reasoningTokens };
      if (ended !== null) return;
    }
  }

  /** Those that `adapter` of a call may name. */
  get adapters(): readonly AdapterInfo[] {
    return this.engine.adapters();
  }

  /**
   * Reads a LoRA adapter, a directory of peft or a .gguf file, under a name for calls. LLM.load needs `enableLora`, or a first
   * one in `lora` ("name=path").
   * @throws EngineError invalid_value for a name that is taken, invalid_request, model_not_readable, unsupported_model
   */
  loadAdapter(name: string, path: string): Promise<AdapterInfo> {
    return this.engine.loadAdapter(name, path);
  }

  /** Calls that use it end as they would. @throws EngineError not_found */
  unloadAdapter(name: string): Promise<void> {
    return this.engine.unloadAdapter(name);
  }

  /** Finishes what runs, then frees the device. */
  close(): Promise<void> {
    return this.engine.close();
  }

  async *#generate(
    promptIds: readonly number[],
    params: GenerateParams,
    constraint: GrammarSpec | null,
    options: CallOptions,
  ): AsyncGenerator<TextChunk, void, undefined> {
    const { stop: _stop, includeStop = false, skipSpecialTokens = true, adapter, ...others } = params;
    const { structuredOutputs: _outputs, responseFormat: _format, ...given } = others;
    const defaults = { ...defaultSamplingParams, ...this.samplingDefaults.values };
    const sampling = { ...withDefaults(defaults, given), constraint };
    const stops = stopStrings(params);
    const generated = new GeneratedText(this.tokenizer, { stops, includeStop, skipSpecialTokens }, sampling);
    for await (const output of this.engine.generate(promptIds, sampling, { ...options, adapter })) {
      const piece = generated.push(output);
      yield { ...piece, tokenIds: output.tokenIds };
      if (piece.finishReason !== null) return;
    }
  }

  /** What a chat is written and computed with: the adapter that it names; with tools, the one that was brought for them. */
  #chatSetup(named: string | undefined, withTools: boolean) {
    const { toolsAdapter, toolsTemplate, formats } = this.#text;
    const loaded = this.adapters.some(({ name }) => name === toolsAdapter?.name);
    const adapter = named ?? (withTools && loaded ? toolsAdapter?.name : undefined);
    if (toolsTemplate === null || adapter !== toolsAdapter?.name)
      return { template: this.#template(), adapter, formats };
    return { template: toolsTemplate, adapter, formats: { ...formats, toolCallParser: TOOLS_ADAPTER_PARSER } };
  }

  #encode(input: string | readonly number[] | readonly ChatMessage[]): number[] {
    if (typeof input === 'string') return this.tokenizer.encode(input);
    if (isIds(input)) return [...input];
    return this.#encodePrompt(buildChatPrompt(this.#template(), { messages: input }, null).text);
  }

  #encodePrompt(text: string): number[] {
    return this.tokenizer.encode(text, { addSpecialTokens: false });
  }

  #template(): ChatTemplate {
    if (this.chatTemplate) return this.chatTemplate;
    const hint = 'give `generate` a text or token ids, or LLM.load a `chatTemplate`.';
    throw new EngineError('invalid_request', `The model has no chat template: ${hint}`);
  }
}

function isIds(input: readonly number[] | readonly ChatMessage[]): input is readonly number[] {
  return input.length === 0 || typeof input[0] === 'number';
}

/** Templates look at the type. */
function asFunction(tool: ToolDefinition): ToolDefinition {
  return { type: 'function', ...tool };
}

const loaderUrl = moduleUrl('../engine/running/load-engine.ts', import.meta.url).href;
