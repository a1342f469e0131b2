import { Float } from './values.ts';

const literal = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g;
/** No key of a real object: JSON's escapes cannot make it by chance. */
const mark = '\u{F0001}number';

/**
 * JSON.parse as Python's `json.loads`: 1.0 stays a float and large integers keep all digits.
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  const plain: unknown = JSON.parse(text);
  let isMarked = false;
  const marked = text.replace(literal, (token) => {
    const isFloat = /^-?\d+[.eE]/.test(token);
    if (token.startsWith('"') || (!isFloat && Number.isSafeInteger(Number(token)))) return token;
    isMarked = true;
    return `{"${mark}":"${token}"}`;
  });
  return isMarked ? JSON.parse(marked, revive) : plain;
}

function revive(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !(mark in value)) return value;
  const token = String((value as Record<string, unknown>)[mark]);
  return /[.eE]/.test(token) ? new Float(Number(token)) : BigInt(token);
}
