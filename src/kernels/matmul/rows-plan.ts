/** How a kernel of the ladder shares out a product. */
import type { Defines } from '../../gpu/wgsl.ts';

/** What a workgroup owns, and the text that makes it so. */
export interface RowsPlan {
  readonly tokens: number;
  readonly rows: number;
  readonly defines: Defines;
  /** The part of the kernel's name that tells its sizes. */
  readonly size: string;
}

/** Workgroups that keep a large GPU busy (about two for each of 132 multiprocessors): smaller tiles rather than fewer. */
export const BUSY = 256;

/**
 * The largest tile that half of the tokens fill and of which there are enough to keep a GPU busy, else the smallest.
 * @param plans from large to small: a larger tile reads less, a smaller one gives more workgroups
 */
export function busyPlan(plans: readonly RowsPlan[], tokens: number, rows: number): RowsPlan {
  const isBusy = (plan: RowsPlan): boolean => Math.ceil(tokens / plan.tokens) * Math.ceil(rows / plan.rows) >= BUSY;
  return plans.find((plan) => plan.tokens < 2 * tokens && isBusy(plan)) ?? plans[plans.length - 1];
}
