/**
 * `npm run bench -- router`: two replicas behind sglang-router (installed from PyPI into Dawnlight's cache). Prints what came
 * of each check, then one JSON line; ends with 1 if one is not as it should be.
 */
import { readFileSync } from 'node:fs';
import { describeMachine } from '../helpers/machine.ts';
import { affinity, forwarded, killUnderLoad } from './checks.ts';
import { startFleet } from './fleet.ts';

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
  console.log(
    JSON.stringify({ bench: 'router', router, machine: describeMachine('see doctor'), ok, passedOn, prefix, kill }),
  );
  process.exitCode = ok ? 0 : 1;
} finally {
  fleet.stop();
}
