/** How a config says its mixture of experts; each architecture has keys of its own for it. */
import { z } from 'zod';
import type { ExpertGroups, RouteSpec } from '../kernels/ops.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { notReadable } from './files/model-file.ts';
import { count, readKeys, type ConfigSource } from './config.ts';

export interface ExpertConfig {
  /** E, without those that all tokens take. */
  readonly count: number;
  /** Of them for each token. */
  readonly k: number;
  /** Intermediate size of each. */
  readonly size: number;
  /** Of the expert that all tokens take; 0: there is none. */
  readonly sharedSize: number;
  readonly routerBias: boolean;
  readonly scores: RouteSpec['scores'];
  readonly normalizes: boolean;
  readonly scale: number;
  readonly groups: ExpertGroups | null;
}

export const softmaxExperts = {
  routerBias: false,
  scores: 'softmax',
  normalizes: true,
  scale: 1,
  groups: null,
} as const;

/** Refuses what cannot be chosen from. @param keys what config.json calls count and k */
export function checkExperts(source: ConfigSource, c: ExpertConfig, keys: { count: string; k: string }): ExpertConfig {
  const [count, k] = [source.keyName(keys.count), source.keyName(keys.k)];
  if (c.k > c.count) throw notReadable(source.file, `${k} is ${c.k}, but ${count} is ${c.count}`);
  if (!c.groups) return c;
  const { count: groups, kept } = c.groups;
  if (c.count % groups !== 0 || kept > groups || c.k > (c.count / groups) * kept)
    throw notReadable(
      source.file,
      `${k} ${c.k} of ${c.count} experts cannot be chosen from ${kept} of ${groups} groups (n_group, topk_group)`,
    );
  return c;
}

/** transformers' defaults for what a config.json leaves out. */
export interface RoutedDefaults {
  readonly scores: RouteSpec['scores'];
  readonly count: number;
  readonly k: number;
  readonly size: number;
  /** Experts that all tokens take. */
  readonly shared: number;
  readonly scale: number;
  readonly groups: number;
  readonly keptGroups: number;
}

const routedKeys = z.object({
  n_routed_experts: count.optional(),
  n_shared_experts: z.int().nonnegative().nullish(),
  num_experts_per_tok: count.optional(),
  moe_intermediate_size: count.optional(),
  norm_topk_prob: z.boolean().nullish(),
  routed_scaling_factor: z.number().positive().nullish(),
  n_group: count.nullish(),
  topk_group: count.nullish(),
});

/** The experts of DeepSeek-V3 and of those that say theirs with its keys. */
export function readRoutedExperts(source: ConfigSource, defaults: RoutedDefaults): ExpertConfig {
  const c = readKeys(source, routedKeys);
  const size = c.moe_intermediate_size ?? defaults.size;
  // Null is none.
  const shared = c.n_shared_experts === undefined ? defaults.shared : (c.n_shared_experts ?? 0);
  const groups = c.n_group ?? defaults.groups;
  const experts: ExpertConfig = {
    count: c.n_routed_experts ?? defaults.count,
    k: c.num_experts_per_tok ?? defaults.k,
    size,
    sharedSize: size * shared,
    routerBias: false,
    scores: defaults.scores,
    normalizes: c.norm_topk_prob ?? true,
    scale: c.routed_scaling_factor ?? defaults.scale,
    groups: groups > 1 ? { count: groups, kept: c.topk_group ?? defaults.keptGroups, worth: 'topTwo' } : null,
  };
  return checkExperts(source, experts, { count: 'n_routed_experts', k: 'num_experts_per_tok' });
}

/** @param bias [E], for the choice alone */
export function routeSpec({ k, scores, normalizes, scale, groups }: ExpertConfig, bias: Tensor | null): RouteSpec {
  return { k, scores, normalizes, scale, ...(groups && { groups }), ...(bias && { bias }) };
}
