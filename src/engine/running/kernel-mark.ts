/**
 * Whether the driver's cache has the kernels of a model: it cannot be asked, so that a mark is left in Dawnlight's own
 * folder once they are compiled. A mark that is wrong costs time at the start and nothing else.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EngineConfig } from '../../config.ts';
import { dawnlightHome } from '../../home.ts';
import type { EnginePlan } from './plan-engine.ts';

export class KernelMark {
  readonly #file: string;

  /** @param adapter its description: driver and compiler with their versions */
  constructor(adapter: string, config: EngineConfig, plan: EnginePlan) {
    const kernels = [
      ...[adapter, process.env['LP_NATIVE_VECTOR_WIDTH'], process.env['MESA_SHADER_CACHE_DIR'], lastChange()],
      ...[resolve(config.modelDir), config.quant, config.fusion, plan.activations, plan.kvDtype],
      plan.lora?.maxRank,
    ];
    const name = createHash('sha256').update(JSON.stringify(kernels)).digest('hex').slice(0, 32);
    this.#file = join(dawnlightHome(), 'compiled', name);
  }

  get isThere(): boolean {
    return existsSync(this.#file);
  }

  /** Where it cannot be written the next start compiles again in the background. */
  leave(): void {
    if (this.isThere) return;
    try {
      mkdirSync(dirname(this.#file), { recursive: true });
      writeFileSync(this.#file, '');
    } catch {
      // The folder cannot be written.
    }
  }
}

/** Of the kernels' files. */
function lastChange(): number {
  const folder = fileURLToPath(new URL('../../kernels', import.meta.url));
  const files = readdirSync(folder, { recursive: true }) as string[];
  return Math.max(...files.map((file) => statSync(join(folder, file)).mtimeMs));
}
