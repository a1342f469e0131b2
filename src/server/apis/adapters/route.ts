/** POST /v1/load_lora_adapter and /v1/unload_lora_adapter, as vLLM has them. */
import { EngineError } from '../../../errors.ts';
import type { Api } from '../../http/api.ts';
import type { ServerContext } from '../../http/context.ts';
import { loadAdapterSchema, unloadAdapterSchema } from './schema.ts';

export function addAdapters(api: Api, ctx: ServerContext): void {
  const load = {
    method: 'post',
    path: '/v1/load_lora_adapter',
    summary: 'Load a LoRA adapter, which requests then name as their model.',
    tag: 'Server',
    body: loadAdapterSchema,
    example: { lora_name: 'sql', lora_path: '/models/sql-lora' },
    response: 'text/plain',
  } as const;
  api.add(load, async (c, { lora_name, lora_path }) => {
    if (ctx.modelNames.includes(lora_name)) {
      const message = `lora_name: ${JSON.stringify(lora_name)} is a name of the model itself.`;
      throw new EngineError('invalid_value', message, { param: 'lora_name' });
    }
    await loadOrSay(ctx, lora_name, lora_path);
    return c.text(`Success: LoRA adapter '${lora_name}' added successfully.`);
  });

  const unload = {
    method: 'post',
    path: '/v1/unload_lora_adapter',
    summary: 'Unload a LoRA adapter; requests that use it end as they would.',
    tag: 'Server',
    body: unloadAdapterSchema,
    example: { lora_name: 'sql' },
    response: 'text/plain',
  } as const;
  api.add(unload, async (c, { lora_name }) => {
    await ctx.engine.unloadAdapter(lora_name);
    return c.text(`Success: LoRA adapter '${lora_name}' removed successfully.`);
  });
}

/** What is wrong with the files is the caller's to know: the path came from there. */
async function loadOrSay(ctx: ServerContext, name: string, path: string): Promise<void> {
  try {
    await ctx.engine.loadAdapter(name, path);
  } catch (error) {
    const isFiles = error instanceof EngineError && ['model_not_readable', 'unsupported_model'].includes(error.code);
    if (!isFiles) throw error;
    throw new EngineError('invalid_value', error.message, { param: 'lora_path', cause: error });
  }
}
