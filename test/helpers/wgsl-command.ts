/** `npm run wgsl`: see scripts/wgsl.ts. */
import { parseArgs } from 'node:util';
import type { KernelSet } from '../../src/gpu/device.ts';
import { findKernel, recordKernels, type RecordedKernel } from './kernel-texts.ts';

const sets: readonly KernelSet[] = ['lavapipe', 'gpu'];
const usage = 'npm run wgsl [-- NAME [--adapter lavapipe|gpu]]\n';

interface Answer {
  readonly out: string;
  readonly errors: string;
  readonly code: number;
}

export async function wgslCommand(args: readonly string[]): Promise<Answer> {
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], allowPositionals: true, options: { adapter: { type: 'string' } } });
  } catch (error) {
    return failed(`${(error as Error).message}\n${usage}`);
  }
  const { values, positionals } = parsed;
  const chosen = values.adapter === undefined ? sets : sets.filter((set) => set === values.adapter);
  if (chosen.length === 0) return failed(`--adapter: expected lavapipe or gpu, got ${values.adapter}\n`);
  if (positionals.length > 1) return failed(usage);
  const kernels = (await Promise.all(chosen.map(recordKernels))).flat();
  if (positionals.length === 0) return { out: list(kernels), errors: '', code: 0 };
  const { kernel, others } = findKernel(kernels, positionals[0]);
  if (!kernel) return failed(`there is no kernel ${positionals[0]}; \`npm run wgsl\` lists their names\n`);
  const note = others.length > 0 ? `${kernel.name}; there are also ${[...new Set(others)].join(', ')}\n` : '';
  return { out: print(kernel), errors: note, code: 0 };
}

const failed = (errors: string): Answer => ({ out: '', errors, code: 1 });

/** A line a name: the sets that use it, and lines of text. */
function list(kernels: readonly RecordedKernel[]): string {
  const names = [...new Set(kernels.map(({ name }) => name))];
  const lines = names.map((name) => {
    const same = kernels.filter((kernel) => kernel.name === name);
    const where = same.map(({ kernelSet }) => kernelSet).join(' ');
    return `${name.padEnd(56)} ${where.padEnd(12)} ${same[0].source.split('\n').length} lines\n`;
  });
  return lines.sort().join('');
}

function print({ name, kernelSet, source, constants, from }: RecordedKernel): string {
  const set = (values: Readonly<Record<string, number>>): string =>
    Object.entries(values)
      .map(([key, value]) => `${key} = ${value}`)
      .join(', ');
  const overrides = constants.map(set).filter(Boolean).join('; or ');
  return `// ${name} for ${kernelSet}, as for ${from}${overrides && `\n// override constants: ${overrides}`}\n${source}`;
}
