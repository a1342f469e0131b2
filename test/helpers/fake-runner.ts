/**
 * A model runner without a model, for exact checks on ids. Its "model" has two layers whose attention reads every
 * position through the slot table, like the real one: the next token is a hash of the whole context, and a key that sits
 * in the wrong slot, belongs to another request or was computed with another context changes it. With a window the second
 * layer sees the last positions only, through slots of its own. With states a third layer adds up all tokens in a row of
 * its own: a row that is another request's, or a step old or young, changes the next token too.
 */
import { EngineError } from '../../src/errors.ts';
import { LAST_TOKEN_FLAG, NO_TOKEN } from '../../src/kernels/ops.ts';
import type { AdapterDevice, HostAdapter } from '../../src/engine/adapters/adapter-device.ts';
import type { LoadedAdapter } from '../../src/engine/adapters/adapter-table.ts';
import type { DeviceFault, ModelRunner } from '../../src/engine/running/model-runner.ts';
import { hash3 } from '../../src/engine/running/random.ts';
import type { SchedulerOutput } from '../../src/engine/scheduling/scheduler-output.ts';
import type { EngineInfo, SampledToken, StateSpec, WindowSpec } from '../../src/engine/core/types.ts';

export const fakeVocabSize = 97;
export const fakeEos = 0;

export function fakeInfo(
  slots: number,
  maxModelLen: number,
  window: WindowSpec | null = null,
  states: StateSpec | null = null,
): EngineInfo {
  return {
    modelName: 'fake',
    architecture: 'fake',
    vocabSize: fakeVocabSize,
    hiddenSize: 1,
    maxModelLen,
    maxTotalTokenNum: slots,
    window,
    states,
    eosTokenIds: [fakeEos],
    isRewardModel: false,
    kernelSet: 'gpu',
    adapter: 'none',
  };
}

export class FakeRunner implements ModelRunner {
  readonly samplesOnHost = false;
  readonly adapters: FakeAdapters | null;
  readonly #layers: [Uint32Array, Uint32Array];
  /** Of each row: slots by position, in each layer. */
  readonly #tables = new Map<number, [number[], number[]]>();
  readonly #window: WindowSpec | null;
  /** By row; null for a model without states. */
  readonly #states: Map<number, number> | null;
  readonly #last = new Map<number, number>();
  readonly delay: (() => Promise<void>) | undefined;
  launches = 0;
  tokensComputed = 0;
  /** Rows of logits that were read for scores of prompts. */
  promptRows = 0;
  closed = false;
  #fault: DeviceFault | null = null;

  constructor(
    slots: number,
    delay?: () => Promise<void>,
    window: WindowSpec | null = null,
    adapters: FakeAdapters | null = null,
    hasStates = false,
  ) {
    this.adapters = adapters;
    this.#layers = [new Uint32Array(slots), new Uint32Array(window?.slots ?? slots)];
    this.#window = window;
    this.#states = hasStates ? new Map() : null;
    this.delay = delay;
  }

  async launch({ scheduled }: SchedulerOutput): Promise<SampledToken[]> {
    this.launches++;
    const fault = this.#fault;
    this.#fault = null;
    if (fault === 'device_lost' || fault === 'out_of_memory') throw new EngineError(fault, 'injected fault');
    const spoil = (value: number): number => (fault === 'nan_logits' ? NaN : value);
    const tokens = scheduled.flatMap(({ tableRow, tokenIds, start, ...entry }) => {
      const tables = this.#tables.get(tableRow) ?? [[], []];
      this.#tables.set(tableRow, tables);
      const second = this.#window
        ? { slots: entry.windowSlots, cached: entry.cachedWindowSlots }
        : { slots: entry.slots, cached: entry.cachedSlots };
      for (const [l, { slots, cached }] of [{ slots: entry.slots, cached: entry.cachedSlots }, second].entries()) {
        cached.forEach((slot, i) => (tables[l][start - cached.length + i] = slot));
        slots.forEach((slot, i) => (tables[l][start + i] = slot));
      }
      const adapter = this.adapters?.salt(entry.request.adapter) ?? 0;
      return tokenIds.map((id, i) => {
        const known = id >= LAST_TOKEN_FLAG ? this.#last.get(id - LAST_TOKEN_FLAG)! : id;
        return { tables, position: start + i, state: hash3(known, start + i, adapter) };
      });
    });
    this.tokensComputed += tokens.length;
    // As on the device: a layer stores the keys of all tokens before the attention of any reads them.
    for (const [l, layer] of this.#layers.entries()) {
      for (const { tables, position, state } of tokens) layer[tables[l][position]] = state;
      for (const token of tokens) {
        let state = 0;
        const first = l === 1 && this.#window ? Math.max(0, token.position - this.#window.window + 1) : 0;
        for (let p = first; p <= token.position; p++) state = hash3(state, layer[token.tables[l][p]], l);
        token.state = state;
      }
    }
    if (this.#states) runStates(this.#states, scheduled, tokens);
    const sampled: SampledToken[] = [];
    const scores: (() => void)[] = [];
    let t = 0;
    for (const { request, tableRow, tokenIds, start, samples, readsPrompt } of scheduled) {
      const states = tokens.slice(t, t + tokenIds.length).map(({ state }) => state);
      request.pooler?.add(
        start,
        Float32Array.from(states, (state) => spoil(fakeHidden(state))),
        1,
        null,
      );
      if (readsPrompt) {
        const logits = Float32Array.from(states.flatMap(fakeLogits), spoil);
        scores.push(() => request.promptScorer?.add(start, logits, fakeVocabSize));
        this.promptRows += states.length;
      }
      t += tokenIds.length;
      if (!samples) continue;
      const id = fault === 'nan_logits' ? NO_TOKEN : nextToken(tokens[t - 1].state);
      this.#last.set(tableRow, id);
      sampled.push({ id, logprobs: null });
    }
    await this.delay?.();
    for (const score of scores) score();
    return sampled;
  }

  injectFault(fault: DeviceFault): void {
    this.#fault = fault;
  }

  close(): void {
    this.closed = true;
  }
}

/** An adapter is a number, its path; what is computed with it has other keys. */
interface FakeAdapter extends HostAdapter {
  readonly salt: number;
}

export class FakeAdapters implements AdapterDevice {
  readonly slots: number;
  readonly maxRank = 16;
  readonly nothing: FakeAdapter = { rank: 0, salt: 0 };
  /** By slot. */
  readonly #written: (number | null)[];
  readonly #delay: () => Promise<void>;
  writes = 0;

