/** The server under load, over loopback: what each mode found, a line each as it ends, and all of them at the end. */
import type { BenchResult, FlagsOf, RunBench } from '../helpers/declare.ts';
import { describeMachine } from '../helpers/machine.ts';
import { modelPath } from '../helpers/model.ts';
import type { spec } from './flags.ts';
import { attack } from './attack.ts';
import { fuzz } from './fuzz.ts';
import { overhead } from './overhead.ts';
import { slowReaders } from './slow-readers.ts';
import { soak } from './soak.ts';

type Mode = () => Promise<{ readonly mode: string; readonly passed?: boolean }>;

function modesOf(flags: FlagsOf<typeof spec>): Mode[] {
  const { seed, rounds, idle, slow, stopped, batch, tokens } = flags;
  const modes: Mode[] = [];
  const { soak: soakCount, fuzz: fuzzCount, attack: attackCount } = flags;
  if (soakCount !== null) modes.push(() => soak(soakCount, seed));
  if (fuzzCount !== null) modes.push(() => fuzz(fuzzCount, seed));
  if (attackCount !== null) modes.push(async () => attack(attackCount, seed, await modelPath(flags.model)));
  if (flags.sse) modes.push(() => slowReaders({ idle, slow, stopped, rounds }));
  if (flags.overhead || modes.length === 0)
    modes.push(async () => overhead({ model: await modelPath(flags.model), rounds, batch, tokens }));
  return modes;
}

export const run: RunBench<typeof spec> = async (flags): Promise<BenchResult> => {
  const machine = describeMachine('lavapipe');
  const results: Awaited<ReturnType<Mode>>[] = [];
  for (const mode of modesOf(flags)) {
    // What is known is shown before the next mode begins; the last one's is the last line.
    if (results.length > 0) console.log(JSON.stringify({ bench: 'server', ...results.at(-1), machine }));
    results.push(await mode());
  }
  const exitCode = results.every(({ passed = true }) => passed) ? 0 : 1;
  const [only] = results;
  return { result: results.length === 1 ? { ...only, machine } : { machine, modes: results }, exitCode };
};
