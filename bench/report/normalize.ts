/**
 * A figure beside what the hardware could do at most. Decode reads the weights once a step: its share is of the memory's
 * bandwidth. Prefill and a server under load multiply: 2 operations a parameter and token, and the share is of the peak rate
 * for the type of the factors. Attention and the KV cache are left out, so that shares are a little low.
 */
import type { Published, PublishedRow } from './schema.ts';

export interface NormalizedRow {
  readonly row: PublishedRow;
  readonly model: string;
  readonly hardware: string;
  readonly tokensPerSecond: number;
  readonly of: 'bandwidth' | 'arithmetic';
  /** Of the peak, from 0 to 1. */
  readonly share: number;
  /** The work of prompts is in the share of a server; false where the source does not say how long they are. */
  readonly isWhole: boolean;
}

/** @throws Error that names the row, where it refers to a model, a device or a peak that the tables do not have */
export function normalize(published: Published): NormalizedRow[] {
  return published.rows.map((row) => {
    const model = published.models[row.model];
    const hardware = published.hardware[row.hardware];
    const name = `${row.engine} ${row.model} ${row.hardware}`;
    if (model === undefined || hardware === undefined) throw new Error(`${name}: not in the tables`);
    const tokens = tokensPerSecond(row);
    const common = { row, model: model.name, hardware: hardware.name, tokensPerSecond: tokens };
    if (row.phase === 'decode') {
      const share = ((tokens / row.batch) * row.gigabytes) / (hardware.gbs * row.devices);
      return { ...common, of: 'bandwidth', share, isWhole: true };
    }
    const tflops = hardware.tflops[row.arithmetic];
    if (tflops === undefined) throw new Error(`${name}: no peak for ${row.arithmetic}`);
    const { processed, isWhole } = processedTokens(row, tokens);
    const share = (processed * 2 * model.parameters) / (tflops * 1000 * row.devices);
    return { ...common, of: 'arithmetic', share, isWhole };
  });
}

function tokensPerSecond(row: PublishedRow): number {
  const { figure, unit, load } = row;
  switch (unit) {
    case 'tok/s':
      return figure;
    case 'req/s':
      if (load.input === null || load.output === null) throw new Error(`${row.engine}: requests without lengths`);
      return figure * (load.input + load.output);
    case 'ms/step':
      if (row.phase !== 'decode') throw new Error(`${row.engine}: steps are of decode`);
      return (row.batch / figure) * 1000;
    default:
      return unit satisfies never;
  }
}

/** Tokens a second that went through the model: a server's prompts too. */
function processedTokens(row: PublishedRow, tokens: number): { processed: number; isWhole: boolean } {
  if (row.phase !== 'serving' || row.counts === 'total') return { processed: tokens, isWhole: true };
  const { input, output } = row.load;
  if (input === null || output === null) return { processed: tokens, isWhole: false };
  return { processed: tokens * (1 + input / output), isWhole: true };
}
