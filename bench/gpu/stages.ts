/** Runs the parts of a bench one after the other within a time limit; what is known is on disk before and after each. */
import { writeFileSync } from 'node:fs';
import type { Outcome } from './child.ts';

export interface StageOptions {
  /** Skipped when less than this is left. */
  readonly expectedMs?: number;
  /** Of the whole run's time, what this part may take at most. */
  readonly share?: number;
}

export class Stages {
  readonly results: Record<string, unknown> = {};
  /** Parts that failed, crashed or ran out of their time, each with why. */
  readonly errors: string[] = [];
  /** Parts for which there was no time left. */
  readonly skipped: string[] = [];
  /** Milliseconds of the whole run. */
  limitMs: number;
  readonly #begin = performance.now();
  readonly #file: string;
  #running: string | null = null;

  constructor(limitMs: number, file: string) {
    this.limitMs = limitMs;
    this.#file = file;
    this.save();
  }

  /** Milliseconds until the limit. */
  left(): number {
    return this.#begin + this.limitMs - performance.now();
  }

  /** What the part found, as far as it got; undefined when it found nothing. */
  async run(name: string, work: (limitMs: number) => Promise<Outcome>, options: StageOptions = {}): Promise<unknown> {
    const { expectedMs = 10_000, share = 1 } = options;
    if (this.left() < expectedMs) {
      this.skipped.push(name);
      console.log(`${name}: skipped, out of time`);
      return undefined;
    }
    const start = performance.now();
    const limit = Math.min(this.left(), share * this.limitMs);
    console.log(`${name}: at most ${seconds(limit)}`);
    this.#running = name;
    this.save();
    const { result, error } = await work(limit);
    this.#running = null;
    if (result !== undefined) this.results[name] = result;
    if (error !== null) this.errors.push(`${name}: ${error}`);
    this.save();
    console.log(error === null ? `${name}: ${seconds(performance.now() - start)}` : this.errors.at(-1));
    return result;
  }

  /** For a signal that ends the whole run: says what it was in. */
  interrupt(signal: string): void {
    this.errors.push(`${this.#running ?? 'between parts'}: the run was ended by ${signal}`);
    this.save();
  }

  /** Everything so far, into the results file. `running` is there when the file is that of a run that was killed. */
  save(): void {
    const { results, errors, skipped } = this;
    const running = this.#running === null ? {} : { running: this.#running };
    const time = Math.round((performance.now() - this.#begin) / 1000);
    const content = { ...results, errors, skipped, ...running, seconds: time };
    writeFileSync(this.#file, `${JSON.stringify(content, null, 1)}\n`);
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
