/**
 * Which kernels are fastest for a model's products on this adapter, measured before its weights are loaded, once: answers
 * are kept in Dawnlight's own folder.
 */
import { z } from 'zod';
import { rowsKernels } from '../../kernels/matmul/product-choices.ts';
import {
  keyOf,
  questionsOf,
  tuneProducts,
  type Answers,
  shapeOf,
  type Tuner,
  type UsedMatrix,
} from '../../kernels/tuning/tune-products.ts';
import { KernelNotes } from './kernel-notes.ts';

/** Seconds that measuring may take. */
export const TUNING_BUDGET = 25;

const stored = z.record(z.string(), z.object({ name: z.enum(rowsKernels), size: z.string() }));

/** Answers of one adapter, driver and version of the kernels, of all models. */
export class TunedFile {
  readonly #notes: KernelNotes;

  constructor(parts: readonly unknown[]) {
    this.#notes = new KernelNotes('tuned', parts);
  }

  /** None where there is no file, or it is not whole. */
  read(): Answers {
    const found = stored.safeParse(this.#notes.read());
    return new Map(Object.entries(found.data ?? {}));
  }

  /** Where it cannot be written the next start measures again. */
  write(answers: Answers): void {
    this.#notes.write(Object.fromEntries(answers));
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
