/** What others published (bench/published.json), and the peaks of the hardware that they ran on. */
import { z } from 'zod';

const source = z.union([z.url({ protocol: /^https$/ }), z.literal('the model’s name')]);
const date = z.iso.date();
const positive = z.number().positive();

const arithmetic = z.enum(['f32', 'f16', 'fp8', 'int8']);

const hardware = z.strictObject({
  name: z.string(),
  /** Memory bandwidth, GB/s. */
  gbs: positive,
  /** Dense TFLOP/s (TOP/s) by the type of the factors. */
  tflops: z.partialRecord(arithmetic, positive),
  source: z.url(),
  note: z.string().optional(),
});

const model = z.strictObject({
  name: z.string(),
  /** Billions that one token is multiplied with: of a mixture of experts, the active ones. */
  parameters: positive,
  source,
});

const common = {
  engine: z.string(),
  version: z.string().optional(),
  model: z.string(),
  /** Of the weights, in the source’s words. */
  format: z.string(),
  hardware: z.string(),
  devices: z.int().positive().default(1),
  figure: positive,
  unit: z.enum(['tok/s', 'req/s', 'ms/step']),
  load: z.strictObject({
    /** Tokens of a prompt, and of an answer; null where the source does not say. */
    input: positive.nullable(),
    output: positive.nullable(),
    what: z.string().optional(),
  }),
  source: z.url(),
  /** Null where the source has no date. */
  published: date.nullable(),
  /** When the figure was looked up. */
  read: date,
  note: z.string().optional(),
};

const row = z.discriminatedUnion('phase', [
  z.strictObject({
    ...common,
    phase: z.literal('decode'),
    batch: z.int().positive(),
    /** GB of weights that a step reads. */
    gigabytes: positive,
  }),
  z.strictObject({ ...common, phase: z.literal('prefill'), arithmetic }),
  z.strictObject({
    ...common,
    phase: z.literal('serving'),
    arithmetic,
    /** Whether prompts are in the figure. */
    counts: z.enum(['output', 'total']),
  }),
]);

export const publishedSchema = z.strictObject({
  hardware: z.record(z.string(), hardware),
  models: z.record(z.string(), model),
  rows: z.array(row),
  /** Engines of which no figure was found. */
  missing: z.array(z.strictObject({ engine: z.string(), why: z.string(), source: z.url(), read: date })),
});

export type Published = z.output<typeof publishedSchema>;
export type PublishedRow = Published['rows'][number];
export type Hardware = Published['hardware'][string];
