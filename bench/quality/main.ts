/**
 * Perplexity and mean KL divergence of every weight format and activation path on a fixed text, against the stored
 * weights with f32 activations, beside llama.cpp on the same file.
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

export const run: RunBench<typeof spec> = async (flags) => {
  const modelPath = await pathOf(flags.model);
  const text = tokenizedText(modelPath, flags.text, flags.tokens, flags.window);
  console.log(comparisonHeading(text));
  const comparison = new Comparison(text);
  const rows: ComparedRow[] = [];
  let adapter = '';
  for (const { name, ...path } of paths) {
    const m = await openDeviceModel(modelPath, { ...path, rows: 1, maxLength: text.window });
    adapter = m.adapter;
    rows.push(await comparison.add(name, readText(m, text)));
    m.ops.destroy();
  }
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