  constructor(slots: number, delay: () => Promise<void> = () => Promise.resolve()) {
    this.slots = slots;
    this.#written = Array.from({ length: slots }, () => null);
    this.#delay = delay;
  }

  async read(path: string): Promise<FakeAdapter> {
    if (!/^[1-9]\d*$/.test(path)) throw new EngineError('model_not_readable', `${path}: no such file or directory`);
    return { rank: 8, salt: Number(path) };
  }

  async write(slot: number, adapter: HostAdapter): Promise<void> {
    this.writes++;
    this.#written[slot] = null;
    await this.#delay();
    this.#written[slot] = (adapter as FakeAdapter).salt;
  }

  /** What lies in the slot of a request's adapter; 0 for one that has none. */
  salt(adapter: LoadedAdapter | null): number {
    if (!adapter) return 0;
    const salt = adapter.slot === null ? null : this.#written[adapter.slot];
    if (salt === null || salt !== (adapter.host as FakeAdapter).salt) throw new Error('another adapter is in the slot');
    return salt;
  }
}

/** As on the device: runs of a step see no order among each other, so all read before any writes. */
function runStates(
  rows: Map<number, number>,
  scheduled: SchedulerOutput['scheduled'],
  tokens: readonly { state: number }[],
): void {
  const written = new Map<number, number>();
  const read = new Map<number, number>();
  const write = (row: number, state: number, run: number): void => {
    if (written.has(row) || (read.get(row) ?? run) !== run) throw new Error(`state row ${row} is used twice in a step`);
    written.set(row, state);
  };
  for (const [run, { state }] of scheduled.entries()) if (state?.before != null) read.set(state.before, run);
  let t = 0;
  for (const [run, { tokenIds, state }] of scheduled.entries()) {
    if (!state) throw new Error('a run without a state row');
    const { before, behind, keeps } = state;
    const known = before === null ? 0 : rows.get(before);
    if (known === undefined) throw new Error(`state row ${before} was never written`);
    let sum = known;
    for (let i = 0; i < tokenIds.length; i++, t++) {
      sum = hash3(sum, tokens[t].state, 3);
      tokens[t].state = hash3(tokens[t].state, sum, 4);
      for (const { after, row } of keeps) if (after === i + 1) write(row, sum, run);
    }
    write(behind, sum, run);
  }
  for (const [row, state] of written) rows.set(row, state);
}

/** The "hidden state" of a token, [1]. */
export function fakeHidden(state: number): number {
  return state / 2 ** 32;
}

export function fakeLogits(state: number): number[] {
  return Array.from({ length: fakeVocabSize }, (_, id) => hash3(state, id, 2) / 2 ** 30);
}

/** The state of the last token of a prompt that is alone in the world. */
export function expectedState(ids: readonly number[], window = Infinity, adapter = 0, hasStates = false): number {
  const keys = ids.map((id, p) => hash3(id, p, adapter));
  let running = 0;
  const hidden = keys.map((key) => (running = hash3(running, key, 0)));
  const seen = (end: number) =>
    hidden.slice(Math.max(0, end - window), end).reduce((state, h) => hash3(state, h, 1), 0);
  const last = seen(ids.length);
  if (!hasStates) return last;
  const sum = hidden.reduce((state, _, p) => hash3(state, seen(p + 1), 3), 0);
  return hash3(last, sum, 4);
}

/** What the runner generates for a prompt that is alone in the world. */
export function expectedOutput(
  promptIds: readonly number[],
  maxTokens: number,
  ignoreEos = false,
  window = Infinity,
  adapter = 0,
  hasStates = false,
): number[] {
  const ids = [...promptIds];
  while (ids.length - promptIds.length < maxTokens) {
    ids.push(nextToken(expectedState(ids, window, adapter, hasStates)));
    if (ids.at(-1) === fakeEos && !ignoreEos) break;
  }
  return ids.slice(promptIds.length);
}

/** Ids 1 … 96, and now and then (1 of 64) the end. */
function nextToken(state: number): number {
  return state % 64 === 0 ? fakeEos : 1 + ((state >>> 8) % (fakeVocabSize - 1));
}
