// ESLint rule: no file may import itself through others. Type imports count too, which the rules of eslint-plugin-import
// leave out: a type that needs its user is the same knot for a reader.
import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';

const known = new Map();

/** The files that `file` imports by a relative path. */
function importsOf(file) {
  let imports = known.get(file);
  if (!imports) {
    const text = readFileSync(file, 'utf8');
    const specifiers = [...text.matchAll(/(?:\bfrom|^import)\s+'(\.[^']+\.ts)'/gm)].map((match) => match[1]);
    imports = specifiers.map((specifier) => resolve(dirname(file), specifier));
    known.set(file, imports);
  }
  return imports;
}

/** The shortest way from `from` to `to` along imports, both included, or null. */
export function importPath(from, to) {
  const cameFrom = new Map([[from, null]]);
  for (const file of cameFrom.keys()) {
    if (file === to) {
      const path = [];
      for (let at = to; at !== null; at = cameFrom.get(at)) path.unshift(at);
      return path;
    }
    for (const next of importsOf(file)) if (!cameFrom.has(next)) cameFrom.set(next, file);
  }
  return null;
}

export const noCycle = {
  meta: { type: 'problem', messages: { cycle: 'This import closes a circle: {{ path }}' }, schema: [] },
  create(context) {
    const check = (node) => {
      const specifier = node.source?.value;
      if (typeof specifier !== 'string' || !/^\..*\.ts$/.test(specifier)) return;
      const path = importPath(resolve(dirname(context.filename), specifier), context.filename);
      if (!path) return;
      const names = [context.filename, ...path].map((file) => relative(context.cwd, file));
      context.report({ node, messageId: 'cycle', data: { path: names.join(' → ') } });
    };
    return { ImportDeclaration: check, ExportNamedDeclaration: check, ExportAllDeclaration: check };
  },
};
