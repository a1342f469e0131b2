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
