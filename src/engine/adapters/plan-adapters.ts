/** How much room there is for adapters, decided before anything is allocated. */
import type { EngineConfig } from '../../config.ts';
import { EngineError } from '../../errors.ts';
import { loraBytes } from '../../kernels/lora/lora-layout.ts';
import { adapterRank, readAdapter, type AdaptedModel, type Adapter } from '../../model/lora/adapter.ts';
import { adaptedLinears, loraShape } from '../../model/weights/spec.ts';

export interface LoraPlan {
  /** Adapters on the device at a time. */
  readonly slots: number;
  /** A multiple of 8. */
  readonly maxRank: number;
  /** Of all slots, beside all layers. */
  readonly bytes: number;
}

const DEFAULT_SLOTS = 8;
/** Rank for which there is room where nobody says otherwise, as vLLM has it. */
const DEFAULT_RANK = 16;

/** Null where none was asked for. @throws EngineError bad_flag, model_not_readable, unsupported_model */
export function planAdapters(
  { architecture, config: modelConfig }: AdaptedModel,
  config: Pick<EngineConfig, 'lora' | 'enableLora' | 'maxLoras' | 'maxLoraRank'>,
): LoraPlan | null {
  const given = namedAdapters(config.lora);
  if (!config.enableLora && given.length === 0) return null;
  const rank =
    config.maxLoraRank ??
    given.reduce(
      (most, { path }) => Math.max(most, adapterRank(path, { architecture, config: modelConfig })),
      DEFAULT_RANK,
    );
  const maxRank = Math.ceil(rank / 8) * 8;
  const slots = config.maxLoras ?? DEFAULT_SLOTS;
  const bytes = adaptedLinears(architecture.weights(modelConfig)).reduce(
    (n, leaf) => n + loraBytes({ ...loraShape(leaf), slots, maxRank }),
    0,
  );
  return { slots, maxRank, bytes };
}

/** `--lora NAME=PATH`. @throws EngineError bad_flag */
export function namedAdapters(flags: readonly string[]): { readonly name: string; readonly path: string }[] {
  const adapters = flags.map((flag) => {
    const [, name, path] = /^([^=]+)=(.+)$/.exec(flag) ?? [];
    if (name === undefined || path === undefined)
      throw new EngineError('bad_flag', `--lora: expected name=path, got ${JSON.stringify(flag)}`, { param: 'lora' });
    return { name, path };
  });
  const twice = adapters.find(({ name }, i) => adapters.findIndex((other) => other.name === name) < i);
  if (twice) throw new EngineError('bad_flag', `--lora: the name ${twice.name} is given twice`, { param: 'lora' });
  return adapters;
}

/** The model with the adapter of `--lora_merge`, if one is given. @throws EngineError model_not_readable, unsupported_model */
export async function withMerged<M extends AdaptedModel>(
  model: M,
  { loraMerge }: Pick<EngineConfig, 'loraMerge'>,
): Promise<M & { readonly merged: Adapter | null }> {
  return { ...model, merged: loraMerge === null ? null : await readAdapter(loraMerge, model) };
}
