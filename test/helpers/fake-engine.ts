/** A scripted EngineClient: each request's answer is a list of tokens, given out with delays, cut or failed on demand. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '../../src/errors.ts';
import type {
  AdapterInfo,
  EngineClient,
  FinishReason,
  GenerateOptions,
  PooledOutput,
  Pooling,
  RequestOutput,
  SamplingParams,
} from '../../src/engine/core/types.ts';
import { EOS, fakeTokenizer } from './fake-tokenizer.ts';

export interface Script {
  /** The answer; the end-of-text token follows it unless maxTokens comes first. */
  readonly text: string;
  /** Milliseconds before each token. */
  readonly delay?: number;
  /** Fails with this after so many tokens (0: before the first). */
  readonly failAfter?: number;
  readonly error?: EngineError;
  /** The request is taken, or fails, when this is fulfilled. */
  readonly taken?: Promise<void>;
  /** Tokens in one output. */
  readonly chunk?: number;
}

export interface FakeCall {
  readonly promptText: string;
  readonly promptIds: readonly number[];
  readonly params: SamplingParams;
  readonly requestId: string | undefined;
  readonly adapter: string | undefined;
  state: 'running' | 'finished' | 'aborted' | 'failed';
  given: number;
}

export class FakeEngine implements EngineClient {
  info = {
    modelName: 'fake',
    architecture: 'fake',
    vocabSize: fakeTokenizer.vocabSize,
    hiddenSize: 8,
    maxModelLen: 4096,
    maxTotalTokenNum: 65536,
    eosTokenIds: [EOS],
    isRewardModel: false,
    kernelSet: 'gpu' as const,
    adapter: 'none',
  };
  readonly calls: FakeCall[] = [];
  #adapters: AdapterInfo[] = [];
  readonly pools: { readonly promptIds: readonly number[]; readonly pooling: Pooling }[] = [];
  abortedPools = 0;
  flushed = 0;
  /** Prompts being pooled, and the most there were. */
  readonly poolsAtOnce = { now: 0, most: 0 };
  /** Milliseconds that pooling takes. */
  poolDelay: (promptIds: readonly number[]) => number = () => 0;
  state: ReturnType<EngineClient['health']> = 'ok';
  /** What the next requests answer. */
  script: (call: FakeCall) => Script = () => ({ text: 'Hello, world!' });

  adapters(): readonly AdapterInfo[] {
    return this.#adapters;
  }

