/** What a result was made by: a hash over modules and everything of ours that they import, so that changed code shows. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Static and dynamic imports of relative paths, with what is exported from elsewhere. */
const imports = /(?:\bfrom|\bimport)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g;

/** @param modules that made the result */
export function codeHash(modules: readonly URL[]): string {
  const texts = new Map<string, string>();
  const visit = (url: URL): void => {
    if (texts.has(url.href)) return;
    const text = readFileSync(fileURLToPath(url), 'utf8');
    texts.set(url.href, text);
    for (const [, path] of text.matchAll(imports)) visit(new URL(path, url));
  };
  modules.forEach(visit);
  const hash = createHash('sha256');
  for (const href of [...texts.keys()].sort()) hash.update(texts.get(href)!);
  return hash.digest('hex').slice(0, 16);
}
