/**
 * Pairs of a token and one of its experts put together by expert, on the device: nobody on the host knows who goes where. (The
 * idea is vLLM's moe_align_block_size.)
 *
 * Shapes: `routing [T, 2·k]` → `[tiles, 3]` u32 expert, first pair and number of pairs of each tile, and behind them the T·k
 * pairs in that order. Dispatch: one workgroup. How many tiles there are the host knows as a bound only; the last have no pairs.
 */
import { compose } from '../../gpu/wgsl.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { bufferOf, type GpuTensor, type WebGPUContext } from '../webgpu-context.ts';
import { moves } from '../work.ts';

export interface ExpertTiles {
  readonly tiles: GpuTensor;
  readonly count: number;
}

const sizes = { 'group.lavapipe': 8, group: 256 };

export function expertTiles(ctx: WebGPUContext, routing: Tensor, experts: number, TILE: number): ExpertTiles {
  const pairs = (routing.shape[0] * routing.shape[1]) / 2;
  const count = Math.min(pairs, Math.floor(pairs / TILE) + experts);
  const group = ctx.variant('route');
  const EACH = Math.ceil(experts / sizes[group]);
  const tiles = ctx.tensor([3 * count + pairs], 'u32');
  const kernel = ctx.pipelines.get(`expert-tiles.${group}-${EACH}-${TILE}`, () =>
    compose([`../${group}.wgsl`, 'expert-tiles.wgsl'], import.meta.url, { EACH, TILE }),
  );
  ctx.recorder.does(() => moves([routing, tiles], 0));
  ctx.recorder.dispatch(kernel, [bufferOf(routing), tiles.storage], new Uint32Array([pairs, count, EACH]), 1);
  return { tiles, count };
}
