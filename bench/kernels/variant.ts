/**
 * What stands beside a built-in kernel: the text of a `.wgsl` file in its place, a module that overrides ops, or another
 * version out of the table of kernels.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, extname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { EngineError } from '../../src/errors.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { setWgslVariant } from '../../src/gpu/wgsl.ts';
import { kernelSets, othersOf, variantsNamed, type SetOp, type Variants } from '../../src/kernels/kernel-sets.ts';
import type { WebGPUOpsOptions } from '../../src/kernels/webgpu-context.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';

export interface Variant {
  readonly file: string;
  /** What it stands for: `softmax.wgsl`, or the ops that it overrides. */
  readonly replaces: string;
  readonly createOps: (gpu: Gpu, options: WebGPUOpsOptions) => WebGPUOps;
  /** Runs `body`, in which kernels are compiled, and tells whether it came to the variant. */
  during<T>(body: () => Promise<T>): Promise<{ readonly result: T; readonly used: boolean }>;
}

/** What a module exports by default: `(Base) => class extends Base { … }`. */
type Extend = (base: typeof WebGPUOps) => typeof WebGPUOps;

/** @throws EngineError bad_flag */
export async function loadVariant(file: string, kernel: string | null): Promise<Variant> {
  if (tableNames.has(file)) return tableVariant(file);
  if (/\.(wgsl|m?[tj]s)$/.test(file) && !existsSync(file))
    throw new EngineError('bad_flag', `--variant: ${file} does not exist`);
  if (extname(file) === '.wgsl') return wgslVariant(file, kernel ?? basename(file, '.wgsl'));
  if (/\.m?[tj]s$/.test(file)) return moduleVariant(file);
  const known = [...tableNames].join(', ');
  throw new EngineError('bad_flag', `--variant: expected a .wgsl, .ts or .js file or one of ${known}, got ${file}`);
}

const setOps = Object.keys(kernelSets) as SetOp[];
const tableNames = new Set(setOps.flatMap((op) => [...othersOf(op, 'lavapipe'), ...othersOf(op, 'gpu')]));

/** For each op that has it among its others. */
function tableVariant(name: string): Variant {
  let used = false;
  /** Tells when an op asks. */
  const watched = (variants: Variants): Variants => {
    const get = () => {
      used = true;
      return name;
    };
    return Object.defineProperties({}, Object.fromEntries(Object.keys(variants).map((op) => [op, { get }])));
  };
  return {
    file: name,
    replaces: name,
    createOps: (gpu, options) =>
      new WebGPUOps(gpu, { ...options, variants: watched(variantsNamed(name, options.kernelSet ?? gpu.kernelSet)) }),
    during: async (body) => {
      used = false;
      return { result: await body(), used };
    },
  };
}

function wgslVariant(path: string, kernel: string): Variant {
  const text = readFileSync(path, 'utf8');
  const file = `${basename(kernel, '.wgsl')}.wgsl`;
  const known = readdirSync(fileURLToPath(new URL('../../src/kernels', import.meta.url)), { recursive: true })
    .map((path) => basename(String(path)))
    .filter((name) => name.endsWith('.wgsl'));
  if (!known.includes(file)) {
    const all = known.map((name) => basename(name, '.wgsl')).sort();
    throw new EngineError('bad_flag', `--kernel: there is no kernel ${kernel}; there are ${all.join(', ')}`);
  }
  const variant = { file, text, used: false };
  return {
    file: path,
    replaces: file,
    createOps: (gpu, options) => new WebGPUOps(gpu, options),
    during: async (body) => {
      variant.used = false;
      setWgslVariant(variant);
      try {
        return { result: await body(), used: variant.used };
      } finally {
        setWgslVariant(null);
      }
    },
  };
}

async function moduleVariant(file: string): Promise<Variant> {
  const extend = await importDefault(resolve(file));
  if (typeof extend !== 'function')
    throw new EngineError('bad_flag', `--variant: ${file} must export default (Base) => class extends Base { … }`);
  const Own = extend(WebGPUOps);
  const ops = Object.getOwnPropertyNames(Own.prototype).filter((name) => name !== 'constructor');
  if (ops.length === 0) throw new EngineError('bad_flag', `--variant: the class of ${file} overrides no op`);
  let used = false;
  class Watched extends Own {}
  const methods = Own.prototype as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const name of ops) {
    const value = function (this: WebGPUOps, ...args: unknown[]): unknown {
      used = true;
      return methods[name].apply(this, args);
    };
    Object.defineProperty(Watched.prototype, name, { value });
  }
  return {
    file,
    replaces: ops.join(', '),
    createOps: (gpu, options) => new Watched(gpu, options),
    during: async (body) => {
      used = false;
      return { result: await body(), used };
    },
  };
}

/** tsx turns a .ts file that belongs to no ES module package into CommonJS, whose exports are one default. */
async function importDefault(path: string): Promise<Extend | undefined> {
  type Module = { default?: Extend | { default?: Extend } };
  const url = pathToFileURL(path).href;
  const load = async () => (await import('tsx/esm/api')).tsImport(url, import.meta.url) as Promise<Module>;
  const { default: own } = path.endsWith('ts') ? await load() : ((await import(url)) as Module);
  return typeof own === 'object' ? own.default : own;
}
