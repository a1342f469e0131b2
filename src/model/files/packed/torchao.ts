/**
 * torchao's plain layouts, as transformers writes them to safetensors: a linear layer's tensor is taken apart into
 * `NAME._weight_qdata`, `NAME._weight_scale` and so on, and `__metadata__` of the file says of which type it was.
 * Source: torchao, prototype/safetensors and quantization/quantize_/workflows.
 */
import { z } from 'zod';
import { parseKeys, unsupported } from '../../config.ts';
import { parseJson } from '../model-file.ts';
import type { SafetensorsTensor } from '../safetensors.ts';
import type { Packing } from './packing.ts';
import { fp8Layer, int8Layer } from './row-codes.ts';

const QDATA = '._weight_qdata';
const size = z.int().positive();
const typeKeys = z.object({ _type: z.string() });
const dataKeys = z.object({
  _data: z.object({
    block_size: z.tuple([size, size]).nullish(),
    target_dtype: z.object({ _data: z.string().regex(/^int[1-8]$/) }).default({ _data: 'int8' }),
  }),
});

/** Type in torchao → what its codes are; those of four bits may take a byte each (IntxUnpackedToInt8Tensor). */
const codes: Readonly<Record<string, 'I8' | 'F8_E4M3'>> = {
  Int8Tensor: 'I8',
  IntxUnpackedToInt8Tensor: 'I8',
  Float8Tensor: 'F8_E4M3',
};

export const torchao: Packing = {
  suffixOf: ({ name }) => (name.endsWith(QDATA) ? QDATA : null),
  weight: (weight, parts) => {
    const { type, block, bits } = layout(weight, `${parts.name}.weight`);
    parts.take(QDATA, { dtypes: [codes[type]] });
    if (parts.has('._weight_act_pre_scale'))
      throw unsupported(weight.file, `tensor ${parts.name}._weight_act_pre_scale`, type, ['layers without it']);
    const scale = parts.take('._weight_scale');
    if (type === 'Float8Tensor') return fp8Layer({ weight, scale, block }, parts);
    const zeroPoint = parts.takeIfThere('._weight_zero_point', { dtypes: ['I8'], shape: scale.shape, why: 'scales' });
    return int8Layer({ weight, scale, zeroPoint, block }, parts, bits);
  },
  unused: /\._weight_act_quant_(scale|zero_point)$/,
};

/** @param name of the tensor before it was taken apart */
function layout(weight: SafetensorsTensor, name: string) {
  const where = `${weight.file}: __metadata__.${name}`;
  const said = parseJson(weight.fileMetadata[name] ?? '{}', where);
  const { _type: type } = parseKeys(typeKeys, said, where);
  if (!Object.hasOwn(codes, type))
    throw unsupported(weight.file, `__metadata__.${name}._type`, type, Object.keys(codes));
  const { block_size: block = null, target_dtype: target } = parseKeys(dataKeys, said, where)._data;
  return { type, block, bits: Number(target._data.slice('int'.length)) };
}
