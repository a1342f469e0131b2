/** Call ids in each family's form. */
import { randomBytes } from 'node:crypto';

const alphanumeric = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** `call_` and 24 hexadecimal digits, as OpenAI's look. */
export function openAiId(): string {
  return `call_${randomBytes(12).toString('hex')}`;
}

/** Nine letters and digits: Mistral's templates refuse any other id on the next turn. */
export function mistralId(): string {
  return Array.from(randomBytes(9), (byte) => alphanumeric.charAt(byte % alphanumeric.length)).join('');
}

/** `functions.NAME:INDEX`; Kimi counts over the whole conversation. */
export function kimiId(name: string, index: number): string {
  return `functions.${name}:${index}`;
}
