import { number, toggle } from '../../src/settings.ts';
import { declare, modelFlag } from '../helpers/declare.ts';

export const spec = declare({
  name: 'server',
  measures: 'the server under load: HTTP’s share of the time, soak, fuzz, attacks, slow readers (docs/server-load.md)',
  more:
    '--soak, --fuzz and --sse run over a tiny model, --overhead over --model; --attack takes the tokenizer of --model, and an\n' +
    'engine that answers at once; without any of them it is --overhead. Several may be given. Exit code 1 when soak, fuzz,\n' +
    'attack or sse found a fault.',
  flags: {
    overhead: toggle(false, { flags: ['overhead'], doc: 'HTTP beside the engine asked in its own process.' }),
    soak: number(null, { min: 1 }, { flags: ['soak'], doc: 'So many random requests, faults and disconnects.' }),
    fuzz: number(null, { min: 1 }, { flags: ['fuzz'], doc: 'So many random bodies from the OpenAPI document.' }),
    attack: number(null, { min: 1 }, { flags: ['attack'], doc: 'So many requests that want much work for few bytes.' }),
    sse: toggle(false, { flags: ['sse'], doc: 'Streams beside readers that are slow or have stopped.' }),
    model: modelFlag,
    rounds: number(3, { min: 1 }, { flags: ['rounds'], doc: 'Rounds of --overhead and --sse.' }),
    seed: number(1, { min: 0 }, { flags: ['seed'], doc: 'Of --soak, --fuzz and --attack.' }),
    batch: number(16, { min: 1 }, { flags: ['batch'], doc: 'Requests at the same time, of --overhead.' }),
    tokens: number(64, { min: 2 }, { flags: ['tokens'], doc: 'Tokens of each answer, of --overhead.' }),
    idle: number(2000, { min: 0 }, { flags: ['idle'], doc: 'Open streams that wait, of --sse.' }),
    slow: number(16, { min: 0 }, { flags: ['slow'], doc: 'Slow readers, of --sse.' }),
    stopped: number(16, { min: 0 }, { flags: ['stopped'], doc: 'Readers that have stopped, of --sse.' }),
  },
  examples: ['', '--soak 10000 --seed 3', '--fuzz 20000', '--attack 1000', '--sse --idle 500'],
});
