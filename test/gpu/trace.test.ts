// Traces of host and device: the form, the two clocks, and the sums by kernel.
import t from 'tap';
import { summarize, summaryLines } from '../../src/gpu/kernel-summary.ts';
import { byKernel, type DeviceSpan } from '../../src/gpu/profiler.ts';
import { leastSeconds } from '../../src/gpu/roofline.ts';
import { Trace } from '../../src/gpu/trace.ts';

/** 10 GB/s and 200 GFLOP/s. */
const roofline = { gmacs: 100, gbs: 10 };
const span = (name: string, begin: number, end: number, work: DeviceSpan['work'] = null): DeviceSpan => ({
  ...{ name, begin, end, work },
});
interface TraceFile {
  readonly otherData: {
    readonly clockUncertaintyMs: number | null;
    readonly eventsLeftOut: number;
    readonly model: string;
  };
  readonly traceEvents: readonly {
    readonly name: string;
    readonly ph: string;
    readonly pid: number;
    readonly tid: number;
    readonly ts: number;
    readonly dur: number;
    readonly args: Record<string, number>;
  }[];
}
const written = (trace: Trace): TraceFile =>
  JSON.parse(JSON.stringify(trace.toJSON(roofline, { model: 'M' }))) as TraceFile;

t.test('events have the form that Perfetto reads', (t) => {
  const trace = new Trace();
  trace.host('launch', 5, 7);
  trace.device({
    spans: [span('a', 100, 101, { bytes: 5e6, flops: 1e8 }), span('b', 101, 103)],
    recordedAt: 6,
    readAt: 12,
  });
  const { otherData, traceEvents } = written(trace);
  const names = traceEvents.filter(({ ph }) => ph === 'M').map(({ args }) => args.name);
  t.same(names, ['dawnlight', 'host', 'device']);
  const complete = traceEvents.filter(({ ph }) => ph === 'X');
  t.equal(complete.length + names.length, traceEvents.length);
  t.match(complete, [
    { name: 'launch', tid: 1, ts: 5000, dur: 2000 },
    { name: 'a', tid: 2, ts: 6000, dur: 1000, args: { bytes: 5e6, flops: 1e8, 'GB/s': 5, 'GFLOP/s': 100 } },
    { name: 'b', tid: 2, ts: 7000, dur: 2000 },
  ]);
  t.equal(complete[1].args['share of roofline'], 0.5);
  t.same(complete[2].args, {}, 'nothing is said of what is not known');
  t.match(otherData, { model: 'M', roofline, eventsLeftOut: 0, clockUncertaintyMs: 3 });
  t.end();
});

t.test('each read-back narrows the offset between the clocks; dispatches stay in order', (t) => {
  const trace = new Trace();
  // The device's 0 is the host's 1000.
  trace.device({ spans: [span('a', 10, 20)], recordedAt: 1005, readAt: 1040 });
  trace.device({ spans: [span('b', 30, 40)], recordedAt: 1029, readAt: 1045 });
  const { otherData, traceEvents } = written(trace);
  const [a, b] = traceEvents.filter(({ ph }) => ph === 'X');
  t.same([a.ts, b.ts], [1009000, 1029000]);
  t.equal(otherData.clockUncertaintyMs, 6);
  t.end();
});

t.test('what has no room is counted, and is in the sums', (t) => {
  const trace = new Trace(2);
  for (let i = 0; i < 3; i++) trace.device({ spans: [span('a', i, i + 1)], recordedAt: i, readAt: i + 2 });
  trace.host('wait', 0, 1);
  const { otherData, traceEvents } = written(trace);
  t.equal(traceEvents.filter(({ ph }) => ph === 'X').length, 2);
  t.equal(otherData.eventsLeftOut, 2);
  t.match(trace.kernels(), [{ name: 'a', dispatches: 3, milliseconds: 3 }]);
  t.end();
});

t.test('kernels: sums, rates, and shares of the roofline', (t) => {
  t.equal(leastSeconds({ bytes: 1e9, flops: 0 }, roofline), 0.1);
  t.equal(leastSeconds({ bytes: 1e9, flops: 100e9 }, roofline), 0.5, 'whichever takes longer');
  const work = { bytes: 1e7, flops: 1e6 };
  const kernels = byKernel([span('a', 0, 1, work), span('b', 1, 5), span('a', 5, 8, work)]);
  t.match(kernels, [
    { name: 'a', dispatches: 2, milliseconds: 4, work: { bytes: 2e7, flops: 2e6 } },
    { name: 'b', dispatches: 1, milliseconds: 4, work: null },
  ]);
  const [a, b] = kernels.map((row) => summarize(row, roofline));
  t.match(a, { gbs: 5, gflops: 0.5, share: 0.5 });
  t.match(b, { gbs: null, gflops: null, share: null });
  const lines = summaryLines([a, b]);
  t.match(lines[1], /4\.000\s+50\.0 %\s+2\s+5\.00\s+0\.50\s+0\.50 {2}a$/);
  t.match(lines[2], /4\.000\s+50\.0 %\s+1\s+b$/);
  t.match(lines[3], /8\.000\s+in kernels$/);
  t.end();
});
