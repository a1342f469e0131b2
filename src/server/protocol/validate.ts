/** Request body → typed value, or EngineError `invalid_value` whose `param` is the field's path. */
import type { z } from 'zod';
import { EngineError } from '../../errors.ts';

type Issue = z.core.$ZodIssue;

export function validate<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const { path, message } = bestIssue(result.error.issues[0]);
  const param = pathToParam(path);
  throw new EngineError('invalid_value', param === '' ? message : `${param}: ${message}`, { param: param || null });
}

/** `['messages', 0, 'content']` → `messages[0].content` */
export function pathToParam(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}

/** A union reports every branch; the branch that got furthest into the value is the one the caller meant. */
function bestIssue(issue: Issue): { path: PropertyKey[]; message: string } {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue;
  const firsts = issue.errors.flatMap((branch) => (branch[0] === undefined ? [] : [bestIssue(branch[0])]));
  const deepest = Math.max(...firsts.map((i) => i.path.length));
  const candidates = firsts.filter((i) => i.path.length === deepest);
  const messages = [...new Set(candidates.map((i) => i.message))];
  const specific = deepest > 0 || messages.length === 1;
  return specific
    ? { path: [...issue.path, ...candidates[0].path], message: candidates[0].message }
    : { path: issue.path, message: messages.join(' or ') };
}
