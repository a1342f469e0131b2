/** Loading and unloading adapters, with vLLM's field names. */
import { z } from 'zod';
import { neutral, optional, required } from '../schema/fields.ts';

const name = z.string().min(1).max(256);

export const loadAdapterSchema = z.object({
  lora_name: required(name, 'What requests call it, as their model.'),
  lora_path: required(z.string().min(1), 'Directory of peft or .gguf file, on the server.'),
  load_inplace: neutral([false], 'replacing a loaded adapter: unload it first'),
});

export const unloadAdapterSchema = z.object({
  lora_name: required(name, 'Its name. Requests that use it end as they would.'),
  lora_int_id: optional(z.int(), 'Not looked at: names are enough.'),
});
