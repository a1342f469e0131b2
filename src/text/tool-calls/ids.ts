/** Call ids in each family's form. */
import { randomBytes } from 'node:crypto';
import type { CallIds } from './types.ts';

const alphanumeric = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** `call_` and 24 hexadecimal digits, as OpenAI's look. */
export const openAiIds: CallIds = {
  make: () => `call_${randomBytes(12).toString('hex')}`,
  valid: /^[\w.:-]{1,64}$/,
};

/** Nine letters and digits: Mistral's templates refuse any other id on the next turn. */
export const mistralIds: CallIds = {
  make: () => Array.from(randomBytes(9), (byte) => alphanumeric.charAt(byte % alphanumeric.length)).join(''),
  valid: /^[a-zA-Z0-9]{9}$/,
};

/** `functions.NAME:INDEX`; Kimi counts over the whole conversation. */
export const kimiIds: CallIds = {
  make: (name, index) => `functions.${name}:${index}`,
  valid: /:\d+$/,
};
