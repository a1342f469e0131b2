import { engineSettings } from '../../src/config.ts';
import { policyNames } from '../../src/engine/scheduling/policies/registry.ts';
import { number, text, toggle } from '../../src/settings.ts';
import { declare, modelFlag, names } from '../helpers/declare.ts';
import { conditions } from './conditions.ts';
import { features } from './features.ts';
import { workloads } from './workloads.ts';

const named = (all: readonly { readonly name: string }[]): string[] => all.map(({ name }) => name);

export const spec = declare({
  name: 'scheduler',
  measures:
    'goodput, evictions and occupancy of each admission policy on a simulated device clock, under our rules and those of the Past-Future artifact; `--real`: the engine without prefix cache, overlap or chunks beside the default',
  more:
    'Policies and their settings are those of src/engine/scheduling/policies/registry.ts. Rows go to --out, each with a hash\n' +
    'of the code that made it; a row of the same code is taken from there, and its line says so.',
  flags: {
    quick: toggle(false, { flags: ['quick'], doc: 'One seed and a short time: shows that it works, says little.' }),
    condition: names(named(conditions), 'name', { flags: ['condition'], doc: 'Rules; default the first two.' }),
    workload: names(named(workloads), 'name', { flags: ['workload'], doc: 'Default all.' }),
    policy: names(policyNames, 'name', { flags: ['policy'], doc: 'Default all.' }),
    out: text('.bench/scheduler.jsonl', 'file', { flags: ['out'], doc: 'Where rows are kept, one a line.' }),
    fresh: toggle(false, { flags: ['fresh'], doc: 'Use nothing of what --out holds.' }),
    svg: text(null, 'file', { flags: ['svg'], doc: 'Write a bar chart.' }),
    real: toggle(false, { flags: ['real'], doc: 'Instead: engine features switched off, on a real model.' }),
    model: modelFlag,
    rounds: number(3, { min: 1 }, { flags: ['rounds'], doc: 'With --real: rounds of each variant.' }),
    without: names(Object.keys(features), 'feature', { flags: ['without'], doc: 'With --real; default all.' }),
    activationDtype: engineSettings.activationDtype,
  },
  examples: ['--quick --workload Dist1', '--svg goodput.svg', '--real --without radix'],
});
