import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const cache = fileURLToPath(new URL('../../node_modules/.cache/typescript-blanked', import.meta.url));

/** A file's JavaScript; the cache knows it by its path, its size and the time of its last change. */
async function blanked(path) {
  const { mtimeMs, size } = statSync(path);
  const kept = join(cache, `${createHash('sha1').update(`${path} ${mtimeMs} ${size}`).digest('hex')}.js`);
  try {
    return readFileSync(kept, 'utf8');
  } catch {
    const { default: blankSpace } = await import('ts-blank-space');
    const problems = [];
    const source = blankSpace(readFileSync(path, 'utf8'), (node) => problems.push(node.getText()));
    if (problems.length > 0) throw new SyntaxError(`${path}: types cannot be erased from ${problems[0]}`);
    mkdirSync(dirname(kept), { recursive: true });
    const own = `${kept}.${process.pid}.${process.hrtime.bigint()}`;
    writeFileSync(own, source);
    renameSync(own, kept);
    return source;
  }
}

export async function load(url, context, next) {
  const { protocol, pathname } = new URL(url);
  if (protocol !== 'file:' || !/\.m?ts$/.test(pathname)) return next(url, context);
  return { format: 'module', source: await blanked(fileURLToPath(url)), shortCircuit: true };
}
