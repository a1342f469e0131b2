/**
 * How request fields are declared. Each carries its doc line and its support level, from which /openapi.json and the
 * compatibility table of docs/api.md are made.
 */
import { z } from 'zod';

/**
 * supported: acts as documented. ignored: accepted with any value, has no effect here. neutral: accepted only with a
 * value that changes nothing, since routers and SDKs send it unasked; any other value is refused with 400.
 */
export type Support = 'supported' | 'ignored' | 'neutral';

/** A field that may be absent or null, which mean the same (OpenAI's rule for every nullable field). */
export function optional<T extends z.ZodType>(schema: T, description: string) {
  return schema
    .nullish()
    .transform((value) => value ?? undefined)
    .meta({ description, 'x-support': 'supported' });
}

export function required<T extends z.ZodType>(schema: T, description: string): T {
  return schema.meta({ description, 'x-support': 'supported' });
}

export function ignored(description: string) {
  return z.unknown().optional().meta({ description, 'x-support': 'ignored' });
}

/** Accepted when absent, null or equal to one of `values`. */
export function neutral(values: readonly (string | number | boolean)[], description: string) {
  const same = (value: unknown): boolean => values.some((v) => v === value) || isEmptyContainer(value);
  const list = ['null', ...values.map((v) => JSON.stringify(v))].join(' or ');
  return z
    .unknown()
    .refine((value) => value === undefined || value === null || same(value), {
      error: `Not supported here: only ${list} is accepted (${description}).`,
    })
    .optional()
    .meta({ description, 'x-support': 'neutral', enum: [null, ...values] });
}

function isEmptyContainer(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** A token id list; the range is checked where the vocabulary is known. */
export const tokenIds = z.array(z.int().nonnegative());
