/** A model on disk: everything that can be known before a weight is read. `inspect` prints it, the loader starts from it. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { EngineError } from '../../errors.ts';
import type { AnyArchitecture } from '../architecture.ts';
import { INDEX, SINGLE, openCheckpoint } from './checkpoint.ts';
import { jsonSource, type ModelConfig } from '../config.ts';
import { ggufGenerationConfig, readGenerationConfig, type GenerationConfig } from '../generation-config.ts';
import { ggufConfigSource } from './gguf-config.ts';
import { ggufTensors } from './gguf-tensors.ts';
import type { GgufMetadata } from './gguf-values.ts';
import { ggufModelName, ggufModels, openGgufParts } from './gguf-parts.ts';
import { notReadable, readJsonFile } from './model-file.ts';
import { unpackedTensors } from './packed/packed-tensors.ts';
import { readPacking } from './packed/quantization-config.ts';
import { architectureOf, ggufArchitectureOf } from '../architectures/registry.ts';
import { isPickled, pickledCheckpoint } from './pickled.ts';
import type { StoredTensor, TensorTable } from './stored-tensor.ts';

export interface OpenModel {
  /** As given to openModel, or the .gguf file found in that directory; of a split one its first part. */
  readonly path: string;
  /** The directory's or file's own name, without `.gguf` and which part it is. */
  readonly name: string;
  readonly format: 'safetensors' | 'gguf';
  readonly architecture: AnyArchitecture;
  readonly config: ModelConfig;
  readonly generationConfig: GenerationConfig;
  readonly tensors: TensorTable;
  /** GGUF: all of the file's metadata, the tokenizer's included. Null for a directory, whose tokenizer is in files. */
  readonly metadata: GgufMetadata | null;
  /** Bytes of the weight files. */
  readonly fileBytes: number;
  /** Closes the files; tensors cannot be read afterwards. */
  close(): void;
}

/** Opens a Hugging Face directory or a .gguf file. All that is wrong with it is an EngineError naming file and key. */
export function openModel(path: string): OpenModel {
  const found = locate(path);
  return found.format === 'gguf' ? openGguf(found.path) : openDirectory(found.path);
}

function openDirectory(directory: string): OpenModel {
  const configPath = join(directory, 'config.json');
  const json = readJsonFile(configPath);
  const modelType = (json as { model_type?: unknown } | null)?.model_type;
  const architecture = architectureOf(modelType, configPath);
  const config = architecture.config(jsonSource(json, configPath));
  const generationConfig = readGenerationConfig(directory, json);
  const packing = readPacking(json, configPath);
  const { files, tensors } = openCheckpoint(directory);
  const close = () => {
    for (const file of files) file.close();
  };
  try {
    const stored = unpackedTensors(tensors, packing, configPath);
    const named = stored.flatMap((tensor) => {
      const name = architecture.tensorName ? architecture.tensorName(tensor.name) : tensor.name;
      return name === null ? [] : [{ ...tensor, name }];
    });
    return {
      path: directory,
      name: basename(directory),
      format: 'safetensors',
      architecture,
      config,
      generationConfig,
      tensors: byName(named, directory),
      metadata: null,
      fileBytes: files.reduce((n, file) => n + file.size, 0),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

function openGguf(path: string): OpenModel {
  const { first, files, gguf } = openGgufParts(path);
  const close = () => {
    for (const file of files) file.close();
  };
  try {
    const { metadata } = gguf;
    const architecture = ggufArchitectureOf(gguf, first.path);
    const mapping = architecture.gguf;
    const source = ggufConfigSource(gguf, first, mapping);
    const config = architecture.config(source);
    const tensors = ggufTensors(gguf.tensors, mapping, source.json);
    return {
      path: first.path,
      name: ggufModelName(path),
      format: 'gguf',
      architecture,
      config,
      generationConfig: ggufGenerationConfig(metadata, first.path),
      tensors: byName(tensors, first.path),
      metadata,
      fileBytes: files.reduce((n, file) => n + file.size, 0),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** A file may hold a tensor under its own name and under the one that this is translated to. */
function byName(tensors: readonly StoredTensor[], path: string): TensorTable {
  const table = new Map<string, StoredTensor>();
  for (const tensor of tensors) {
    if (table.has(tensor.name)) throw notReadable(path, `tensor ${tensor.name} is there under two names`);
    table.set(tensor.name, tensor);
  }
  return table;
}

/** What kind of model `path` is; a directory with nothing but one .gguf file, or its parts, stands for that file. */
function locate(path: string): { path: string; format: 'safetensors' | 'gguf' } {
  if (!existsSync(path))
    throw new EngineError('model_not_readable', `${path}: no such file or directory`, { param: 'model_dir' });
  if (!statSync(path).isDirectory()) {
    if (/\.gguf$/i.test(path)) return { path, format: 'gguf' };
    throw notReadable(path, 'is neither a directory nor a .gguf file; give the directory that holds config.json');
  }
  const names = readdirSync(path);
  const safetensors = [SINGLE, INDEX].filter((name) => names.includes(name));
  const ggufs = ggufModels(names.filter((name) => /\.gguf$/i.test(name)));
  const candidates = [...safetensors, ...ggufs];
  if (candidates.length > 1)
    throw notReadable(path, `holds more than one model (${candidates.join(', ')}); keep one, or give the .gguf file`);
  if (ggufs.length === 1) return { path: join(path, ggufs[0]), format: 'gguf' };
  if (safetensors.length === 1) return { path, format: 'safetensors' };
  const pickled = names.find(isPickled);
  if (pickled !== undefined) throw pickledCheckpoint(path, pickled);
  throw notReadable(path, `holds none of ${SINGLE}, ${INDEX} and *.gguf`);
}
