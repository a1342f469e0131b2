/**
 * Whether the driver's cache has the kernels of a model, and which those are: it cannot be asked, so that their texts are
 * left in Dawnlight's own folder once they are compiled. A start that finds them makes all at once, while it reads the
 * weights. A mark that is wrong costs time at the start and nothing else.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EngineConfig } from '../../config.ts';
import type { KernelSource } from '../../gpu/pipelines.ts';
import { dawnlightHome } from '../../home.ts';
import type { EnginePlan } from './plan-engine.ts';

export class KernelMark {
  readonly #file: string;

  /** @param adapter its description: driver and compiler with their versions */
  constructor(adapter: string, config: EngineConfig, plan: EnginePlan) {
    const kernels = [
      ...[adapter, process.env['LP_NATIVE_VECTOR_WIDTH'], process.env['MESA_SHADER_CACHE_DIR'], lastChange()],
      ...[resolve(config.modelDir), config.quant, config.fusion, plan.activations, plan.kvDtype],
      ...[plan.lora?.maxRank, config.deterministic, config.matrixUnits, config.autotune],
    ];
    const name = createHash('sha256').update(JSON.stringify(kernels)).digest('hex').slice(0, 32);
    this.#file = join(dawnlightHome(), 'compiled', `${name}.json`);
  }

  get isThere(): boolean {
    return existsSync(this.#file);
  }

  /** None where there is no mark, or none that can be read. */
  kernels(): readonly KernelSource[] {
    try {
      return JSON.parse(readFileSync(this.#file, 'utf8')) as KernelSource[];
    } catch {
      return [];
    }
  }

  /** Where it cannot be written the next start compiles again in the background. */
  leave(kernels: readonly KernelSource[]): void {
    if (this.isThere) return;
    try {
      mkdirSync(dirname(this.#file), { recursive: true });
      const written = `${this.#file}.${process.pid}`;
      writeFileSync(written, JSON.stringify(kernels));
      renameSync(written, this.#file);
    } catch {
      // The folder cannot be written.
    }
  }
}

/** Of the kernels' files: what is known of compiled or measured kernels holds as long as they stay. */
export function lastChange(): number {
  const folder = fileURLToPath(new URL('../../kernels', import.meta.url));
  const files = readdirSync(folder, { recursive: true }) as string[];
  return Math.max(...files.map((file) => statSync(join(folder, file)).mtimeMs));
}
