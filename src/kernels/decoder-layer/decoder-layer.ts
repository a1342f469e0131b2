/** A whole decoder layer in one kernel, where kernel-sets.ts names one. */
import type { Fusion } from '../program/fusion.ts';
import { findDecoderLayer } from './decoder-layer.pattern.ts';
import { lavapipeDecoderLayer } from './decoder-layer.lavapipe.ts';

const kernels = { 'decoder-layer.lavapipe': lavapipeDecoderLayer };

export const fusedDecoderLayer: Fusion = (ctx, nodes, at) => {
  const variant = ctx.variant('decoder-layer');
  const found = variant ? findDecoderLayer(nodes, at) : null;
  const run = variant && found ? kernels[variant](ctx, found.layer) : null;
  return found && run ? { count: found.count, run } : null;
};
