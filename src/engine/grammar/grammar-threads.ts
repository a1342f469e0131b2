/**
 * Which thread opens which grammar. A step waits for the masks of its requests, so a thread that makes masks may not be busy
 * for long: grammars that take long to compile get a thread that no other grammar uses meanwhile, or wait for one.
 */
import type { EngineError } from '../../errors.ts';
import type { Constraint, Constraints, ConstraintSpec, Vocabulary } from './constraint.ts';
import { checkCost, isHeavy } from './grammar-cost.ts';
import { GrammarThread } from './grammar-thread.ts';

const heavyThreads = 2;

interface HeavyThread {
  readonly thread: GrammarThread;
  /** The grammar that it works for. */
  text: string;
  /** Constraints that are open or being opened. */
  users: number;
}

export class GrammarThreads implements Constraints {
  readonly #light: GrammarThread;
  readonly #heavy: readonly HeavyThread[];
  /** Wake those that wait for a thread. */
  #waiting: (() => void)[] = [];

  /** @param stopTokenIds tokens that end the output, allowed where a grammar is complete */
  constructor(vocabulary: Vocabulary, stopTokenIds: readonly number[], seconds?: number) {
    const start = (): GrammarThread => new GrammarThread(vocabulary, stopTokenIds, seconds);
    this.#light = start();
    this.#heavy = Array.from({ length: heavyThreads }, () => ({ thread: start(), text: '', users: 0 }));
  }

  async open(spec: ConstraintSpec, tokenIds: readonly number[], signal?: AbortSignal): Promise<Constraint> {
    if (!isHeavy(checkCost(spec))) return this.#light.open(spec, tokenIds, signal);
    const heavy = await this.#take(spec.text, signal);
    const release = (): void => {
      heavy.users--;
      for (const wake of this.#waiting.splice(0)) wake();
    };
    try {
      return new Released(await heavy.thread.open(spec, tokenIds, signal), release);
    } catch (error) {
      release();
      throw error;
    }
  }

  close(): void {
    this.#light.close();
    for (const { thread } of this.#heavy) thread.close();
  }

  async #take(text: string, signal: AbortSignal | undefined): Promise<HeavyThread> {
    for (;;) {
      signal?.throwIfAborted();
      const heavy = this.#heavy.find((h) => h.users > 0 && h.text === text) ?? this.#heavy.find((h) => h.users === 0);
      if (heavy !== undefined) {
        heavy.text = text;
        heavy.users++;
        return heavy;
      }
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }
}

/** A constraint whose thread is given back when it is closed. */
class Released implements Constraint {
  readonly #constraint: Constraint;
  readonly #release: () => void;

  constructor(constraint: Constraint, release: () => void) {
    this.#constraint = constraint;
    this.#release = release;
  }

  get error(): EngineError | null {
    return this.#constraint.error;
  }

  mask(): Promise<Uint32Array | null> {
    return this.#constraint.mask();
  }

  accept(tokenId: number): void {
    this.#constraint.accept(tokenId);
  }

  close(): void {
    this.#constraint.close();
    this.#release();
  }
}
