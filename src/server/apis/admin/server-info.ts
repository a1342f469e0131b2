/** What the server is and how busy: for routers (SGLang's names), for LightLLM's tools, and /metrics for Prometheus. */
import { z } from 'zod';
import { defaultSamplingParams } from '../../../engine/core/types.ts';
import type { Api } from '../../http/api.ts';
import type { ServerContext } from '../../http/context.ts';

const serverInfoSchema = z
  .object({
    model_id: z.string(),
    model_path: z.string(),
    served_model_name: z.string(),
    dp_size: z.int(),
    tp_size: z.int(),
    max_total_num_tokens: z.int(),
    max_req_total_len: z.int(),
    kv_cache_dtype: z.string().nullable(),
    version: z.string(),
  })
  .loose();
const modelInfoSchema = z.object({ model_path: z.string(), tokenizer_path: z.string(), is_generation: z.boolean() });
const loadSchema = z.object({ current_load: z.number(), logical_max_load: z.number(), dynamic_max_load: z.number() });

export function addServerInfo(api: Api, ctx: ServerContext): void {
  const get = (path: string, summary: string, response: z.ZodType | string, tag: 'Server' | 'LightLLM' = 'Server') =>
    ({ method: 'get', path, summary, tag, response }) as const;

  for (const path of ['/server_info', '/get_server_info']) {
    api.add(get(path, 'The model, its limits and the version.', serverInfoSchema), (c) => c.json(serverInfo(ctx)));
  }
  for (const path of ['/model_info', '/get_model_info']) {
    api.add(get(path, 'Where the model lies.', modelInfoSchema), (c) =>
      c.json({
        model_path: ctx.modelPath,
        tokenizer_path: ctx.modelPath,
        is_generation: !ctx.engine.info.isRewardModel,
      }),
    );
  }
  const nameSchema = z.object({ model_name: z.string() });
  for (const method of ['get', 'post'] as const) {
    const doc = { ...get('/get_model_name', 'The served name.', nameSchema, 'LightLLM'), method };
    api.add(doc, (c) => c.json({ model_name: ctx.modelNames[0] }));
  }
  api.add(get('/version', 'The version.', z.object({ version: z.string() })), (c) => c.json({ version: ctx.version }));
  api.add(
    get('/token_load', 'Share of the KV slots that running requests hold.', loadSchema, 'LightLLM'),
    async (c) => {
      const { totalSlots, freeSlots, cachedSlots } = await ctx.engine.stats();
      const load = totalSlots === 0 ? 0 : (totalSlots - freeSlots - cachedSlots) / totalSlots;
      return c.json({ current_load: load, logical_max_load: load, dynamic_max_load: load });
    },
  );
  api.add(get('/metrics', 'Prometheus metrics.', 'text/plain'), async (c) => {
    const { text, contentType } = await ctx.metrics.page();
    return c.body(text, 200, { 'content-type': contentType });
  });
}

function serverInfo(ctx: ServerContext): z.output<typeof serverInfoSchema> {
  const { info } = ctx.engine;
  return {
    model_id: ctx.modelNames[0],
    model_path: ctx.modelPath,
    served_model_name: ctx.modelNames[0],
    dp_size: 1,
    tp_size: 1,
    max_total_num_tokens: info.maxTotalTokenNum,
    max_req_total_len: info.maxModelLen,
    kv_cache_dtype: info.memory?.kvDtype ?? null,
    version: ctx.version,
    architecture: info.architecture,
    adapter: info.adapter,
    sampling_defaults: { ...samplingFields(ctx), source: ctx.samplingSource },
    tool_call_parser: ctx.formats.toolCallParser,
    reasoning_parser: ctx.formats.reasoningParser,
    embedding: { dimensions: info.hiddenSize, pooling: ctx.settings.embeddingPooling, normalized: true },
  };
}

/** What a request gets that says nothing, by the API's names. */
function samplingFields(ctx: ServerContext) {
  const all = { ...defaultSamplingParams, ...ctx.samplingDefaults };
  return {
    temperature: all.temperature,
    top_p: all.topP,
    top_k: all.topK,
    min_p: all.minP,
    repetition_penalty: all.repetitionPenalty,
  };
}
