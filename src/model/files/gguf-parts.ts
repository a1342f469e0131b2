/**
 * GGUF files that llama.cpp's gguf-split has cut: NAME-00001-of-00003.gguf and so on, side by side in a directory. The first part
 * has the metadata, every part the keys split.no (from 0), split.count and split.tensors.count (of all parts).
 */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readGguf, type Gguf } from './gguf.ts';
import { ModelFile, notReadable } from './model-file.ts';

/** What a file's name says of its part: NAME, which one from 1 on, and of how many. */
interface PartName {
  readonly name: string;
  readonly part: number;
  readonly count: number;
}

const pattern = /^(.+)-(\d{5})-of-(\d{5})(\.gguf)$/i;

function partName(path: string): PartName | null {
  const [, name, part, count] = pattern.exec(basename(path)) ?? [];
  return name === undefined ? null : { name, part: Number(part), count: Number(count) };
}

/** The name of the model in a .gguf file: without its ending and without what says which part it is. */
export function ggufModelName(path: string): string {
  return partName(path)?.name ?? basename(path).replace(/\.gguf$/i, '');
}

/** The same for all parts of a model in a folder, and for no other file. */
function modelOf(path: string): string {
  const part = partName(path);
  return part ? join(dirname(path), `${part.name} of ${part.count}`) : path;
}

/** One path for each model among these .gguf files: of a split one the first part that is there. */
export function ggufModels(paths: readonly string[]): string[] {
  const models = new Map<string, string>();
  for (const path of [...paths].sort()) if (!models.has(modelOf(path))) models.set(modelOf(path), path);
  return [...models.values()];
}

/** Those of the .gguf files that are of the same model as `path`, in their order. */
export function ggufPartsOf(path: string, paths: readonly string[]): string[] {
  return paths.filter((other) => modelOf(other) === modelOf(path)).sort();
}

export interface GgufModel {
  /** The file that has the metadata. */
  readonly first: ModelFile;
  /** All that are open. */
  readonly files: readonly ModelFile[];
  /** Metadata of the first part, tensors of all. */
  readonly gguf: Gguf;
}

/** Opens a .gguf file or, given any part of a split one, all of its parts; closes what it opened when one of them is bad. */
export function openGgufParts(path: string): GgufModel {
  const files: ModelFile[] = [];
  const open = (part: string) => {
    const file = new ModelFile(part);
    files.push(file);
    return file;
  };
  try {
    const given = open(path);
    const gguf = readGguf(given);
    const count = splitKey(gguf, given, 'split.count') ?? 0;
    if (count <= 1) return { first: given, files, gguf };
    const parts = partPaths(path, count).map((part) => {
      if (part === path) return { file: given, gguf };
      const file = open(part);
      return { file, gguf: readGguf(file) };
    });
    return { first: parts[0].file, files, gguf: joined(parts) };
  } catch (error) {
    for (const file of files) file.close();
    throw error;
  }
}

/** Paths of all parts, which are there. */
function partPaths(path: string, count: number): string[] {
  const named = partName(path);
  if (named?.count !== count)
    throw notReadable(
      path,
      `split.count is ${count}, but the file is not named NAME-${digits(1)}-of-${digits(count)}.gguf`,
    );
  if (named.part < 1 || named.part > count) throw notReadable(path, `there is no part ${named.part} of ${count}`);
  return Array.from({ length: count }, (_, i) => {
    const part = join(dirname(path), basename(path).replace(pattern, `$1-${digits(i + 1)}-of-$3$4`));
    if (i + 1 === named.part) return path;
    if (!existsSync(part)) throw notReadable(part, `no such file: it is part ${i + 1} of ${count} of the model`);
    return part;
  });
}

function digits(n: number): string {
  return String(n).padStart(5, '0');
}

function joined(parts: readonly { file: ModelFile; gguf: Gguf }[]): Gguf {
  const names = new Set<string>();
  for (const [i, { file, gguf }] of parts.entries()) {
    for (const [key, expected] of [['split.no', i] as const, ['split.count', parts.length] as const]) {
      const value = splitKey(gguf, file, key);
      if (value !== expected) throw notReadable(file.path, `${key} is ${String(value)}; ${expected} was expected`);
    }
    for (const { name } of gguf.tensors) {
      if (names.has(name)) throw notReadable(file.path, `tensor ${name} is in another part too`);
      names.add(name);
    }
  }
  const [{ file, gguf }] = parts;
  const total = splitKey(gguf, file, 'split.tensors.count');
  if (total !== undefined && total !== names.size)
    throw notReadable(file.path, `split.tensors.count is ${total}, but the parts hold ${names.size} tensors`);
  return { ...gguf, tensors: parts.flatMap((part) => part.gguf.tensors) };
}

function splitKey({ metadata }: Gguf, { path }: ModelFile, key: string): number | undefined {
  const value = metadata.get(key);
  if (value === undefined || (typeof value === 'number' && Number.isInteger(value) && value >= 0)) return value;
  throw notReadable(path, `metadata ${key} is not a count`);
}
