/**
 * `dawnlight inspect`: what a model on disk is, and what `serve` would make of it on this machine's adapter with the same
 * flags. Reads no weights.
 */
import type { EngineConfig, ServerConfig } from '../config.ts';
import { adapterFacts } from '../engine/running/adapter-facts.ts';
import { withMerged } from '../engine/adapters/plan-adapters.ts';
import { planEngine } from '../engine/running/plan-engine.ts';
import type { StateSpec } from '../engine/core/types.ts';
import type { KVCacheSpec } from '../kernels/ops.ts';
import { openGpu } from '../gpu/device.ts';
import { kvBytesPerToken, stateBytesPerRow } from '../model/cache-plan.ts';
import { openModel, type OpenModel } from '../model/files/open-model.ts';
import { toolsAdapterOf, withToolsAdapter } from '../model/tools-adapter.ts';
import { formatBytes } from './format-bytes.ts';
import { modelPath } from './load.ts';
import { planLine } from './memory-lines.ts';
import { table } from './table.ts';
import { writeForeign } from './terminal-text.ts';

export async function inspect(config: EngineConfig, settings: Pick<ServerConfig, 'toolsAdapter'>): Promise<void> {
  const model = openModel(await modelPath(config.modelDir));
  try {
    const adapter = settings.toolsAdapter ? toolsAdapterOf(model) : null;
    writeForeign(process.stdout, `${describeModel(model)}\n\n${describeTensors(model)}\n\n`);
    writeForeign(process.stdout, `${await describePlan(model, withToolsAdapter(config, adapter))}\n`);
  } finally {
    model.close();
  }
}

function describeModel(model: OpenModel): string {
  const { config, generationConfig } = model;
  const { modelType, ...shape } = config;
  return table([
    ['path', model.path],
    ['format', `${model.format}, ${formatBytes(model.fileBytes)}`],
    ['architecture', modelType],
    ...Object.entries(shape).map(([key, value]: [string, unknown]) => [snakeCase(key), inWords(value)]),
    ['eos_token_id', generationConfig.eosTokenIds.join(', ')],
  ]);
}

/** As config.json has it. */
function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Lists with one value for all layers say it once. */
function inWords(value: unknown): string {
  if (Array.isArray(value) && new Set(value).size === 1) return `${inWords(value[0])} in every layer`;
  if (value === null) return 'none';
  if (typeof value !== 'object') return JSON.stringify(value);
  return Object.entries(value)
    .map(([key, inner]) => (Array.isArray(value) ? inWords(inner) : `${key} ${inWords(inner)}`))
    .join(', ');
}

function describeTensors(model: OpenModel): string {
  const rows = [...model.tensors.values()].map((t) => [t.name, t.dtype, `[${t.shape.join(', ')}]`]);
  return `tensors (${rows.length})\n${table(rows)}`;
}

async function describePlan(model: OpenModel, config: EngineConfig): Promise<string> {
  const gpu = await openGpu({ validation: false, adapter: config.device });
  try {
    const facts = await adapterFacts(gpu, config);
    const plan = planEngine(await withMerged(model, config), config, facts);
    const { weightBytes, kv, kvDtype } = plan;
    return table([
      ['parameters', weightBytes.parameters.toLocaleString('en')],
      ...[...weightBytes.byFormat].map(([format, size]) => [`weights as ${format}`, formatBytes(size)]),
      ['norms and biases', formatBytes(weightBytes.vectors)],
      ['KV cache per token', `${formatBytes(kvBytesPerToken(kv.layers))} in ${kvDtype}`],
      ...(plan.states ? [['recurrent states', describeStates(plan.kv.layers, plan.states)]] : []),
      ['activations', `${plan.activations} into integer products, ${plan.batchMaxTokens} tokens in a step`],
      ['adapter', gpu.description],
      ['its memory', `${formatBytes(facts.memory.bytes)} (${facts.memory.source})`],
      ['memory', planLine(plan)],
    ]);
  } finally {
    gpu.destroy();
  }
}

function describeStates(layers: KVCacheSpec['layers'], { snapshots }: StateSpec): string {
  return `${formatBytes(stateBytesPerRow(layers))} in f32 for each request, however long, and each of ${snapshots} prefixes that may be kept`;
}
