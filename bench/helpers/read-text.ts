/** What a model expects behind each token of a text, for comparisons of one computation of it with another. */
import { readFileSync } from 'node:fs';
import { openModel } from '../../src/model/files/open-model.ts';
import { tokenizerFromGguf } from '../../src/text/tokenizer/load-tokenizer.ts';
import { batchOf, type DeviceModel } from './device-model.ts';
import { Divergence, logProbabilities } from './divergence.ts';
import type { PeerSequence } from './peer.ts';

/** Tokens of a text, read in windows that each start afresh. */
export interface TokenizedText {
  readonly ids: readonly number[];
  readonly window: number;
}

/** Log-probabilities [end - start, V] of what follows tokens start … end - 1. */
interface Part {
  readonly start: number;
  readonly end: number;
  readonly logProbs: Float32Array;
}

/** Tokens whose logits are computed in one step. */
const CHUNK = 64;

/** @param model a .gguf file, by whose tokenizer the text is split */
export function tokenizedText(model: string, file: string, tokens: number, window: number): TokenizedText {
  const opened = openModel(model);
  const tokenizer = tokenizerFromGguf(Object.fromEntries(opened.metadata ?? []));
  opened.close();
  return { ids: tokenizer.encode(readFileSync(file, 'utf8')).slice(0, tokens), window };
}

function* chunks({ ids, window }: TokenizedText): Generator<{ start: number; end: number; windowStart: number }> {
  for (let windowStart = 0; windowStart < ids.length; windowStart += window) {
    const windowEnd = Math.min(windowStart + window, ids.length);
    for (let start = windowStart; start < windowEnd; start += CHUNK) {
      yield { start, end: Math.min(start + CHUNK, windowEnd), windowStart };
    }
  }
}

export async function* readText(m: DeviceModel, text: TokenizedText): AsyncGenerator<Part> {
  for (const { start, end, windowStart } of chunks(text)) {
    const ids = text.ids.slice(start, end);
    const step = m.ops.beginStep(batchOf(m.kv, [{ row: 0, start: start - windowStart, ids }], 'all'), m.kv);
    const logits = (await m.ops.read(m.model.forward(m.ops, step, m.kv).logits!)) as Float32Array;
    m.ops.endStep();
    yield { start, end, logProbs: logProbabilities(logits, logits.length / ids.length) };
  }
}

/** Of the token behind each position that was evaluated with logits, [positions, vocabulary]. */
export function peerLogProbabilities(output: Awaited<ReturnType<PeerSequence['controlledEvaluate']>>): Float32Array {
  const rows = output.map((o) => o?.next.logits ?? new Map<number, number>());
  const vocabulary = rows[0].size;
  const logits = new Float32Array(rows.length * vocabulary);
  rows.forEach((row, i) => row.forEach((value, id) => (logits[i * vocabulary + id] = value)));
  return logProbabilities(logits, vocabulary);
}

export async function* readTextByPeer(sequence: PeerSequence, text: TokenizedText): AsyncGenerator<Part> {
  for (const { start, end, windowStart } of chunks(text)) {
    if (start === windowStart) await sequence.clearHistory();
    const output = await sequence.controlledEvaluate(
      text.ids.slice(start, end).map((id) => [id, { generateNext: { logits: true } }]),
    );
    yield { start, end, logProbs: peerLogProbabilities(output) };
  }
}

/** How far readings are from the first one. */
export class Comparison {
  readonly #text: TokenizedText;
  readonly #base: Part[] = [];
  #perplexity = NaN;

  constructor(text: TokenizedText) {
    this.#text = text;
  }

  /** The first call's reading is what later ones are compared with. */
  async add(name: string, reading: AsyncIterable<Part>): Promise<ComparedRow> {
    const { ids, window } = this.#text;
    const isFirst = this.#base.length === 0;
    const divergence = new Divergence(ids);
    let at = 0;
    for await (const part of reading) {
      if (isFirst) this.#base.push(part);
      divergence.add(this.#base[at++].logProbs, part.logProbs, part.start, part.end, window);
    }
    const { perplexity, meanKl: kl, sameTop: top1 } = divergence;
    if (isFirst) this.#perplexity = perplexity;
    const row = { path: name, perplexity, ratio: perplexity / this.#perplexity, kl, top1 };
    const figures = [perplexity.toFixed(4), row.ratio.toFixed(4), kl.toExponential(2), top1.toFixed(4)];
    console.log(`${name.padEnd(60)} ${figures.map((s) => s.padStart(10)).join(' ')}`);
    return row;
  }
}

export interface ComparedRow {
  readonly path: string;
  readonly perplexity: number;
  /** Of perplexities. */
  readonly ratio: number;
  /** Mean Kullback–Leibler divergence. */
  readonly kl: number;
  /** Share of positions with the same likeliest token. */
  readonly top1: number;
}

export const comparisonHeading = ({ ids, window }: TokenizedText): string =>
  `${ids.length} tokens, windows of ${window}; perplexity, ratio, mean KL, share of equal top tokens`;
