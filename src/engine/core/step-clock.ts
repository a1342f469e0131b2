/** Times the parts of a step and puts its report together. */
import type { HostTrace } from '../../gpu/trace.ts';
import type { StepReport } from '../client/messages.ts';
import type { SchedulerOutput } from '../scheduling/scheduler-output.ts';
import type { EngineStats } from './types.ts';

type Part = 'scheduleTime' | 'launchTime' | 'waitTime' | 'updateTime';

export class StepClock {
  readonly #trace: HostTrace | null;
  #step = 0;
  #times: Record<Part, number> = { scheduleTime: 0, launchTime: 0, waitTime: 0, updateTime: 0 };

  constructor(trace: HostTrace | null = null) {
    this.#trace = trace;
  }

  start(): void {
    this.#times = { scheduleTime: 0, launchTime: 0, waitTime: 0, updateTime: 0 };
  }

  time<T>(part: Part, body: () => T): T {
    const start = performance.now();
    const result = body();
    this.#took(part, start);
    return result;
  }

  async wait<T>(promise: Promise<T> | undefined): Promise<T | undefined> {
    const start = performance.now();
    const result = await promise;
    this.#took('waitTime', start);
    return result;
  }

  #took(part: Part, start: number): void {
    const end = performance.now();
    this.#times[part] = end - start;
    this.#trace?.host(part.replace('Time', ''), start, end);
  }

  report(output: SchedulerOutput, stats: EngineStats): StepReport {
    return {
      step: this.#step++,
      requests: output.scheduled.length,
      prefillTokens: output.numTokens - output.numDecodeTokens,
      decodeTokens: output.numDecodeTokens,
      admitted: output.admitted.length,
      paused: output.paused.length,
      ...this.#times,
      stats,
    };
  }
}
