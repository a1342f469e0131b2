/**
 * What host and device did when, as trace events in Chrome's JSON form, which ui.perfetto.dev and chrome://tracing open. The
 * two clocks have different zeros. What is known is that no dispatch began before it was recorded, and that all had ended
 * when their times were read: each read-back narrows the offset from both sides, and the earliest that is left is taken.
 * Source of the form: "Trace Event Format" (Google, docs of catapult).
 */
import { byKernel, type DeviceSpan, type DeviceSpans, type KernelTime } from './profiler.ts';
import { leastSeconds, type Roofline } from './roofline.ts';

/** About 60 MB of JSON; what comes later is counted only. */
const MOST_EVENTS = 400_000;
const PROCESS = 1;
const threads = { host: 1, device: 2 } as const;

interface HostSpan {
  readonly name: string;
  readonly begin: number;
  readonly end: number;
}

/** Is told of parts of a step, in milliseconds of performance.now. */
export interface HostTrace {
  host(name: string, begin: number, end: number): void;
}

export class Trace implements HostTrace {
  readonly #mostEvents: number;
  readonly #host: HostSpan[] = [];
  readonly #device: DeviceSpan[] = [];
  readonly #kernels = new Map<string, KernelTime>();
  #left = 0;
  /** What to add to the device's times: at least, and at most. */
  #offset = { least: -Infinity, most: Infinity };

  constructor(mostEvents = MOST_EVENTS) {
    this.#mostEvents = mostEvents;
  }

  host(name: string, begin: number, end: number): void {
    if (this.#isFull()) this.#left++;
    else this.#host.push({ name, begin, end });
  }

  device({ spans, recordedAt, readAt }: DeviceSpans): void {
    if (spans.length === 0) return;
    const least = Math.max(this.#offset.least, recordedAt - Math.min(...spans.map(({ begin }) => begin)));
    const most = Math.min(this.#offset.most, readAt - Math.max(...spans.map(({ end }) => end)));
    this.#offset = { least, most };
    for (const row of byKernel(spans)) this.#kernels.set(row.name, sum(this.#kernels.get(row.name), row));
    for (const span of spans) {
      if (this.#isFull()) this.#left++;
      else this.#device.push(span);
    }
  }

  /** Of all dispatches, those that the trace had no room for too; longest first. */
  kernels(): KernelTime[] {
    return [...this.#kernels.values()].sort((a, b) => b.milliseconds - a.milliseconds);
  }

  /** @param about for `otherData`: model, adapter and the like */
  toJSON(roofline: Roofline, about: Readonly<Record<string, unknown>>): object {
    const { least, most } = this.#offset;
    const offset = Number.isFinite(least) ? least : 0;
    return {
      displayTimeUnit: 'ms',
      otherData: {
        ...about,
        roofline,
        eventsLeftOut: this.#left,
        clockUncertaintyMs: Number.isFinite(most - least) ? Math.max(0, most - least) : null,
      },
      traceEvents: [
        meta('process_name', 'dawnlight'),
        meta('thread_name', 'host', threads.host),
        meta('thread_name', 'device', threads.device),
        ...this.#host.map(({ name, begin, end }) => complete(name, threads.host, begin, end, {})),
        ...this.#device.map((span) =>
          complete(span.name, threads.device, span.begin + offset, span.end + offset, argumentsOf(span, roofline)),
        ),
      ],
    };
  }

  #isFull(): boolean {
    return this.#host.length + this.#device.length >= this.#mostEvents;
  }
}

function argumentsOf({ begin, end, work }: DeviceSpan, roofline: Roofline): object {
  if (work === null) return {};
  const ms = end - begin;
  if (ms <= 0) return { ...work };
  return {
    ...work,
    'GB/s': round(work.bytes / ms / 1e6),
    'GFLOP/s': round(work.flops / ms / 1e6),
    'share of roofline': round((leastSeconds(work, roofline) * 1000) / ms),
  };
}

function sum(known: KernelTime | undefined, row: KernelTime): KernelTime {
  if (known === undefined) return row;
  const work = known.work &&
    row.work && { bytes: known.work.bytes + row.work.bytes, flops: known.work.flops + row.work.flops };
  return {
    name: row.name,
    dispatches: known.dispatches + row.dispatches,
    milliseconds: known.milliseconds + row.milliseconds,
    work,
  };
}

function meta(name: string, value: string, tid = 0): object {
  return { name, ph: 'M', pid: PROCESS, tid, args: { name: value } };
}

/** Times in the file are microseconds. */
function complete(name: string, tid: number, begin: number, end: number, args: object): object {
  const ts = Math.round(begin * 1e6) / 1000;
  return { name, ph: 'X', pid: PROCESS, tid, ts, dur: Math.round((end - begin) * 1e6) / 1000, args };
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
