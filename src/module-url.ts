/**
 * URL of the module at `path` (written with `.ts`) as seen from the module `from` (its `import.meta.url`): itself under a
 * TypeScript loader (tests), its `.js` in dist.
 */
export function moduleUrl(path: string, from: string): URL {
  return new URL(from.endsWith('.ts') ? path : path.replace(/\.ts$/, '.js'), from);
}
