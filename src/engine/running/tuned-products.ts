/**
 * Which kernels are fastest for a model's products on this adapter, measured before its weights are loaded, once: answers
 * are kept in Dawnlight's own folder.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { dawnlightHome } from '../../home.ts';
import {
  keyOf,
  questionsOf,
  tuneProducts,
  type Answers,
  shapeOf,
  type Tuner,
  type UsedMatrix,
} from '../../kernels/tuning/tune-products.ts';

/** Seconds that measuring may take. */
export const TUNING_BUDGET = 25;

const names = ['matmul.naive', 'matmul.gemv', 'matmul.tiled', 'matmul.matrix'] as const;
const stored = z.record(z.string(), z.object({ name: z.enum(names), size: z.string() }));

/** Answers of one adapter, driver and version of the kernels, of all models. */
export class TunedFile {
  readonly #file: string;

  constructor(parts: readonly unknown[]) {
    const name = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
    this.#file = join(dawnlightHome(), 'tuned', `${name}.json`);
  }

  /** None where there is no file, or it is not whole. */
  read(): Answers {
    try {
      return new Map(Object.entries(stored.parse(JSON.parse(readFileSync(this.#file, 'utf8')))));
    } catch {
      return new Map();
    }
  }

  /** Where it cannot be written the next start measures again. */
  write(answers: Answers): void {
    try {
      mkdirSync(dirname(this.#file), { recursive: true });
      writeFileSync(this.#file, `${JSON.stringify(Object.fromEntries(answers), null, 2)}\n`);
    } catch {
      // The folder cannot be written.
    }
  }
}

/**
 * Answers for the model's matrices: those in the file, and what is missing measured now, with a line that says so. Steps
 * take them from the first to the last: nothing changes while requests run.
 */
export async function tunedProducts(
  matrices: readonly UsedMatrix[],
  tuner: Tuner,
  file: TunedFile,
  { say, now }: { readonly say: (line: string) => void; readonly now: () => number },
): Promise<Answers> {
  const questions = questionsOf(matrices);
  const known = file.read();
  if (questions.every((question) => known.has(keyOf(shapeOf(question))))) return known;
  say(
    `Measuring which kernels are fastest here, once for this model and adapter: up to ${TUNING_BUDGET} s (--no-autotune leaves it out).`,
  );
  const answers = await tuneProducts(questions, known, tuner, { budget: TUNING_BUDGET, now });
  file.write(answers);
  return answers;
}
