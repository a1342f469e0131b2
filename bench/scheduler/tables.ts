/** Markdown of what was simulated: one table a condition, each policy at its best setting. */
import type { Candidate } from './candidates.ts';
import { bestSettings, type Mean } from './results.ts';

/** @param candidates what was compared; its first policy is set against the others */
export function conditionTable(means: readonly Mean[], candidates: readonly Candidate[]): string {
  const policies = [...new Set(candidates.map(({ policy }) => policy))];
  const head = ['workload', ...policies, '× the better other', '× at published settings'];
  const workloads = [...new Set(means.map((mean) => mean.workload))];
  const lines = workloads.map((workload) => {
    const own = means.filter((mean) => mean.workload === workload);
    const best = bestSettings(own);
    const asPublished = own.filter((mean) =>
      candidates.some((c) => c.published && c.policy === mean.policy && c.setting === mean.setting),
    );
    const cells = policies.map((policy) => cell(best.find((mean) => mean.policy === policy)));
    return [workload, ...cells, lead(best, policies[0]), lead(asPublished, policies[0])];
  });
  return [head, head.map(() => '---'), ...lines].map((line) => `| ${line.join(' | ')} |`).join('\n');
}

function cell(mean: Mean | undefined): string {
  if (mean === undefined) return '';
  const setting = mean.setting === '' ? '' : `; ${mean.setting.split(' ').at(-1)}`;
  return `${mean.goodput.toFixed(0)} (${mean.evictions.toFixed(2)}${setting})`;
}

/** The policy's goodput divided by the highest of the others; '' where there is nothing to divide. */
function lead(means: readonly Mean[], policy: string): string {
  const own = means.find((mean) => mean.policy === policy)?.goodput;
  const others = means.filter((mean) => mean.policy !== policy).map(({ goodput }) => goodput);
  return own === undefined || others.length === 0 ? '' : (own / Math.max(...others)).toFixed(2);
}
