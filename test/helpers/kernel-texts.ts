/** Every kernel's WGSL as it runs: recorded from the case table and one decoder layer on a device that computes nothing. */
import type { KernelSet } from '../../src/gpu/device.ts';
import { kernelSets, othersOf, variantsNamed, type SetOp, type Variants } from '../../src/kernels/kernel-sets.ts';
import type { Ops } from '../../src/kernels/ops.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { runDecoderLayer } from '../../src/model/layers/decoder-layer.ts';
import { allCases } from '../kernels/cases/all-cases.ts';
import { layerStep, smallAdapters, smallLayer, type LayerShape } from './decoder-layers.ts';
import { dryGpu, type KernelText } from './dry-gpu.ts';
import { nvidia } from './matrix-units.ts';

export interface RecordedKernel {
  /** Numbered where one name has several texts, the shortest first: `decoder-layer.lavapipe`, `decoder-layer.lavapipe#2`. */
  readonly name: string;
  readonly kernelSet: KernelSet;
  readonly source: string;
  /** Override constants of each pipeline that is made from the text. */
  readonly constants: readonly KernelText['constants'][];
  /** The case that it was first seen in. */
  readonly from: string;
}

export async function recordKernels(kernelSet: KernelSet): Promise<RecordedKernel[]> {
  const found = new Map<string, Map<string, RecordedKernel>>();
  let from = '';
  const seen = ({ name, source, constants }: KernelText): void => {
    const texts = found.get(name) ?? new Map<string, RecordedKernel>();
    found.set(name, texts);
    const known = texts.get(source);
    const isNew = !known?.constants.some((each) => JSON.stringify(each) === JSON.stringify(constants));
    if (isNew) {
      const all = [...(known?.constants ?? []), constants];
      texts.set(source, { name, kernelSet, source, constants: all, from: known?.from ?? from });
    }
  };
  const opsFor = (variants: Variants) => {
    const matrixUnit = Object.values(variants).some((name) => name?.endsWith('.matrix')) ? nvidia : null;
    const form = (activations: 'f32' | 'int8') =>
      new WebGPUOps(dryGpu(kernelSet, { matrixUnit }, seen), { kernelSet, activations, variants });
    return { f32: form('f32'), int8: form('int8') };
  };
  const ops = opsFor({});
  for (const each of [ops, ...unchosen(kernelSet).map(opsFor)])
    for (const kernelCase of allCases) {
      from = kernelCase.name;
      const record = await kernelCase.prepare(each[kernelCase.activations ?? 'f32']);
      record();
    }
  for (const rows of [1, 4]) {
    from = `a decoder layer, decode step of ${rows}`;
    await recordLayer(ops.int8, smallLayer, rows);
    from = `a decoder layer with adapters, decode step of ${rows}`;
    await recordLayer(ops.int8, { ...smallLayer, adapters: smallAdapters }, rows);
    from = `a decoder layer, f32 activations, decode step of ${rows}`;
    await recordLayer(ops.f32, smallLayer, rows);
  }
  return [...found.values()].flatMap((texts) =>
    [...texts.values()]
      .sort((a, b) => a.source.length - b.source.length)
      .map((kernel, i) => (i === 0 ? kernel : { ...kernel, name: `${kernel.name}#${i + 1}` })),
  );
}

/** Versions that are in the table and that no set chooses. */
function unchosen(kernelSet: KernelSet): Variants[] {
  const chosen = Object.values(kernelSets).flatMap((sets) =>
    Object.values(sets).map(({ variant }) => variant as string),
  );
  const others = (Object.keys(kernelSets) as SetOp[]).flatMap((op) => othersOf(op, kernelSet));
  const names = new Set(others.filter((name) => !chosen.includes(name)));
  return [...names].map((name) => variantsNamed(name, kernelSet));
}

async function recordLayer(ops: Ops, shape: LayerShape, rows: number): Promise<void> {
  const { x, layer, step } = await layerStep(ops, shape, rows);
  ops.program({}, step, (part) => ({ y: runDecoderLayer(part, x, layer, step) }));
}

/** The texts of a decode step of one layer by the names of its kernels, fused where there is a kernel for it, or op by op. */
export async function layerTexts(
  kernelSet: KernelSet,
  shape: LayerShape,
  { fused, activations = 'int8' }: { readonly fused: boolean; readonly activations?: 'f32' | 'int8' },
): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  const gpu = dryGpu(kernelSet, {}, ({ name, source }) => texts.set(name, source));
  await recordLayer(new WebGPUOps(gpu, { kernelSet, activations, fusion: fused }), shape, 1);
  return texts;
}

/** The kernel of that name, else the shortest of those whose name begins with it, and what other names begin so. */
export function findKernel(
  kernels: readonly RecordedKernel[],
  name: string,
): { readonly kernel: RecordedKernel | null; readonly others: readonly string[] } {
  const exact = kernels.find((kernel) => kernel.name === name);
  if (exact) return { kernel: exact, others: [] };
  const family = kernels.filter((kernel) => kernel.name.startsWith(name));
  const [kernel = null, ...others] = family.sort((a, b) => a.source.length - b.source.length);
  return { kernel, others: others.map((other) => other.name) };
}
