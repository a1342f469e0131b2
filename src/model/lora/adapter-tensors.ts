/** The two matrices of each layer that an adapter changes, from a peft directory or a GGUF file. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { EngineError } from '../../errors.ts';
import type { GgufMapping } from '../architecture.ts';
import { huggingFaceName } from '../files/gguf-names.ts';
import { readGguf } from '../files/gguf.ts';
import { storedTensor } from '../files/gguf-tensors.ts';
import { ModelFile, notReadable, readJsonFile } from '../files/model-file.ts';
import { readSafetensors } from '../files/safetensors.ts';
import type { StoredTensor } from '../files/stored-tensor.ts';
import { readPeftConfig } from './peft-config.ts';

const CONFIG = 'adapter_config.json';
const WEIGHTS = 'adapter_model.safetensors';

/** `scale · B · A` is added to the layer's matrix. */
export interface AdapterPair {
  /** [rank, in features] */
  readonly a: StoredTensor;
  /** [out features, rank] */
  readonly b: StoredTensor;
  readonly scale: number;
}

export interface AdapterTensors {
  /** The file or directory. */
  readonly path: string;
  /** From llama.cpp's converter: rows lie as in its files (GgufMapping.permutesQK). */
  readonly isGguf: boolean;
  /** By the layer's name in the model's own checkpoint, without `.weight`. */
  readonly pairs: ReadonlyMap<string, AdapterPair>;
  close(): void;
}

/**
 * @param gguf how GGUF files name this model's layers; null: they do not
 * @param nameOf a layer's name as stored → as the architecture has it; null: it has none
 * @throws EngineError model_not_readable, unsupported_model
 */
export function openAdapterTensors(
  path: string,
  gguf: GgufMapping | null,
  nameOf: (stored: string) => string | null,
): AdapterTensors {
  if (!existsSync(path)) throw new EngineError('model_not_readable', `${path}: no such file or directory`);
  const isDirectory = statSync(path).isDirectory();
  if (!isDirectory && /\.gguf$/i.test(path)) return openGguf(path, gguf);
  if (!isDirectory && basename(path) !== WEIGHTS)
    throw notReadable(path, `is neither a .gguf file nor a directory with ${CONFIG} and ${WEIGHTS}`);
  return openPeft(path, isDirectory ? path : dirname(path), nameOf);
}

function openPeft(path: string, directory: string, nameOf: (stored: string) => string | null): AdapterTensors {
  const configPath = join(directory, CONFIG);
  const weightsPath = join(directory, WEIGHTS);
  const config = readPeftConfig(readJsonFile(configPath), configPath);
  if (!existsSync(weightsPath) && existsSync(join(directory, 'adapter_model.bin')))
    throw notReadable(directory, `holds adapter_model.bin but no ${WEIGHTS}; save it with safe_serialization`);
  const file = new ModelFile(weightsPath);
  return closing(file, () => {
    const halves = readSafetensors(file).map((tensor) => {
      const [, layer, half] =
        /^(?:base_model\.model\.)?(.+)\.lora_([AB])(?:\.default)?\.weight$/.exec(tensor.name) ?? [];
      if (layer === undefined) throw unknownTensor(file.path, tensor.name);
      const name = nameOf(`${layer}.weight`);
      if (name === null) throw unknownTensor(file.path, tensor.name);
      return { layer: name.replace(/\.weight$/, ''), stored: layer, isA: half === 'A', tensor };
    });
    const pairs = paired(file.path, halves, ({ stored, tensor }, isA) => {
      const rank = config.rankOf(stored);
      const found = tensor.shape[isA ? 0 : 1];
      if (found !== rank)
        throw notReadable(file.path, `tensor ${tensor.name} is of rank ${found}; ${CONFIG} says ${rank}`);
      return config.scaleOf(stored);
    });
    return { path, isGguf: false, pairs, close: () => file.close() };
  });
}

/** What llama.cpp's convert_lora_to_gguf.py writes. */
function openGguf(path: string, mapping: GgufMapping | null): AdapterTensors {
  const file = new ModelFile(path);
  return closing(file, () => {
    const { metadata, tensors } = readGguf(file);
    const expect = (key: string, wanted: string | undefined) => {
      const value = metadata.get(key);
      if (wanted !== undefined && value === wanted) return;
      const supported = wanted === undefined ? 'none for this model' : wanted;
      throw new EngineError(
        'unsupported_model',
        `${path}: ${key} ${String(value)} is not supported; supported: ${supported}`,
      );
    };
    expect('general.type', 'adapter');
    expect('adapter.type', 'lora');
    expect('general.architecture', mapping?.name);
    const alpha = metadata.get('adapter.lora.alpha');
    if (typeof alpha !== 'number') throw notReadable(path, 'adapter.lora.alpha is missing or no number');
    const halves = tensors.map((info) => {
      const [, stem, half] = /^(.+)\.lora_([ab])$/.exec(info.name) ?? [];
      if (stem === undefined || !mapping) throw unknownTensor(path, info.name);
      const layer = huggingFaceName(stem, mapping).replace(/\.weight$/, '');
      return { layer, stored: layer, isA: half === 'a', tensor: storedTensor(info, info.name) };
    });
    // llama.cpp takes the factor to be 1 where alpha is 0.
    const pairs = paired(path, halves, ({ tensor }, isA) => (alpha === 0 ? 1 : alpha / tensor.shape[isA ? 0 : 1]));
    return { path, isGguf: true, pairs, close: () => file.close() };
  });
}

interface Half {
  readonly layer: string;
  /** The layer's name in the file. */
  readonly stored: string;
  readonly isA: boolean;
  readonly tensor: StoredTensor;
}

function paired(file: string, halves: readonly Half[], scaleOf: (half: Half, isA: boolean) => number) {
  const layers = new Map<string, Half[]>();
  for (const half of halves) layers.set(half.layer, [...(layers.get(half.layer) ?? []), half]);
  const pairs = new Map<string, AdapterPair>();
  for (const [layer, members] of layers) {
    const a = members.filter(({ isA }) => isA);
    const b = members.filter(({ isA }) => !isA);
    if (a.length !== 1 || b.length !== 1)
      throw notReadable(file, `${layer} has ${a.length} matrices A and ${b.length} B; one of each is a product`);
    for (const { tensor } of members)
      if (tensor.shape.length !== 2) throw notReadable(file, `tensor ${tensor.name} is no matrix`);
    scaleOf(b[0], false);
    pairs.set(layer, { a: a[0].tensor, b: b[0].tensor, scale: scaleOf(a[0], true) });
  }
  if (pairs.size === 0) throw notReadable(file, 'holds no adapter');
  return pairs;
}

function unknownTensor(file: string, name: string): EngineError {
  return notReadable(file, `tensor ${name} is no part of an adapter that is computed here`);
}

/** Closes the file where `open` fails. */
function closing<T>(file: ModelFile, open: () => T): T {
  try {
    return open();
  } catch (error) {
    file.close();
    throw error;
  }
}
