/** What config.json says of a checkpoint whose linear layers were quantized by other tools. */
import { z } from 'zod';
import { EngineError, oneLine } from '../../../errors.ts';
import { parseKeys, unsupported } from '../../config.ts';
import { awq } from './awq.ts';
import { bitsandbytes } from './bitsandbytes.ts';
import { columnsPacked } from './columns-packed.ts';
import { readCompressedTensors } from './compressed-tensors-config.ts';
import { fp8 } from './fp8.ts';
import { gptq } from './gptq.ts';
import { mxfp4 } from './mxfp4.ts';
import type { Packing } from './packing.ts';
import { torchao } from './torchao.ts';

const groupSize = z.union([z.literal(-1), z.int().positive()]).transform((n) => (n === -1 ? null : n));

const methodKeys = z.object({ quant_method: z.string() });
const awqKeys = z.object({
  bits: z.int(),
  group_size: groupSize,
  version: z.string().default('gemm'),
  zero_point: z.boolean().default(true),
});
const gptqKeys = z.object({
  bits: z.int(),
  group_size: groupSize,
  checkpoint_format: z.string().default('gptq'),
});
const fp8Keys = z.object({
  fmt: z.string().default('e4m3'),
  weight_block_size: z.tuple([z.int().positive(), z.int().positive()]).nullish(),
});

const KEY = 'quantization_config';

/** `quant_method` → what reads it. */
const methods: Readonly<Record<string, (config: unknown, file: string) => Packing>> = {
  awq: awqPacking,
  gptq: gptqPacking,
  'compressed-tensors': (config, file) => readCompressedTensors(config, file, KEY),
  fp8: fp8Packing,
  fbgemm_fp8: () => fp8('.weight_scale', null),
  bitsandbytes: () => bitsandbytes,
  torchao: () => torchao,
  mxfp4: () => mxfp4,
};

/**
 * `quantization_config` of a config.json; null where there is none. Whether a layer is packed is said by its tensors, and so
 * are the order of its columns (`desc_act`) and whether it is symmetric (`sym`).
 *
 * @throws EngineError unsupported_model for a method or a variant that is not read
 */
export function readPacking(json: unknown, file: string): Packing | null {
  const config = (json as Record<string, unknown> | null)?.[KEY];
  if (config === undefined || config === null) return null;
  const { quant_method: method } = parseKeys(methodKeys, config, file, KEY);
  if (Object.hasOwn(methods, method)) return methods[method](config, file);
  const shown = oneLine(JSON.stringify(method));
  throw new EngineError(
    'unsupported_model',
    `${file}: ${KEY}.quant_method ${shown} is not supported; supported: ${Object.keys(methods).join(', ')}; or use the float checkpoint (with --quant int8 or int4) or a GGUF file`,
  );
}

function awqPacking(config: unknown, file: string): Packing {
  const c = parseKeys(awqKeys, config, file, KEY);
  const version = c.version.toLowerCase();
  if (version !== 'gemm') throw unsupported(file, `${KEY}.version`, c.version, ['gemm']);
  if (c.bits !== 4) throw unsupported(file, `${KEY}.bits`, c.bits, ['4']);
  if (!c.zero_point) throw unsupported(file, `${KEY}.zero_point`, c.zero_point, ['true']);
  return columnsPacked(awq, c.group_size);
}

function gptqPacking(config: unknown, file: string): Packing {
  const c = parseKeys(gptqKeys, config, file, KEY);
  const { bits, checkpoint_format: format } = c;
  if (format !== 'gptq' && format !== 'gptq_v2')
    throw unsupported(file, `${KEY}.checkpoint_format`, format, ['gptq', 'gptq_v2']);
  if (bits !== 4 && bits !== 8) throw unsupported(file, `${KEY}.bits`, bits, ['4', '8']);
  return columnsPacked(gptq(bits, format === 'gptq' ? 1 : 2), c.group_size);
}

function fp8Packing(config: unknown, file: string): Packing {
  const c = parseKeys(fp8Keys, config, file, KEY);
  if (c.fmt !== 'e4m3') throw unsupported(file, `${KEY}.fmt`, c.fmt, ['e4m3']);
  return fp8('.weight_scale_inv', c.weight_block_size ?? null);
}
