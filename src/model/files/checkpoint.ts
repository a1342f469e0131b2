/** The safetensors files of a Hugging Face directory: one `model.safetensors`, or shards and their index. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { parseKeys } from '../config.ts';
import { ModelFile, notReadable, readJsonFile } from './model-file.ts';
import { readSafetensors, type SafetensorsTensor } from './safetensors.ts';

export const SINGLE = 'model.safetensors';
export const INDEX = 'model.safetensors.index.json';

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

export interface Checkpoint {
  readonly files: readonly ModelFile[];
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>;
}

/** Opens every file and reads its header; closes what it opened when one of them is bad. */
export function openCheckpoint(directory: string): Checkpoint {
  const files: ModelFile[] = [];
  try {
    return existsSync(join(directory, INDEX)) ? openShards(directory, files) : openSingle(directory, files);
  } catch (error) {
    for (const file of files) file.close();
    throw error;
  }
}

function openSingle(directory: string, files: ModelFile[]): Checkpoint {
  const file = new ModelFile(join(directory, SINGLE));
  files.push(file);
  return { files, tensors: new Map(readSafetensors(file).map((tensor) => [tensor.name, tensor])) };
}

function openShards(directory: string, files: ModelFile[]): Checkpoint {
  const indexPath = join(directory, INDEX);
  const { weight_map } = parseKeys(indexSchema, readJsonFile(indexPath), indexPath);
  const shards = new Set(Object.values(weight_map));
  for (const name of shards)
    if (!isFileName(name))
      throw notReadable(indexPath, `weight_map: ${JSON.stringify(name)} is not a file name in this directory`);
  // All are opened before one is read: a file that is missing says more than the tensors that are not in the others.
  for (const name of shards) files.push(new ModelFile(join(directory, name)));
  const tensors = new Map<string, SafetensorsTensor>();
  for (const file of files) {
    const name = basename(file.path);
    for (const tensor of readSafetensors(file)) {
      const listed = Object.hasOwn(weight_map, tensor.name) ? weight_map[tensor.name] : undefined;
      if (listed !== name)
        throw notReadable(file.path, `tensor ${tensor.name} is here but the index puts it in ${listed ?? 'no file'}`);
      tensors.set(tensor.name, tensor);
    }
  }
  for (const [name, file] of Object.entries(weight_map))
    if (!tensors.has(name)) throw notReadable(indexPath, `tensor ${name} should be in ${file} but is not`);
  return { files, tensors };
}

function isFileName(name: string): boolean {
  return name !== '' && name !== '..' && basename(name) === name && !/\p{Cc}/u.test(name) && name.length <= 255;
}
