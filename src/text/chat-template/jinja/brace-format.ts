import { TemplateError } from './errors.ts';
import { formatValue, parseFormatSpec } from './format-spec.ts';
import { repr, str } from './print.ts';
import type { Arguments, Keywords, Value } from './values.ts';

const field = /\{\{|\}\}|\{([^{}!:]*)(?:!([rsa]))?(?::([^{}]*(?:\{[^{}]*\}[^{}]*)*))?\}|[{}]/g;

/** `'{} {name:>5}'.format(…)`; `followPath` looks up what stands behind the name in `{a.b[0]}`. */
export function formatBraces(
  format: string,
  args: Arguments,
  keywords: Keywords,
  followPath: (root: Value, path: string) => Value,
): string {
  let next = 0;
  let isNumbered = false;
  const replaceFields = (text: string): string =>
    text.replace(field, (whole: string, path?: string, conversion?: string, spec?: string) => {
      if (whole === '{{' || whole === '}}') return whole[0];
      if (path === undefined) throw new TemplateError(`Single '${whole}' encountered in format string`);
      const [, name, rest] = /^([^.[]*)(.*)$/s.exec(path) as unknown as [string, string, string];
      if (/^\d+$/.test(name)) isNumbered = true;
      if (isNumbered && (next > 0 || name === '')) throw new TemplateError('format(): {} and {0} do not go together');
      const root = name === '' ? args[next++] : /^\d+$/.test(name) ? args[Number(name)] : keywords.get(name);
      if (root === undefined) throw new TemplateError(`format(): no value for {${path}}`);
      const value = followPath(root, rest);
      const shown = conversion === undefined ? value : conversion === 's' ? str(value) : repr(value);
      return formatValue(shown, parseFormatSpec(replaceFields(spec ?? '')));
    });
  return replaceFields(format);
}