  async loadAdapter(name: string, path: string): Promise<AdapterInfo> {
    if (path === 'missing') throw new EngineError('model_not_readable', `${path}: no such file or directory`);
    if (this.#adapters.some((adapter) => adapter.name === name))
      throw new EngineError('invalid_value', `The lora adapter '${name}' has already been loaded.`, {
        param: 'lora_name',
      });
    const info = { name, path, rank: 8 };
    this.#adapters.push(info);
    return info;
  }

  async unloadAdapter(name: string): Promise<void> {
    const others = this.#adapters.filter((adapter) => adapter.name !== name);
    if (others.length === this.#adapters.length)
      throw new EngineError('not_found', `The lora adapter '${name}' cannot be found.`, { param: 'lora_name' });
    this.#adapters = others;
  }

  async *generate(
    promptIds: readonly number[],
    params: SamplingParams,
    options: GenerateOptions = {},
  ): AsyncGenerator<RequestOutput> {
    const call: FakeCall = {
      get promptText() {
        return fakeTokenizer.decode(promptIds);
      },
      promptIds,
      params,
      requestId: options.requestId,
      adapter: options.adapter,
      state: 'running',
      given: 0,
    };
    this.calls.push(call);
    try {
      yield* this.#answer(call, params, options);
      if (call.state === 'running') call.state = 'finished';
    } catch (error) {
      call.state = 'failed';
      throw error;
    } finally {
      if (call.state === 'running') call.state = 'aborted';
    }
  }

  async *#answer(
    call: FakeCall,
    params: SamplingParams,
    { signal, onAccepted }: GenerateOptions,
  ): AsyncGenerator<RequestOutput> {
    const { text, delay = 0, failAfter = Infinity, error, chunk = 1, taken } = this.script(call);
    await taken;
    const body = [...Buffer.from(text)];
    const all = params.ignoreEos ? body : [...body, EOS];
    const end = all.findIndex((id) => params.stopTokenIds.includes(id));
    const ids = (end < 0 ? all : all.slice(0, end + 1)).slice(0, params.maxTokens);
    const last = ids.at(-1);
    const stopped = last !== undefined && ((last === EOS && !params.ignoreEos) || params.stopTokenIds.includes(last));
    const prompt = params.promptLogprobs;
    const promptLogprobs =
      prompt === null ? null : call.promptIds.map((id, i) => (i === 0 ? null : fakeLogprobs(id, prompt)));
    const output = (tokenIds: number[], finishReason: FinishReason | null): RequestOutput => ({
      requestId: call.requestId ?? '',
      tokenIds,
      logprobs: params.logprobs === null ? null : tokenIds.map((id) => fakeLogprobs(id, params.logprobs!)),
      promptLogprobs: call.given <= chunk ? promptLogprobs : null,
      pooled: null,
      finishReason,
      stopTokenId: finishReason === 'stop' ? (last ?? null) : null,
      usage: { promptTokens: call.promptIds.length, completionTokens: call.given, cachedTokens: 0 },
    });
    if (failAfter === 0) throw error ?? new EngineError('internal_error', 'scripted failure');
    onAccepted?.();
    for (let i = 0; i < ids.length; i += chunk) {
      if (delay > 0) await sleep(delay, undefined, signal ? { signal } : {}).catch(() => undefined);
      if (signal?.aborted) {
        call.state = 'aborted';
        yield output([], 'abort');
        return;
      }
      if (i >= failAfter) throw error ?? new EngineError('internal_error', 'scripted failure');
      const part = ids.slice(i, i + chunk);
      call.given += part.length;
      const done = i + chunk >= ids.length;
      yield output(part, done ? (stopped ? 'stop' : 'length') : null);
    }
  }

  /** hiddenSize values that depend on the ids: the last id's, or the mean over all; one for a score. */
  async pool(promptIds: readonly number[], pooling: Pooling, options: GenerateOptions = {}): Promise<PooledOutput> {
    this.pools.push({ promptIds, pooling });
    const wait = this.poolDelay(promptIds);
    this.poolsAtOnce.most = Math.max(this.poolsAtOnce.most, ++this.poolsAtOnce.now);
    if (wait > 0) await sleep(wait, undefined, options.signal ? { signal: options.signal } : {}).catch(() => undefined);
    this.poolsAtOnce.now--;
    if (options.signal?.aborted) {
      this.abortedPools++;
      throw new EngineError('aborted', 'The request was aborted.');
    }
    const ids = pooling === 'mean' ? promptIds : promptIds.slice(-1);
    const value = (i: number) => ids.reduce((sum, id) => sum + ((id * (i + 1)) % 13) - 6, 0) / ids.length;
    const size = pooling === 'score' ? 1 : this.info.hiddenSize;
    const usage = { promptTokens: promptIds.length, completionTokens: 0, cachedTokens: 0 };
    return { pooled: Float32Array.from({ length: size }, (_, i) => value(i)), usage };
  }

  async stats() {
    const running = this.calls.filter((c) => c.state === 'running').length;
    return { running, waiting: 0, paused: 0, totalSlots: 65536, freeSlots: 60000, cachedSlots: 1000 };
  }

  async flushCache() {
    this.flushed++;
    return { ...(await this.stats()), freeSlots: 61000, cachedSlots: 0 };
  }

  health() {
    return this.state;
  }

  async close(): Promise<void> {
    this.state = 'draining';
  }
}

/** Token id's log probability is -(id mod 7 + 1)/4; the alternatives are the ids above it. */
function fakeLogprobs(id: number, count: number) {
  const at = (k: number) => ({ id: (id + k) % fakeTokenizer.vocabSize, logprob: -((id % 7) + 1) / 4 - k });
  return { logprob: at(0).logprob, top: Array.from({ length: count }, (_, k) => at(k)) };
}
