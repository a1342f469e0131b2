/** Requests at their times, so many at once at most, in the order of their arrival. */
import type { ServingRequest } from './apis.ts';
import type { Clock } from './clock.ts';
import type { Outcome } from './send.ts';

export interface Load {
  readonly requests: readonly ServingRequest[];
  /** For each request the milliseconds from the start (arrivals.ts). */
  readonly arrivals: readonly number[];
  readonly maxConcurrency: number | null;
}

export interface Driven {
  readonly outcomes: readonly Outcome[];
  /** Milliseconds from the start to the last answer. */
  readonly duration: number;
}

export async function drive(
  { requests, arrivals, maxConcurrency }: Load,
  send: (request: ServingRequest) => Promise<Outcome>,
  clock: Clock,
): Promise<Driven> {
  const places = new Places(maxConcurrency ?? Infinity);
  const start = clock.now();
  const one = async (request: ServingRequest, arrival: number): Promise<Outcome> => {
    const early = start + arrival - clock.now();
    if (early > 0) await clock.sleep(early);
    await places.take();
    try {
      return await send(request);
    } finally {
      places.give();
    }
  };
  const outcomes = await Promise.all(requests.map((request, i) => one(request, arrivals[i])));
  return { outcomes, duration: clock.now() - start };
}

class Places {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  take(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  give(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}
