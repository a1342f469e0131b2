/**
 * Perplexity and mean KL divergence of every weight format and activation path on a fixed text, against the stored
 * weights with f32 activations, beside llama.cpp on the same file.
 */
import { readFileSync } from 'node:fs';
import { openModel } from '../../src/model/files/open-model.ts';
import { tokenizerFromGguf } from '../../src/text/tokenizer/load-tokenizer.ts';
import type { RunBench } from '../helpers/declare.ts';
import { batchOf, openDeviceModel, type DeviceModel, type DeviceModelOptions } from '../helpers/device-model.ts';
import { describeMachine } from '../helpers/machine.ts';
import { modelPath as pathOf } from '../helpers/model.ts';
import { loadPeer } from '../helpers/peer.ts';
import { Divergence, logProbabilities } from './divergence.ts';
import type { spec } from './flags.ts';

/** Tokens whose logits are computed in one step. */
const chunk = 64;
/** llama.cpp's names, of keys and values alike. */
const peerKVTypes = ['F16', 'Q8_0', 'Q4_0'];

export const run: RunBench<typeof spec> = async (flags) => {
  const { window } = flags;
  const modelPath = await pathOf(flags.model);
  const opened = openModel(modelPath);
  const tokenizer = tokenizerFromGguf(Object.fromEntries(opened.metadata ?? []));
  opened.close();
  const ids = tokenizer.encode(readFileSync(flags.text, 'utf8')).slice(0, flags.tokens);

  /** Calls `use` with the log probabilities [count, V] after each token of the text, window by window, chunk by chunk. */
  async function forEachChunk(use: (start: number, end: number, windowStart: number) => Promise<void>): Promise<void> {
    for (let windowStart = 0; windowStart < ids.length; windowStart += window) {
      const windowEnd = Math.min(windowStart + window, ids.length);
      for (let start = windowStart; start < windowEnd; start += chunk) {
        await use(start, Math.min(start + chunk, windowEnd), windowStart);
      }
    }
  }

  async function logProbs(m: DeviceModel, start: number, end: number, windowStart: number): Promise<Float32Array> {
    const batch = batchOf(m.kv, [{ row: 0, start: start - windowStart, ids: ids.slice(start, end) }], 'all');
    const step = m.ops.beginStep(batch, m.kv);
    const logits = (await m.ops.read(m.model.forward(m.ops, step, m.kv).logits!)) as Float32Array;
    m.ops.endStep();
    return logProbabilities(logits, logits.length / (end - start));
  }

  const common = { rows: 1, maxLength: window };
  const reference = await openDeviceModel(modelPath, {
    quant: 'stored',
    activations: 'f32',
    kvDtype: 'f32',
    ...common,
  });
  const kvPaths = (['f16', 'int8', 'int4'] as const).map((kvDtype) => ({
    ...({ name: `stored, f32 activations, ${kvDtype} KV`, quant: 'stored', activations: 'f32', kvDtype } as const),
  }));
  const allPaths: (Omit<DeviceModelOptions, 'rows' | 'maxLength'> & { name: string })[] = [
    { name: 'stored, f32 activations, f16 KV', quant: 'stored', activations: 'f32', kvDtype: 'f16' },
    { name: 'stored, int8 activations, f16 KV', quant: 'stored', activations: 'int8', kvDtype: 'f16' },
    { name: 'int8, f32 activations', quant: 'int8', activations: 'f32', kvDtype: 'f32' },
    { name: 'int8, int8 activations, f16 KV', quant: 'int8', activations: 'int8', kvDtype: 'f16' },
    { name: 'int4, f32 activations', quant: 'int4', activations: 'f32', kvDtype: 'f32' },
    { name: 'int4, int8 activations, f16 KV', quant: 'int4', activations: 'int8', kvDtype: 'f16' },
  ];

  const rows: { path: string; perplexity: number; ratio: number; kl: number; top1: number }[] = [];
  let basePerplexity = NaN;
  function report(path: string, d: Divergence): void {
    const row = { path, perplexity: d.perplexity, ratio: d.perplexity / basePerplexity, kl: d.meanKl, top1: d.sameTop };
    rows.push(row);
    const figures = [d.perplexity.toFixed(4), row.ratio.toFixed(4), d.meanKl.toExponential(2), d.sameTop.toFixed(4)];
    console.log(`${path.padEnd(60)} ${figures.map((s) => s.padStart(10)).join(' ')}`);
  }

  console.log(`${ids.length} tokens, windows of ${window}; perplexity, ratio, mean KL, share of equal top tokens`);
  const base: Float32Array[] = [];
  const own = new Divergence(ids);
  await forEachChunk(async (start, end, windowStart) => {
    const p = await logProbs(reference, start, end, windowStart);
    base.push(p);
    own.add(p, p, start, end, window);
  });
  basePerplexity = own.perplexity;
  report('stored, f32 activations, f32 KV (reference)', own);
  reference.ops.destroy();

  for (const { name, ...path } of flags.kv ? kvPaths : allPaths) {
    const candidate = await openDeviceModel(modelPath, { ...path, ...common });
    const d = new Divergence(ids);
    let at = 0;
    await forEachChunk(async (start, end, windowStart) => {
      d.add(base[at++], await logProbs(candidate, start, end, windowStart), start, end, window);
    });
    report(name, d);
    candidate.ops.destroy();
  }

  const peer = flags.peer === null ? null : await loadPeer(flags.peer, modelPath);
  for (const kvType of peer ? (flags.kv ? peerKVTypes : [null]) : []) {
    const context = await peer!.sequences(1, window, kvType);
    const [sequence] = context.sequences;
    const d = new Divergence(ids);
    let at = 0;
    await forEachChunk(async (start, end, windowStart) => {
      if (start === windowStart) await sequence.clearHistory();
      const output = await sequence.controlledEvaluate(
        ids.slice(start, end).map((id) => [id, { generateNext: { logits: true } }]),
      );
      const vocabulary = base[at].length / (end - start);
      const logits = new Float32Array(base[at].length);
      output.forEach((o, i) => o?.next.logits?.forEach((value, id) => (logits[i * vocabulary + id] = value)));
      d.add(base[at++], logProbabilities(logits, vocabulary), start, end, window);
    });
    report(kvType === null ? peer!.name : `${peer!.name}, ${kvType} KV`, d);
    await context.dispose();
  }

  const machine = describeMachine(reference.adapter);
  return { result: { model: modelPath.split('/').at(-1), tokens: ids.length, window, machine, rows } };
};
