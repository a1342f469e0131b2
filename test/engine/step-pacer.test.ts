/** A long prompt beside an answer that is being written, on devices whose clock is simulated. */
import t from 'tap';
import { defaultEngineConfig } from '../../src/config.ts';
import { EngineCore } from '../../src/engine/core/engine-core.ts';
import type { SchedulerOutput } from '../../src/engine/scheduling/scheduler-output.ts';
import { Book, request } from '../helpers/engine-driver.ts';
import { expectedOutput, fakeInfo, FakeRunner } from '../helpers/fake-runner.ts';

interface Device {
  /** Milliseconds. */
  readonly step: number;
  readonly perToken: number;
}

/** As measured on two cores under lavapipe (docs/log.md), and a GPU. */
const slow: Device = { step: 30, perToken: 3.6 };
const fast: Device = { step: 8, perToken: 0.06 };

const slots = 4000;

class ClockedRunner extends FakeRunner {
  now = 0;
  readonly prefills: number[] = [];
  readonly #device: Device;

  constructor(device: Device) {
    super(slots);
    this.#device = device;
  }

  override async launch(output: SchedulerOutput) {
    const prefill = output.numTokens - output.numDecodeTokens;
    if (prefill > 0) this.prefills.push(prefill);
    const sampled = await super.launch(output);
    this.now += this.#device.step + this.#device.perToken * output.numTokens;
    return sampled;
  }
}

const long = Array.from({ length: 1000 }, (_, i) => 1 + (i % 90));
const short = [5, 6, 7];

/** @param beside whether somebody else's answer is being written when the long prompt comes */
async function serve(device: Device, decodeShare: number, beside: boolean) {
  const runner = new ClockedRunner(device);
  const config = { ...defaultEngineConfig, batchMaxTokens: 256, chunkedPrefillSize: 256, decodeShare, overlap: false };
  const core = new EngineCore({
    config,
    info: fakeInfo(slots, 1500),
    runner,
    now: () => runner.now,
    checkInvariants: true,
  });
  const book = new Book();
  const times: number[] = [];
  const step = async () => {
    const before = book.tokens('answer')?.length ?? 0;
    await book.step(core);
    if ((book.tokens('answer')?.length ?? 0) > before) times.push(runner.now);
  };
  if (beside) core.add(request('answer', short, { maxTokens: 150, ignoreEos: true }));
  for (let i = 0; beside && i < 10; i++) await step();
  const begin = runner.now;
  const known = times.length;
  core.add(request('long', long, { maxTokens: 5, ignoreEos: true }));
  while (!book.tokens('long')?.length) await step();
  const gaps = times.slice(known).map((time, i) => time - times[known + i - 1]);
  const prefillTime = runner.now - begin;
  while (core.hasWork()) await step();
  t.same(book.tokens('long'), expectedOutput(long, 5, true), 'the same text');
  if (beside) t.same(book.tokens('answer'), expectedOutput(short, 150, true), 'the same text');
  return { gaps, prefillTime, prefills: runner.prefills };
}

t.test('on a slow device the answer goes on, and the prompt is not much later', async (t) => {
  const alone = await serve(slow, 0.25, false);
  const without = await serve(slow, 0, true);
  const paced = await serve(slow, 0.25, true);
  t.ok(Math.max(...without.gaps) > 900, 'a token a second otherwise');
  // A step that only decodes takes 33.6 ms; four times that, and the steps in which it is learnt what a prompt takes.
  const late = paced.gaps.filter((gap) => gap > 4.1 * 33.6);
  t.ok(late.length <= 2, `${late.join()} of ${paced.gaps.length} gaps`);
  t.ok(paced.gaps.length > 3 * without.gaps.length, `${paced.gaps.length} tokens instead of ${without.gaps.length}`);
  t.ok(paced.prefillTime < 1.6 * alone.prefillTime, `${paced.prefillTime} ms, alone ${alone.prefillTime}`);
});

t.test('nobody waits for answers that nobody writes, nor on a device that is fast', async (t) => {
  t.same((await serve(slow, 0.25, false)).prefills, (await serve(slow, 0, false)).prefills);
  t.same((await serve(fast, 0.25, true)).prefills, (await serve(fast, 0, true)).prefills);
});
