/** What a workgroup of matmul.gemv.wgsl has, for so many tokens and rows. Plans differ in speed, never in bits. */
import type { Defines } from '../../gpu/wgsl.ts';
import type { WeightFormat } from '../../tensor/matrix.ts';
import type { WebGPUContext } from '../webgpu-context.ts';
import type { RowsPlan } from './rows-plan.ts';

/** As in the text. */
const LANES = 8;
const TEAMS = 16;
export const GEMV_THREADS = TEAMS * LANES;

/** Most of one workgroup. */
const TOKENS = 8;
/** Loads of 16 bytes that an invocation has under way for each of its rows; with 4, two workgroups have 16 KB. */
const sweepCounts = [4, 2, 1];

/** Chunks of 8 columns that are loaded at once. */
const spanChunks: Record<WeightFormat, number> = { f32: 1, f16: 1, bf16: 1, int8: 2, int4: 4 };

export interface GemvPlan extends RowsPlan {
  /** Of workgroup memory. */
  readonly bytes: number;
}

/**
 * @param rowsInAll of the result
 * @param parts of the matrix of which a team has the same rows: gate and up
 */
export function gemvPlan(
  { gpu: { device } }: WebGPUContext,
  tokensInAll: number,
  rowsInAll: number,
  format: WeightFormat,
  parts: 1 | 2 = 1,
): GemvPlan {
  const tokens = tokensOf(tokensInAll);
  // More rows read x less often; fewer make more workgroups.
  const wanted = rowsInAll >= 65536 ? 4 : rowsInAll >= 16384 ? 2 : 1;
  const rows = Math.min(wanted, LANES / tokens);
  const plans = sweepCounts.map((sweeps) => gemvPlanOf({ tokens, rows, sweeps, parts }, format));
  return plans.find(({ bytes }) => bytes <= device.limits.maxComputeWorkgroupStorageSize) ?? plans[plans.length - 1];
}

/** All that an adapter can run with so many tokens. @param parts as of gemvPlan */
export function gemvPlans(
  { gpu: { device } }: WebGPUContext,
  tokensInAll: number,
  format: WeightFormat,
  parts: 1 | 2 = 1,
): GemvPlan[] {
  const tokens = tokensOf(tokensInAll);
  return [1, 2, 4]
    .filter((rows) => rows * tokens <= LANES)
    .flatMap((rows) => sweepCounts.map((sweeps) => gemvPlanOf({ tokens, rows, sweeps, parts }, format)))
    .filter(({ bytes }) => bytes <= device.limits.maxComputeWorkgroupStorageSize);
}

/** Of a workgroup. */
const tokensOf = (tokensInAll: number): number => 2 ** Math.ceil(Math.log2(Math.min(TOKENS, Math.max(1, tokensInAll))));

export interface GemvSizes {
  /** Of a workgroup: 1, 2, 4 or 8. */
  readonly tokens: number;
  /** Of a team and a part; `rows · tokens` is 8 at most. */
  readonly rows: number;
  readonly sweeps: number;
  readonly parts: number;
}

export function gemvPlanOf({ tokens, rows, sweeps, parts }: GemvSizes, format: WeightFormat): GemvPlan {
  const defines: Defines = { ROWS: parts * rows, PARTS: parts, TOKENS: tokens, SWEEPS: sweeps };
  // The tile of x with what belongs to each span, and the partial sums.
  const span = (2 * spanChunks[format] + 1) * 16 + 4;
  const bytes = tokens * sweeps * LANES * span + parts * rows * tokens * TEAMS * (LANES + 1) * 4;
  return { tokens, rows: TEAMS * rows, defines, size: `${rows}x${tokens}x${sweeps}`, bytes };
}
