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
function pathToParam(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}

/**
 * A union reports every branch. The caller meant one whose types fit, if there is one, and among those the one that got
 * furthest into the value.
 */
function bestIssue(issue: Issue): { code: Issue['code']; path: PropertyKey[]; message: string } {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue;
  const firsts = issue.errors.flatMap((branch) => (branch[0] === undefined ? [] : [bestIssue(branch[0])]));
  const fitting = firsts.filter((i) => i.code !== 'invalid_type' && i.code !== 'invalid_value');
  const likely = fitting.length > 0 ? fitting : firsts;
  const deepest = Math.max(...likely.map((i) => i.path.length));
  const candidates = likely.filter((i) => i.path.length === deepest);
  const messages = [...new Set(candidates.map((i) => i.message))];
  const specific = deepest > 0 || messages.length === 1;
  return specific
    ? { ...candidates[0], path: [...issue.path, ...candidates[0].path] }
    : { code: issue.code, path: issue.path, message: messages.join(' or ') };
}
