/**
 * Our readers of model files against `@huggingface/hub`'s and `@huggingface/gguf`'s, over the same files: what a header
 * takes, and how fast all weights come in. The peers read no weights; hub reads over HTTP alone, so it gets a `fetch` that
 * answers from the file.
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gguf } from '@huggingface/gguf';
import { parseSafetensorsMetadata } from '@huggingface/hub';
import { readGguf } from '../../src/model/files/gguf.ts';
import { ModelFile } from '../../src/model/files/model-file.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { readSafetensors } from '../../src/model/files/safetensors.ts';
import type { StoredTensor } from '../../src/model/files/stored-tensor.ts';
import { median } from '../helpers/machine.ts';

export interface ReaderRow {
  readonly format: string;
  readonly megabytes: number;
  readonly tensors: number;
  /** Milliseconds. */
  readonly header: number;
  readonly peer: string;
  readonly peerHeader: number;
  /** All weights as the engine uploads them, MB/s; and the same bytes read without looking at them. */
  readonly weights: number;
  readonly bytes: number;
}

const rounds = 7;
const rowsAtOnce = 64;

export async function compareReaders(ggufPath: string): Promise<ReaderRow[]> {
  const directory = mkdtempSync(join(tmpdir(), 'dawnlight-readers-'));
  try {
    const safetensors = join(directory, 'model.safetensors');
    writeSafetensors(safetensors);
    return [await ggufRow(ggufPath), await safetensorsRow(safetensors)];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function ggufRow(path: string): Promise<ReaderRow> {
  const header = await time(() => void withFile(path, readGguf));
  const peerHeader = await time(() => gguf(path, { allowLocalFile: true }));
  const model = openModel(path);
  const tensors = [...model.tensors.values()];
  const weights = await time(() => readAll(tensors));
  model.close();
  return row('GGUF', path, tensors.length, { header, peer: '@huggingface/gguf', peerHeader, weights });
}

async function safetensorsRow(path: string): Promise<ReaderRow> {
  const header = await time(() => void withFile(path, readSafetensors));
  const fetch = fileFetch(path);
  const peerHeader = await time(() =>
    parseSafetensorsMetadata({ repo: 'bench/model', path: 'model.safetensors', fetch, computeParametersCount: false }),
  );
  const file = new ModelFile(path);
  const tensors = readSafetensors(file);
  const weights = await time(() => readAll(tensors));
  file.close();
  return row('safetensors', path, tensors.length, { header, peer: '@huggingface/hub', peerHeader, weights });
}

async function row(
  format: string,
  path: string,
  tensors: number,
  { weights, ...rest }: Pick<ReaderRow, 'header' | 'peer' | 'peerHeader' | 'weights'>,
): Promise<ReaderRow> {
  const { size } = statSync(path);
  const speed = (milliseconds: number) => size / 1000 / milliseconds;
  const bytes = await time(() => void withFile(path, readBytes));
  return { format, megabytes: size / 1e6, tensors, ...rest, weights: speed(weights), bytes: speed(bytes) };
}

/** Median milliseconds; the first run, which also fills the page cache, does not count. */
async function time(run: () => unknown): Promise<number> {
  await run();
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const begin = performance.now();
    await run();
    times.push(performance.now() - begin);
  }
  return median(times);
}

function withFile<T>(path: string, use: (file: ModelFile) => T): T {
  const file = new ModelFile(path);
  try {
    return use(file);
  } finally {
    file.close();
  }
}

function readAll(tensors: readonly StoredTensor[]): void {
  for (const tensor of tensors) {
    const source = tensor.source();
    for (let at = 0; at < source.rows; at += rowsAtOnce) source.readRows(at, Math.min(rowsAtOnce, source.rows - at));
  }
}

function readBytes(file: ModelFile): void {
  const buffer = new Uint8Array(1 << 20);
  for (let at = 0; at < file.size; at += buffer.length) {
    file.readInto(buffer.subarray(0, Math.min(buffer.length, file.size - at)), at);
  }
}

/** Names and shapes of a Llama of 24 layers, BF16. */
function writeSafetensors(path: string): void {
  const hidden = 512;
  const shapes: [string, number[]][] = [['model.embed_tokens.weight', [32_000, hidden]]];
  for (let layer = 0; layer < 24; layer++) {
    const name = (part: string) => `model.layers.${layer}.${part}.weight`;
    for (const part of ['q_proj', 'k_proj', 'v_proj', 'o_proj']) {
      shapes.push([name(`self_attn.${part}`), [hidden, hidden]]);
    }
    for (const part of ['gate_proj', 'up_proj']) shapes.push([name(`mlp.${part}`), [4 * hidden, hidden]]);
    shapes.push([name('mlp.down_proj'), [hidden, 4 * hidden]]);
    for (const part of ['input_layernorm', 'post_attention_layernorm']) shapes.push([name(part), [hidden]]);
  }
  let end = 0;
  const entries = shapes.map(([name, shape]) => {
    const begin = end;
    end += 2 * shape.reduce((product, n) => product * n, 1);
    return [name, { dtype: 'BF16', shape, data_offsets: [begin, end] }] as const;
  });
  const text = JSON.stringify(Object.fromEntries(entries));
  const header = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = new DataView(new ArrayBuffer(8));
  length.setBigUint64(0, BigInt(header.length), true);
  const fd = openSync(path, 'w');
  for (const part of [new Uint8Array(length.buffer), header]) writeSync(fd, part);
  const block = new Uint8Array(1 << 20).fill(0x3c);
  for (let left = end; left > 0; left -= block.length) writeSync(fd, block, 0, Math.min(left, block.length));
  closeSync(fd);
}

/** Answers range requests for any address from the file. */
function fileFetch(path: string): typeof globalThis.fetch {
  return (_, init) => {
    const range = /^bytes=(\d+)-(\d+)/.exec(new Headers(init?.headers).get('range') ?? '');
    const { size } = statSync(path);
    const from = range ? Number(range[1]) : 0;
    const to = Math.min(size - 1, range ? Number(range[2]) : 0);
    const bytes = new Uint8Array(to - from + 1);
    const fd = openSync(path, 'r');
    readSync(fd, bytes, 0, bytes.length, from);
    closeSync(fd);
    const headers = {
      'content-range': `bytes ${from}-${to}/${size}`,
      'content-length': `${bytes.length}`,
      etag: '"x"',
    };
    return Promise.resolve(new Response(bytes, { status: 206, headers }));
  };
}
