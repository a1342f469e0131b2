/**
 * The server under load, over loopback. One JSON line for each mode.
 *   npm run bench -- server --soak 10000 [--seed N]        random requests, faults and disconnects; tiny model
 *   npm run bench -- server --fuzz 20000 [--seed N]        random bodies from the OpenAPI document; tiny model
 *   npm run bench -- server --sse [--idle N] [--slow N] [--stopped N] [--rounds N]      slow readers; tiny model
 *   npm run bench -- server --overhead --model FILE [--batch N] [--tokens N] [--rounds N]   HTTP beside the engine
 */
import { parseArgs } from 'node:util';
import { describeMachine } from '../helpers/machine.ts';
import { fuzz } from './fuzz.ts';
import { overhead } from './overhead.ts';
import { slowReaders } from './slow-readers.ts';
import { soak } from './soak.ts';

const { values: flags } = parseArgs({
  options: {
    soak: { type: 'string' },
    fuzz: { type: 'string' },
    sse: { type: 'boolean', default: false },
    overhead: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
    idle: { type: 'string', default: '2000' },
    slow: { type: 'string', default: '16' },
    stopped: { type: 'string', default: '16' },
    model: { type: 'string' },
    batch: { type: 'string', default: '16' },
    tokens: { type: 'string', default: '64' },
  },
});
const number = (flag: 'seed' | 'rounds' | 'idle' | 'slow' | 'stopped' | 'batch' | 'tokens'): number =>
  Number(flags[flag]);

const machine = describeMachine('lavapipe');
const print = (result: object): void => console.log(JSON.stringify({ bench: 'server', ...result, machine }));
if (flags.soak !== undefined) print(await soak(Number(flags.soak), number('seed')));
if (flags.fuzz !== undefined) print(await fuzz(Number(flags.fuzz), number('seed')));
if (flags.sse) {
  const [idle, slow, stopped] = [number('idle'), number('slow'), number('stopped')];
  print(await slowReaders({ idle, slow, stopped, rounds: number('rounds') }));
}
if (flags.overhead) {
  if (flags.model === undefined) throw new Error('--overhead needs --model DIR_OR_GGUF');
  const { model } = flags;
  print(await overhead({ model, rounds: number('rounds'), batch: number('batch'), tokens: number('tokens') }));
}
process.exit(0);
