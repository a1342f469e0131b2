/**
 * What requests ask their answers to be → grammars, in workers, since a small schema or expression can stand for a large
 * grammar. The same wish is worked out once.
 */
import { EngineError } from '../../errors.ts';
import { moduleUrl } from '../../module-url.ts';
import type { GrammarSpec, StructuredOutputFields } from '../../text/structured-output/types.ts';
import { constraintsOf } from '../apis/schema/structured-output.ts';
import { OverBudget, WorkerPool } from '../workers/worker-pool.ts';
import { ByteCache } from './byte-cache.ts';
import type { ChatForm, ConstraintTask } from '../../text/answer/make-constraint.ts';
import { ValueCounter } from './value-limits.ts';

/** Runs a ConstraintTask that is written as JSON. */
export interface TaskRunner {
  run(task: string, signal?: AbortSignal): Promise<GrammarSpec | null>;
}

const workers = 2;
/** Seconds: the last resort, ten times what the budgets in text/structured-output allow. */
const longest = 10;
/** MiB of one worker's heap. */
const memory = 512;
/** Characters of wishes and grammars that are kept. */
const mostCached = 32 * 2 ** 20;

/** @param template the model's chat template; `maxWaiting`: requests that may wait for a worker */
export function constraintPool(template: string, maxWaiting: number): WorkerPool<string, GrammarSpec | null> {
  const module = moduleUrl('./constraint-worker.ts', import.meta.url);
  return new WorkerPool({ module, data: { template }, size: workers, maxWaiting, seconds: longest, memory });
}

export class ConstraintMaker {
  readonly #runner: TaskRunner;
  readonly #made = new ByteCache<GrammarSpec | null>(mostCached);

  constructor(runner: TaskRunner) {
    this.#runner = runner;
  }

  /** Of a text that is no chat answer. @throws EngineError invalid_value, naming the field; queue_full */
  ofText(body: StructuredOutputFields, signal: AbortSignal): Promise<GrammarSpec | null> {
    return this.#make({ fields: constraintsOf(body), chat: null }, signal);
  }

  /** Of a chat answer. @throws EngineError as ofText */
  ofChat(body: StructuredOutputFields, chat: ChatForm, signal: AbortSignal): Promise<GrammarSpec | null> {
    const tools = chat.tools?.map(({ function: { name, parameters, strict } }) => ({
      function: { name, parameters, strict },
    }));
    return this.#make({ fields: constraintsOf(body), chat: { ...chat, tools: tools ?? null } }, signal);
  }

  async #make(task: ConstraintTask, signal: AbortSignal): Promise<GrammarSpec | null> {
    const { fields, chat } = task;
    if (Object.keys(fields).length === 0 && (chat?.tools ?? null) === null) return null;
    const counter = new ValueCounter();
    for (const [name, value] of Object.entries(fields)) counter.add(name, value);
    counter.add('tools', chat?.tools ?? null);
    const text = JSON.stringify(task);
    const known = this.#made.get(text);
    if (known !== undefined) return known;
    const made = await this.#runner.run(text, signal).catch((error: unknown) => {
      throw error instanceof OverBudget ? namingField(error, Object.keys(fields)[0] ?? 'tools') : error;
    });
    this.#made.set(text, made, made?.text.length ?? 0);
    return made;
  }
}

const namingField = (cause: OverBudget, param: string): EngineError =>
  new EngineError('invalid_value', `${param}: ${cause.message}`, { param, cause });
