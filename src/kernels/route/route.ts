/**
 * Router logits → the k experts of each token and their weights: RouteSpec in ops.ts has the formula.
 *
 * Shapes: `logits [T, E]`, `bias [E]` → `routing [T, k, 2]` (number, weight), f32, seen as [T, 2·k]. Dispatch: a workgroup owns
 * a token; k rounds of a maximum over its threads, two more a group where groups are chosen first.
 * Limits: experts are numbered in f32, so below 2²⁴.
 * Source: Mixtral (arXiv:2401.04088), DeepSeek-V2 (arXiv:2405.04434), DeepSeek-V3 (arXiv:2412.19437).
 */
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { floatBits } from '../float-bits.ts';
import type { RouteSpec } from '../ops.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { moves } from '../work.ts';

/** Threads of a workgroup: few, since each round of a maximum costs barriers, and experts are some hundred at most. */
const sizes = { 'group.lavapipe': 8, group: 64 };

export function route(ctx: WebGPUContext, logits: Tensor, spec: RouteSpec): GpuTensor {
  const [tokens, experts] = logits.shape;
  const { k, scores, bias, groups, normalizes, scale } = spec;
  const group = ctx.variant('route');
  const SIZE = sizes[group];
  const EACH = Math.ceil(experts / SIZE);
  const defines = {
    ...(group === 'group' ? { SIZE } : {}),
    ...{ EACH, GROUPS: groups?.count ?? 1 },
    ...{ SIGMOID: scores === 'sigmoid' ? 1 : 0, TOP_TWO: groups?.worth === 'topTwo' ? 1 : 0 },
    ...(bias ? { 'no-choice-bias.wgsl': 'add-choice-bias.wgsl' } : {}),
  };
  const parts = [EACH, scores, groups && `${groups.count}-${groups.worth}`, bias && 'bias'].filter(Boolean);
  const kernel = ctx.pipelines.get(`route.${group}-${parts.join('-')}`, () =>
    compose([`../${group}.wgsl`, 'route.wgsl'], import.meta.url, defines),
  );
  const routing = ctx.tensor([tokens, 2 * k], 'f32');
  const params = new Uint32Array([experts, k, groups?.kept ?? 1, normalizes ? 1 : 0, floatBits(scale)]);
  ctx.recorder.does(() => moves([logits, routing], 2 * k));
  ctx.recorder.dispatch(kernel, [bufferOf(logits), routing.storage, bias ? bufferOf(bias) : null], params, tokens);
  return routing;
}
