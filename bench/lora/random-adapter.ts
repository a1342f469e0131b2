/** A peft directory with a random adapter of all linear layers of a model. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openModel } from '../../src/model/files/open-model.ts';
import { adaptedLinears } from '../../src/model/weights/spec.ts';
import { f32ToF16 } from '../../src/tensor/f16.ts';

/** Values of the same few: what they are costs nothing, and making them little. */
const values = Uint16Array.from({ length: 4099 }, (_, i) => f32ToF16(Math.sin(i * i) * 0.02));

export function writeRandomAdapter(directory: string, modelPath: string, rank: number): void {
  const model = openModel(modelPath);
  const leaves = adaptedLinears(model.architecture.weights(model.config));
  model.close();
  const header: Record<string, object> = {};
  let end = 0;
  const add = (name: string, shape: readonly [number, number]): void => {
    const start = end;
    end += shape[0] * shape[1] * 2;
    header[`base_model.model.${name}.weight`] = { dtype: 'F16', shape, data_offsets: [start, end] };
  };
  for (const leaf of leaves) {
    for (const { name, rows } of leaf.parts) {
      add(`${name}.lora_A`, [rank, leaf.cols]);
      add(`${name}.lora_B`, [rows, rank]);
    }
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const data = Uint16Array.from({ length: end / 2 }, (_, i) => values[i % values.length]);
  mkdirSync(directory, { recursive: true });
  const config = { peft_type: 'LORA', r: rank, lora_alpha: rank, bias: 'none' };
  writeFileSync(join(directory, 'adapter_config.json'), JSON.stringify(config));
  writeFileSync(join(directory, 'adapter_model.safetensors'), Buffer.concat([length, text, Buffer.from(data.buffer)]));
}
