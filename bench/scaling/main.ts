/** Decode steps behind contexts of several lengths, and of several numbers of sequences: times beside what is computed. */
import type { Profiler } from '../../src/gpu/profiler.ts';
import type { KVCache } from '../../src/kernels/ops.ts';
import { addWork } from '../../src/kernels/work.ts';
import { kvCacheSpec } from '../../src/model/cache-plan.ts';
import type { FlagsOf, RunBench } from '../helpers/declare.ts';
import { openDeviceModel, type DeviceModel } from '../helpers/device-model.ts';
import { describeMachine, median } from '../helpers/machine.ts';
import { modelPath } from '../helpers/model.ts';
import { fitLine, type Line } from './fit.ts';
import type { spec } from './flags.ts';

/** A step of so many sequences with so many tokens in front of each. */
interface Point {
  readonly batch: number;
  readonly context: number;
}

interface Row extends Point {
  /** Median over the rounds. */
  readonly ms: number;
  /** Of all kernels of the step. */
  readonly megabytes: number;
  readonly gigaflops: number;
}

export const run: RunBench<typeof spec> = async (flags) => {
  const path = await modelPath(flags.model);
  const contexts = flags.contexts.map((context) => ({ batch: 1, context }));
  const batches = flags.batches.map((batch) => ({ batch, context: flags.batchContext }));
  const points = [...contexts, ...batches];
  const bench = await Bench.open(path, points, flags);
  const rows = await bench.measure(points, flags.rounds);
  const ofContexts = rows.slice(0, contexts.length);
  const ofBatches = rows.slice(contexts.length);
  const byContext = { rows: ofContexts, line: lineOf(ofContexts, 'megabytes') };
  const byBatch = { rows: ofBatches, line: lineOf(ofBatches, 'gigaflops') };
  say('contexts, against bytes', byContext.line, 1, 'GB/s');
  say('batches, against operations', byBatch.line, 1000, 'GFLOP/s');
  const { batchContext, rounds } = flags;
  const about = { model: path.split('/').at(-1), machine: describeMachine(bench.adapter), batchContext, rounds };
  return { result: { ...about, byContext, byBatch } };
};

const lineOf = (rows: readonly Row[], counted: 'megabytes' | 'gigaflops'): Line =>
  fitLine(rows.map((row) => ({ counted: row[counted], ms: row.ms })));

function say(what: string, { fixedMs, msPerUnit, worst }: Line, perMs: number, unit: string): void {
  const rate = `${(perMs / msPerUnit).toFixed(1)} ${unit}`;
  console.log(`${what}: ${fixedMs.toFixed(1)} ms and ${rate}; off by ${(100 * worst).toFixed(0)} % at most`);
}

class Bench {
  readonly #m: DeviceModel;
  readonly #kv: KVCache;
  /** Slots of a sequence in a batch. */
  readonly #stride: number;

  private constructor(m: DeviceModel, kv: KVCache, stride: number) {
    this.#m = m;
    this.#kv = kv;
    this.#stride = stride;
  }

  get adapter(): string {
    return this.#m.adapter;
  }

  static async open(
    path: string,
    points: readonly Point[],
    { quant, batchContext }: FlagsOf<typeof spec>,
  ): Promise<Bench> {
    const rows = Math.max(...points.map(({ batch }) => batch));
    const maxLength = Math.max(...points.map(({ context }) => context)) + 1;
    const stride = batchContext + 1;
    const m = await openDeviceModel(path, { quant, activations: 'int8', kvDtype: 'f16', rows: 1, maxLength });
    const slots = Math.max(maxLength, rows * stride);
    const size = { slots, windowSlots: slots, dtype: 'f16', maxRequests: rows, maxLength } as const;
    const kv = m.ops.createKVCache(kvCacheSpec(m.model.caches, size));
    // The longest context lies in the slots of the other sequences: what is cached makes no difference to the time, that it is
    // read does.
    for (const group of kv.spec.groups.keys())
      for (let row = 0; row < rows; row++) {
        const length = row === 0 ? maxLength : stride;
        m.ops.writeSlots(
          kv,
          group,
          row,
          0,
          Uint32Array.from({ length }, (_, i) => row * stride + i),
        );
      }
    return new Bench(m, kv, stride);
  }

  async measure(points: readonly Point[], rounds: number): Promise<Row[]> {
    const times = points.map((): number[] => []);
    const counted: Pick<Row, 'megabytes' | 'gigaflops'>[] = [];
    for (const point of points) {
      // The first compiles, the second is recorded for later ones to replay.
      for (let i = 0; i < 2; i++) await this.#step(point);
      counted.push(await this.#work(point));
    }
    for (let round = 0; round < rounds; round++)
      for (const [i, point] of points.entries()) {
        const begin = performance.now();
        await this.#step(point);
        times[i].push(performance.now() - begin);
      }
    this.#m.ops.destroy();
    return points.map((point, i) => {
      const row = { ...point, ms: median(times[i]), ...counted[i] };
      const work = `${row.megabytes.toFixed(1)} MB, ${row.gigaflops.toFixed(2)} GFLOP`;
      console.log(`${row.batch} × ${row.context}: ${row.ms.toFixed(2)} ms; ${work}`);
      return row;
    });
  }

  async #step({ batch, context }: Point): Promise<void> {
    const { ops, model } = this.#m;
    const each = (of: (row: number) => number): Uint32Array => Uint32Array.from({ length: batch }, (_, row) => of(row));
    const slots = each((row) => row * this.#stride + context);
    const step = ops.beginStep(
      {
        tokenIds: each((row) => 100 + row),
        positions: new Uint32Array(batch).fill(context),
        tableRows: each((row) => row),
        slots: this.#kv.spec.groups.map(() => slots),
        logitIndices: each((row) => row),
      },
      this.#kv,
    );
    const ids = ops.read(ops.argmax(model.forward(ops, step, this.#kv).logits!));
    ops.endStep();
    await ids;
  }

  /** As the kernels of such a step say. */
  async #work(point: Point): Promise<Pick<Row, 'megabytes' | 'gigaflops'>> {
    const { recorder } = this.#m.ops.context;
    let all = addWork();
    const pass: Profiler['pass'] = (_, work) => {
      all = addWork(all, work?.() ?? addWork());
      return {};
    };
    recorder.profiler = { pass } as Profiler;
    await this.#step(point);
    recorder.profiler = null;
    return { megabytes: all.bytes / 1e6, gigaflops: all.flops / 1e9 };
  }
}
