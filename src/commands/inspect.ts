/** `dawnlight inspect`: what a model on disk is, and what it would take in memory. Reads no weights. */
import type { EngineConfig } from '../config.ts';
import { stepBudget } from '../engine/scheduling/step-budget.ts';
import { formatBytes } from './format-bytes.ts';
import { activationBytes, kvBytesPerToken, planBytes } from '../model/weights/memory-plan.ts';
import { type OpenModel, openModel } from '../model/files/open-model.ts';
import { planWeights } from '../model/weights/weight-plan.ts';
import { modelPath } from './load.ts';
import { writeForeign } from './terminal-text.ts';

export async function inspect(config: EngineConfig): Promise<void> {
  const model = openModel(await modelPath(config.modelDir));
  try {
    const sections = [describeModel(model), describeTensors(model), describeMemory(model, config)];
    writeForeign(process.stdout, `${sections.join('\n\n')}\n`);
  } finally {
    model.close();
  }
}

function describeModel(model: OpenModel): string {
  const { config, generationConfig } = model;
  return table([
    ['path', model.path],
    ['format', `${model.format}, ${formatBytes(model.fileBytes)}`],
    ['architecture', config.modelType],
    ['hidden_size', config.hiddenSize],
    ['num_hidden_layers', config.numHiddenLayers],
    ['num_attention_heads', `${config.numAttentionHeads}, ${config.numKeyValueHeads} key-value`],
    ['head_dim', config.headDim],
    ['intermediate_size', config.intermediateSize],
    ['vocab_size', config.vocabSize],
    ['max_position_embeddings', config.maxPositionEmbeddings],
    ['tie_word_embeddings', String(config.tieWordEmbeddings)],
    ['eos_token_id', generationConfig.eosTokenIds.join(', ')],
  ]);
}

function describeTensors(model: OpenModel): string {
  const rows = [...model.tensors.values()].map((t) => [t.name, t.dtype, `[${t.shape.join(', ')}]`]);
  return `tensors (${rows.length})\n${table(rows)}`;
}

function describeMemory(model: OpenModel, config: EngineConfig): string {
  const plan = planBytes(planWeights(model, config.quant));
  const { runningMaxReqSize } = config;
  const { batchMaxTokens } = stepBudget(config, 'gpu');
  return table([
    ['parameters', plan.parameters.toLocaleString('en')],
    ...[...plan.byFormat].map(([format, size]) => [`weights as ${format}`, formatBytes(size)]),
    ['norms and biases', formatBytes(plan.vectors)],
    ['KV cache per token', `${formatBytes(kvBytesPerToken(model.config, 'f16'))} in f16, twice that in f32`],
    [
      'activations',
      `${formatBytes(activationBytes(model.config, batchMaxTokens, runningMaxReqSize))} at most in one step`,
    ],
  ]);
}

/** Columns as wide as their widest cell. */
function table(rows: readonly (readonly (string | number)[])[]): string {
  const columns = Math.max(...rows.map((r) => r.length));
  const widths = Array.from({ length: columns }, (_, i) => Math.max(...rows.map((r) => String(r[i] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => String(cell).padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
