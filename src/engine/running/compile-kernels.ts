/**
 * Entry of the process that compiles an engine's kernels into the driver's cache, while the engine answers with those that
 * are compiled first: it loads the same model and takes the steps of warm-up.ts, stage by stage.
 */
import type { StageCompiled } from '../../kernels/kernel-stage.ts';
import type { CompileTask } from './compile-task.ts';
import { loadEngine } from './load-engine.ts';

// The engine that waits for this is gone.
process.on('disconnect', () => process.exit(1));

process.once('message', (task: CompileTask) => void compile(task));

async function compile({ config, part }: CompileTask): Promise<void> {
  const sent: Promise<unknown>[] = [];
  const onStage = (message: StageCompiled): void =>
    void sent.push(new Promise((resolve) => process.send?.(message, resolve)));
  try {
    const { runner } = await loadEngine(config, () => undefined, { stages: ['tiled', 'fused'], onStage, part });
    await Promise.all(sent);
    await runner.close();
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}
