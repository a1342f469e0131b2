/** Typed access to GGUF metadata as a plain record; arrays may be plain or typed arrays, numbers may be bigint. */
import { EngineError } from '../../errors.ts';

export type Metadata = Readonly<Record<string, unknown>>;

export function text(metadata: Metadata, key: string): string | null {
  const value = metadata[key];
  return typeof value === 'string' ? value : null;
}

export function flag(metadata: Metadata, name: string): boolean | null {
  const value = metadata[`tokenizer.ggml.${name}`];
  return typeof value === 'boolean' ? value : null;
}

export function specialId(metadata: Metadata, name: string): number | null {
  const value = metadata[`tokenizer.ggml.${name}_token_id`];
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : null;
}

export function stringArray(metadata: Metadata, key: string): readonly string[] | null {
  const value = metadata[key];
  if (value === undefined) return null;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw new EngineError('model_not_readable', `GGUF: metadata key ${key} is not an array of strings`);
}

export function numberArray(metadata: Metadata, key: string, length: number): readonly number[] | null {
  const value = metadata[key];
  if (value === undefined) return null;
  if ((Array.isArray(value) || ArrayBuffer.isView(value)) && 'length' in value && value.length === length)
    return Array.from(value as ArrayLike<unknown>, Number);
  throw new EngineError('model_not_readable', `GGUF: metadata key ${key} is not an array of ${length} numbers`);
}
