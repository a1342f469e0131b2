/** What it costs that a row's bits do not depend on who else is in the step. */
import type { FlagsOf, RunBench } from '../helpers/declare.ts';
import { greedyStep, openDeviceModel, type DeviceModel } from '../helpers/device-model.ts';
import { describeMachine, median } from '../helpers/machine.ts';
import { modelPath } from '../helpers/model.ts';
import type { spec } from './flags.ts';

type Flags = FlagsOf<typeof spec>;

/** A step of one kind, of tokens that have no meaning. */
interface Kind {
  readonly name: string;
  readonly tokens: number;
  readonly step: (m: DeviceModel) => Promise<void>;
}

function kindsOf({ prompts, batches, context }: Flags): Kind[] {
  const ids = (count: number) => Array.from({ length: count }, (_, i) => 100 + ((i * 48271) % 1000));
  return [
    ...prompts.map((tokens) => ({
      name: `prompt of ${tokens}`,
      tokens,
      step: (m: DeviceModel) => greedyStep(m, [{ row: 0, start: 0, ids: ids(tokens) }]),
    })),
    ...batches.map((tokens) => ({
      name: `decode ${tokens}`,
      tokens,
      // What the context holds makes no difference to the time.
      step: (m: DeviceModel) =>
        greedyStep(
          m,
          Array.from({ length: tokens }, (_, row) => ({ row, start: context, ids: [100 + row] })),
        ),
    })),
  ];
}

export const run: RunBench<typeof spec> = async (flags) => {
  const path = await modelPath(flags.model);
  const { rounds, prompts, batches, context, quant } = flags;
  const size = { rows: Math.max(1, ...batches), maxLength: Math.max(context + 1, ...prompts) };
  const open = (deterministic: boolean) =>
    openDeviceModel(path, { quant, activations: 'f32', kvDtype: 'f16', ...size, deterministic });
  const models = [await open(false), await open(true)];
  for (const { kv, ops } of models)
    for (let row = 0; row < size.rows; row++) {
      const slots = Uint32Array.from({ length: size.maxLength }, (_, i) => row * size.maxLength + i);
      kv.spec.groups.forEach((_, group) => ops.writeSlots(kv, group, row, 0, slots));
    }
  const rows = [];
  for (const { name, tokens, step } of kindsOf(flags)) {
    const times: number[][] = models.map(() => []);
    // The first compiles, the second is recorded for later ones to replay.
    for (const m of models) for (let i = 0; i < 2; i++) await step(m);
    for (let round = 0; round < rounds; round++) {
      for (const [i, m] of models.entries()) {
        const begin = performance.now();
        await step(m);
        times[i].push(performance.now() - begin);
      }
    }
    const ratio = median(times[1].map((ms, round) => ms / times[0][round]));
    const [plain, deterministic] = times.map((each) => (1000 * tokens) / median(each));
    rows.push({ name, plain, deterministic, timeRatio: ratio });
    const figures = `${plain.toFixed(1)} tok/s, deterministic ${deterministic.toFixed(1)}`;
    console.log(`${name.padEnd(16)} ${figures}; time ×${ratio.toFixed(2)}`);
  }
  const machine = describeMachine(models[0].adapter);
  for (const { ops } of models) ops.destroy();
  return {
    result: { model: path.split('/').at(-1), machine, rounds, context, kernels: models[0].ops.context.kernelSet, rows },
  };
};
