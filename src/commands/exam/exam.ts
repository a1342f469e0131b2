/**
 * `dawnlight exam --model_dir DIR --expected FILE`: is a checkpoint computed right? Compares log-probabilities with those
 * that transformers computed in float32 (`scripts/make-exam.py`), whole, from cached prefixes and in company.
 */
import type { EngineConfig, ExamConfig } from '../../config.ts';
import { EngineError } from '../../errors.ts';
import { openModel } from '../../model/files/open-model.ts';
import { modelPath, startEngine } from '../load.ts';
import { writeForeign } from '../terminal-text.ts';
import { readExpected } from './expected.ts';
import { sitExam, type Finding } from './sit-exam.ts';

/**
 * The process's exit code: 0 when no log-probability is further off than the tolerance.
 * @throws EngineError bad_flag for an unreadable or foreign file, and what `serve` throws for a model
 */
export async function exam(engineConfig: EngineConfig, settings: ExamConfig): Promise<number> {
  if (settings.expected === null) {
    const message = '--expected: name the file of answers (scripts/make-exam.py makes it)';
    throw new EngineError('bad_flag', message, { param: '--expected' });
  }
  const expected = readExpected(settings.expected);
  const config = { ...engineConfig, modelDir: await modelPath(engineConfig.modelDir) };
  const name = nameOf(config.modelDir, expected.model_type);
  const engine = await startEngine(config, name, { endTokenIds: [], vocabulary: null });
  try {
    const makers = Object.entries(expected.made_by).map(([program, version]) => `${program} ${version}`);
    const setting = `activations ${config.activationDtype}, KV cache ${config.kvCacheDtype}, weights ${config.quant}`;
    writeForeign(process.stdout, `${name}, beside ${makers.join(', ')}; ${setting}; ${engine.info.adapter}\n\n`);
    process.stdout.write(`${'schedule'.padEnd(16)}prompt  cached  same tokens  largest difference\n`);
    let worst = 0;
    for await (const finding of sitExam(engine, expected.cases)) {
      process.stdout.write(`${row(finding, expected.cases[finding.index].token_ids.length)}\n`);
      worst = Math.max(worst, finding.difference);
    }
    const passed = worst <= settings.tolerance;
    const figures = `largest difference of a log-probability ${worst.toExponential(1)}, at most ${settings.tolerance} wanted`;
    process.stdout.write(`\n${passed ? 'passed' : 'FAILED'}: ${figures}\n`);
    return passed ? 0 : 1;
  } finally {
    await engine.close();
  }
}

/** @throws EngineError bad_flag when the answers are another model's */
function nameOf(path: string, modelType: string): string {
  const opened = openModel(path);
  try {
    if (opened.config.modelType === modelType) return opened.name;
    const message = `--expected: those are answers of a ${modelType}, ${opened.name} is a ${opened.config.modelType}`;
    throw new EngineError('bad_flag', message, { param: '--expected' });
  } finally {
    opened.close();
  }
}

function row(finding: Finding, tokens: number): string {
  const { schedule, promptLength, cachedTokens, sameTokens, difference, position } = finding;
  const counts = `${String(promptLength).padEnd(8)}${String(cachedTokens).padEnd(8)}${`${sameTokens} of ${tokens}`.padEnd(13)}`;
  return `${schedule.padEnd(16)}${counts}${difference.toExponential(1)} at ${position}`;
}
