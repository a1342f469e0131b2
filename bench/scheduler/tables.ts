/** Markdown of what was simulated: one table a condition, each policy at its best setting. */
import { bestSettings, type Mean } from './results.ts';

/** The defaults of Past-Future here, and the settings of the peers in the Past-Future paper's artifact. */
const published: Readonly<Record<string, string>> = {
  'past-future': 'reserved 0.05',
  aggressive: 'watermark 0.99',
  conservative: 'overcommit 1',
};

export function conditionTable(means: readonly Mean[]): string {
  const workloads = [...new Set(means.map((mean) => mean.workload))];
  const lines = workloads.map((workload) => tableLine(means.filter((mean) => mean.workload === workload)));
  return [
    '| workload | past-future | aggressive | conservative | fcfs | × the better other | × at published settings |',
    '|---|---|---|---|---|---|---|',
    ...lines,
  ].join('\n');
}

function tableLine(means: readonly Mean[]): string {
  const best = bestSettings(means);
  const asPublished = means.filter(({ policy, setting }) => published[policy] === setting);
  const cells = ['past-future', 'aggressive', 'conservative', 'fcfs'].map((policy) => {
    const mean = best.find((one) => one.policy === policy)!;
    const setting = mean.setting === '' ? '' : `; ${mean.setting.split(' ')[1]}`;
    return `${mean.goodput.toFixed(0)} (${mean.evictions.toFixed(2)}${setting})`;
  });
  return `| ${[means[0].workload, ...cells, lead(best), lead(asPublished)].join(' | ')} |`;
}

/** Past-Future's goodput divided by the highest of the others. */
function lead(means: readonly Mean[]): string {
  const own = means.find(({ policy }) => policy === 'past-future')!.goodput;
  const others = means.filter(({ policy }) => policy !== 'past-future').map(({ goodput }) => goodput);
  return (own / Math.max(...others)).toFixed(2);
}
