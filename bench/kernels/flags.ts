import { EngineError } from '../../src/errors.ts';
import { choice, number, text, toggle, type Setting } from '../../src/settings.ts';
import { counts, declare } from '../helpers/declare.ts';

const only: Setting<string> = {
  ...text('.', 'regex', { flags: ['only'], doc: 'Kernels whose name matches.' }),
  parse: (value, flag) => {
    try {
      return new RegExp(value).source;
    } catch {
      throw new EngineError('bad_flag', `${flag}: expected a regular expression, got ${JSON.stringify(value)}`);
    }
  },
};

/** `ROWSxCOLS`, separated by commas. */
const shapes: Setting<string[]> = {
  flags: ['shapes'],
  doc: 'Rows and columns of the matrices.',
  default: ['1536x576', '4096x4096'],
  placeholder: 'NxN,…',
  list: false,
  parse: (value, flag) => {
    if (/^[1-9]\d*x[1-9]\d*(,[1-9]\d*x[1-9]\d*)*$/.test(value)) return value.split(',');
    throw new EngineError('bad_flag', `${flag}: expected shapes such as 1536x576, got ${JSON.stringify(value)}`);
  },
};

export const spec = declare({
  name: 'kernels',
  measures:
    'each kernel’s time, GMAC/s and GB/s, and its share of a calibration kernel measured in the same round; sampling beside the host, one product beside gpu.js and plain TypeScript; `--variant FILE`: a kernel of your own beside the built-in one',
  more:
    'share is max(macs / peak, bytes / bandwidth) / time. The bandwidth is that of main memory and the peak that of f32, so\n' +
    'weights that stay in a cache and products of packed integers can pass 1.\n' +
    '--variant: first the case table, against the reference with its bounds; then rounds that alternate between the built-in\n' +
    'kernel, the variant and the built-in kernel again. Ratios below 1 are faster. docs/kernels.md has an example.',
  flags: {
    only,
    rounds: number(null, { min: 1 }, { flags: ['rounds'], doc: 'Default 5, with --variant 21.' }),
    kernels: choice<'auto' | 'lavapipe' | 'gpu'>('auto', ['auto', 'lavapipe', 'gpu'], {
      flags: ['kernels'],
      doc: 'Kernel set; auto is the adapter’s own.',
    }),
    tokens: counts([1, 16, 128], { flags: ['tokens'], doc: 'Tokens of the matrix products.' }),
    shapes,
    peers: toggle(true, { flags: ['no-peers'], doc: 'Leave out gpu.js and plain TypeScript.' }),
    variant: text(null, 'file', {
      flags: ['variant'],
      doc: 'A .wgsl file in place of a kernel’s, a .ts/.js module whose default export extends WebGPUOps, or another version by its name (matmul.naive).',
    }),
    kernel: text(null, 'name', {
      flags: ['kernel'],
      doc: 'With --variant FILE.wgsl: the kernel that it replaces; default the file’s own name.',
    }),
  },
  examples: [
    '',
    '--only "^softmax" --rounds 20',
    '--variant my/softmax.wgsl --kernels gpu',
    '--variant matmul.naive --kernels gpu',
  ],
});
