/** What config.json says of a compressed-tensors checkpoint: whether all of it can be read. */
import { z } from 'zod';
import { isObject, parseKeys, unsupported } from '../../config.ts';
import { compressedTensors } from './compressed-tensors.ts';
import type { Packing } from './packing.ts';

const formats = ['pack-quantized', 'int-quantized', 'float-quantized', 'naive-quantized', 'mixed-precision', 'dense'];
const strategies = ['tensor', 'channel', 'group', 'block'];

const weightKeys = z.object({
  type: z.string().default('int'),
  num_bits: z.int().default(8),
  strategy: z.string().nullish(),
  block_structure: z.tuple([z.int().positive(), z.int().positive()]).nullish(),
});
const groupKeys = z.object({ weights: weightKeys.nullish(), format: z.string().nullish() });
const keys = z.object({
  format: z.string().default('dense'),
  config_groups: z.record(z.string(), groupKeys),
  sparsity_config: z.object({ format: z.string().default('dense') }).nullish(),
  transform_config: z.unknown().optional(),
});

/**
 * @param key what config.json calls `config`
 * @throws EngineError unsupported_model for a format that is not read
 */
export function readCompressedTensors(config: unknown, file: string, key: string): Packing {
  const c = parseKeys(keys, config, file, key);
  const requireOneOf = (path: string, value: string | number, supported: readonly string[]) => {
    if (!supported.includes(String(value))) throw unsupported(file, `${key}.${path}`, value, supported);
  };
  requireOneOf('format', c.format, formats);
  requireOneOf('sparsity_config.format', c.sparsity_config?.format ?? 'dense', ['dense']);
  if (isObject(c.transform_config) && Object.keys(c.transform_config as object).length > 0)
    throw unsupported(file, `${key}.transform_config`, c.transform_config, ['null']);
  let block: readonly [number, number] | null = null;
  for (const [name, { weights, format }] of Object.entries(c.config_groups)) {
    const path = `config_groups.${name}`;
    requireOneOf(`${path}.format`, format ?? c.format, formats);
    if (!weights) continue;
    const { type, num_bits: bits, strategy, block_structure } = weights;
    requireOneOf(`${path}.weights.type`, type, ['int', 'float']);
    requireOneOf(`${path}.weights.num_bits`, bits, type === 'int' ? ['4', '8'] : ['8']);
    requireOneOf(`${path}.weights.strategy`, strategy ?? 'tensor', strategies);
    block ??= block_structure ?? null;
  }
  return compressedTensors(block);
}
