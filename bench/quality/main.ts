/**
 * Perplexity and mean KL divergence of every weight format and activation path on a fixed text, against the stored
 * weights with f32 activations (or those of another checkpoint of the same model), beside llama.cpp on the same file.
 */
import type { RunBench } from '../helpers/declare.ts';
import { openDeviceModel, type DeviceModelOptions } from '../helpers/device-model.ts';
import { describeMachine } from '../helpers/machine.ts';
import { modelPath as pathOf } from '../helpers/model.ts';
import { loadPeer } from '../helpers/peer.ts';
import {
  Comparison,
  comparisonHeading,
  readText,
  readTextByPeer,
  tokenizedText,
  type ComparedRow,
} from '../helpers/read-text.ts';
import type { spec } from './flags.ts';
import { nearestPlan } from './nearest.ts';

type Path = Omit<DeviceModelOptions, 'rows' | 'maxLength'> & { readonly name: string };

/** The first is what the others are compared with. */
const paths: readonly Path[] = [
  { name: 'stored, f32 activations, f32 KV (reference)', quant: 'stored', activations: 'f32', kvDtype: 'f32' },
  { name: 'stored, f32 activations, f16 KV', quant: 'stored', activations: 'f32', kvDtype: 'f16' },
  { name: 'stored, int8 activations, f16 KV', quant: 'stored', activations: 'int8', kvDtype: 'f16' },
  { name: 'int8, f32 activations', quant: 'int8', activations: 'f32', kvDtype: 'f32' },
  { name: 'int8, int8 activations, f16 KV', quant: 'int8', activations: 'int8', kvDtype: 'f16' },
  { name: 'int4, f32 activations', quant: 'int4', activations: 'f32', kvDtype: 'f32' },
  { name: 'int4, int8 activations, f16 KV', quant: 'int4', activations: 'int8', kvDtype: 'f16' },
];

/** What `--quant int4` is worth beside plain rounding; asked for where the weights have not been rounded before. */
const nearest: Path = {
  ...{ name: 'int4 by rounding to nearest, f32 activations', plan: nearestPlan },
  ...{ quant: 'int4', activations: 'f32', kvDtype: 'f32' },
};

export const run: RunBench<typeof spec> = async (flags) => {
  const modelPath = await pathOf(flags.model);
  const text = tokenizedText(flags.original ?? modelPath, flags.text, flags.tokens, flags.window);
  console.log(comparisonHeading(text));
  const comparison = new Comparison(text);
  const rows: ComparedRow[] = [];
  let adapter = '';
  const read = async (file: string, { name, ...path }: Path): Promise<void> => {
    const m = await openDeviceModel(file, { ...path, rows: 1, maxLength: text.window });
    adapter = m.adapter;
    rows.push(await comparison.add(name, readText(m, text)));
    m.ops.destroy();
  };
  if (flags.original !== null) await read(flags.original, { ...paths[0], name: 'the original, as the next' });
  for (const path of flags.original === null ? paths : [...paths, nearest]) await read(modelPath, path);
  if (flags.peer !== null) {
    const peer = await loadPeer(flags.peer, modelPath);
    const context = await peer.sequences(1, text.window);
    rows.push(await comparison.add(peer.name, readTextByPeer(context.sequences[0], text)));
    await context.dispose();
  }
  const { ids, window } = text;
  const model = modelPath.split('/').at(-1);
  return { result: { model, tokens: ids.length, window, machine: describeMachine(adapter), rows } };
};
