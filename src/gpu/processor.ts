/** What a software adapter's compiler may use of the processor. */
import { readFileSync } from 'node:fs';

/**
 * Whether the processor has VNNI on 256 bits: one instruction multiplies pairs of 16-bit integers and adds them up. No by where
 * nobody says so (Linux does): kernels are slower then, not wrong.
 */
export function hasDotInstructions(): boolean {
  try {
    const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1].split(' ') ?? [];
    return flags.includes('avx_vnni') || (flags.includes('avx512_vnni') && flags.includes('avx512vl'));
  } catch {
    return false;
  }
}
