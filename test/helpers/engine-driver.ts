/** Drives an EngineCore over the fake runner, and books what comes out of it. */
import { defaultEngineConfig, type EngineConfig } from '../../src/config.ts';
import { EngineCore, type EngineCoreOptions } from '../../src/engine/core/engine-core.ts';
import type { EngineRequestInit } from '../../src/engine/core/engine-request.ts';
import {
  defaultSamplingParams,
  type RequestOutput,
  type SamplingParams,
  type StateSpec,
  type WindowSpec,
} from '../../src/engine/core/types.ts';
import { type FakeAdapters, fakeInfo, FakeRunner } from './fake-runner.ts';

export interface Setup {
  readonly config?: Partial<EngineConfig>;
  readonly slots?: number;
  readonly maxLen?: number;
  /** Of the fake model's second layer. */
  readonly window?: WindowSpec | null;
  /** Of the fake model's third layer. */
  readonly states?: StateSpec | null;
  readonly policy?: EngineCoreOptions['policy'];
  readonly adapters?: FakeAdapters;
  readonly checkInvariants?: boolean;
  /** What a launched step waits for before its tokens are there. */
  readonly delay?: () => Promise<void>;
}

/** Small limits, so that chunks, queues and full pools come up; every slot is recounted after every step. */
export function makeCore({
  config = {},
  slots = 400,
  maxLen = 200,
  window = null,
  states = null,
  policy,
  ...rest
}: Setup = {}): {
  core: EngineCore;
  runner: FakeRunner;
} {
  const runner = new FakeRunner(slots, rest.delay, window, rest.adapters ?? null, states !== null);
  const core = new EngineCore({
    config: { ...defaultEngineConfig, runningMaxReqSize: 8, batchMaxTokens: 32, chunkedPrefillSize: 16, ...config },
    info: fakeInfo(slots, maxLen, window, states),
    runner,
    checkInvariants: rest.checkInvariants ?? true,
    ...(policy && { policy }),
  });
  return { core, runner };
}

/** A greedy request of at most 20 tokens, unless `params` say otherwise. */
export function request(
  id: string,
  promptIds: readonly number[],
  params: Partial<SamplingParams> = {},
  rest: Partial<EngineRequestInit> = {},
): EngineRequestInit {
  const all = { ...defaultSamplingParams, temperature: 0, maxTokens: 20, ...params };
  return { id, promptIds, params: all, seed: 1, ...rest };
}

/** Every output so far, joined per request; and the ids that were refused. */
export class Book {
  readonly outputs = new Map<string, RequestOutput>();
  readonly refused = new Map<string, string>();
  /** Codes of what ended with 'error'. */
  readonly errors = new Map<string, string>();

  async step(core: EngineCore): Promise<void> {
    for (const event of (await core.step()).events) {
      if (event.type === 'accepted') continue;
      if (event.type === 'refused') {
        this.refused.set(event.requestId, event.error.code);
        continue;
      }
      const { output, error } = event;
      if (error) this.errors.set(output.requestId, error.code);
      const before = this.outputs.get(output.requestId);
      if (before?.finishReason) throw new Error(`${output.requestId} has output after its end`);
      const tokenIds = [...(before?.tokenIds ?? []), ...output.tokenIds];
      const logprobs = output.logprobs && [...(before?.logprobs ?? []), ...output.logprobs];
      const promptLogprobs = before?.promptLogprobs ?? output.promptLogprobs;
      this.outputs.set(output.requestId, { ...output, tokenIds, logprobs, promptLogprobs });
    }
  }

  async finishAll(core: EngineCore, onStep: () => void = () => {}): Promise<this> {
    for (let step = 0; core.hasWork(); step++) {
      if (step > 100_000) throw new Error('the engine makes no progress');
      onStep();
      await this.step(core);
    }
    return this;
  }

  tokens(id: string): readonly number[] | undefined {
    return this.outputs.get(id)?.tokenIds;
  }
}
