/** How a config says its mixture of experts; each architecture has keys of its own for it. */
import type { ExpertGroups, RouteSpec } from '../kernels/ops.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { notReadable } from './files/model-file.ts';
import type { ConfigSource } from './config.ts';

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

/** @param bias [E], for the choice alone */
export function routeSpec({ k, scores, normalizes, scale, groups }: ExpertConfig, bias: Tensor | null): RouteSpec {
  return { k, scores, normalizes, scale, ...(groups && { groups }), ...(bias && { bias }) };
}
