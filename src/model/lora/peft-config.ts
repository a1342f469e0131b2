/** adapter_config.json of peft: rank and scale of each layer's product. What is not computed is refused by key. */
import { z } from 'zod';
import { EngineError, oneLine } from '../../errors.ts';
import { parseKeys } from '../config.ts';

const pattern = z.record(z.string(), z.number()).nullish();

const schema = z.looseObject({
  peft_type: z.string(),
  r: z.int().positive(),
  lora_alpha: z.number().nullish(),
  use_rslora: z.boolean().nullish(),
  rank_pattern: pattern,
  alpha_pattern: pattern,
  bias: z.string().nullish(),
  init_lora_weights: z.unknown().optional(),
});

/** Keys that change nothing in what a trained adapter computes, or that are read here. */
const known = new Set([
  ...Object.keys(schema.shape),
  ...['task_type', 'auto_mapping', 'peft_version', 'base_model_name_or_path', 'revision', 'inference_mode'],
  // Which layers were trained: the tensors say it.
  ...['target_modules', 'exclude_modules', 'layers_to_transform', 'layers_pattern'],
  // Of training, or without effect where the key that turns them on is refused.
  ...['lora_dropout', 'loftq_config', 'eva_config', 'lora_ga_config', 'qalora_group_size', 'runtime_config'],
  ...['megatron_core', 'ensure_weight_tying'],
  // How matrices are stored in the model: those of the adapter lie alike.
  'fan_in_fan_out',
]);

/** Initializations that also change the model's own weights, so that its checkpoint is not what the adapter was trained on. */
const changesModel = /^(pissa|olora|corda|loftq)/;

export interface PeftConfig {
  rankOf(layer: string): number;
  /** What the product is multiplied with. */
  scaleOf(layer: string): number;
}

/** @throws EngineError unsupported_model, model_not_readable */
export function readPeftConfig(json: unknown, file: string): PeftConfig {
  const c = parseKeys(schema, json, file);
  const refuse = (key: string, why: string): never => {
    const shown = JSON.stringify((json as Record<string, unknown>)[key]);
    throw new EngineError('unsupported_model', `${file}: ${oneLine(`${key} ${shown}: ${why}`)}`, { param: key });
  };
  if (c.peft_type !== 'LORA') refuse('peft_type', 'only LORA adapters load');
  if (c['use_dora'] === true)
    refuse('use_dora', 'DoRA scales the model’s own weights; train with use_dora false, or merge');
  if (!isNothing(c['modules_to_save']))
    refuse(
      'modules_to_save',
      'layers that are trained whole are no adapter; merge it into the model (merge_and_unload)',
    );
  if (!isNothing(c.bias) && c.bias !== 'none') refuse('bias', 'biases are not adapted; train with bias none, or merge');
  if (typeof c.init_lora_weights === 'string' && changesModel.test(c.init_lora_weights))
    refuse(
      'init_lora_weights',
      'it changes the model’s own weights; save with path_initial_model_for_weight_conversion, or merge',
    );
  for (const [key, value] of Object.entries(c))
    if (!known.has(key) && !isNothing(value)) refuse(key, 'is not computed here; merge the adapter into the model');
  const rankOf = (layer: string) => valueOf(c.rank_pattern, layer) ?? c.r;
  const alphaOf = (layer: string) => valueOf(c.alpha_pattern, layer) ?? c.lora_alpha ?? 8;
  const scaleOf = (layer: string) => alphaOf(layer) / (c.use_rslora ? Math.sqrt(rankOf(layer)) : rankOf(layer));
  for (const key of Object.keys({ ...c.rank_pattern, ...c.alpha_pattern })) checkPattern(key, file);
  return { rankOf, scaleOf };
}

function isNothing(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** As peft's get_pattern_key: the first key that, as a regular expression, is the name or ends it behind a dot. */
function valueOf(patterns: Readonly<Record<string, number>> | null | undefined, layer: string): number | undefined {
  const key = Object.keys(patterns ?? {}).find((pattern) => new RegExp(`^(.*\\.)?(${pattern})$`).test(layer));
  return key === undefined ? undefined : patterns?.[key];
}

/** Longer or stranger ones are no names of layers, and could take for ever. */
function checkPattern(key: string, file: string): void {
  try {
    if (key.length <= 200 && !/[*+}]\)?[*+{]/.test(key)) return void new RegExp(key);
  } catch {
    // Refused below.
  }
  throw new EngineError(
    'unsupported_model',
    `${file}: ${oneLine(`rank_pattern or alpha_pattern: ${JSON.stringify(key)} is no pattern that is read here`)}`,
  );
}
