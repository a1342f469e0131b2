/** Two replicas behind sglang-router (installed from PyPI into Dawnlight's cache): what came of each check. */
import { readFileSync } from 'node:fs';
import type { RunBench } from '../helpers/declare.ts';
import { describeMachine } from '../helpers/machine.ts';
import { affinity, forwarded, killUnderLoad } from './checks.ts';
import { startFleet } from './fleet.ts';
import type { spec } from './flags.ts';

export const run: RunBench<typeof spec> = async () => {
  const fleet = await startFleet();
  try {
    const passedOn = await forwarded(fleet);
    console.log('passed on', passedOn);
    const prefix = await affinity(fleet);
    console.log('prefix   ', prefix);
    const kill = await killUnderLoad(fleet);
    console.log('kill     ', kill);
    const ok =
      Object.values(passedOn).every(Boolean) &&
      prefix.atHome === prefix.followUps &&
      prefix.goneOnTo.every((count) => count > 0) &&
      kill.onVictim > 0 &&
      kill.lost === kill.onVictim &&
      kill.answered === kill.begunAfter;
    const router = readFileSync('bench/router/requirements.txt', 'utf8').trim();
    const result = { router, machine: describeMachine('see doctor'), ok, passedOn, prefix, kill };
    return { result, exitCode: ok ? 0 : 1 };
  } finally {
    fleet.stop();
  }
};
