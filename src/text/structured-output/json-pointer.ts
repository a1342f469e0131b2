/** JSON pointers (RFC 6901) in fragments of URIs, as `$ref` has them: `#/$defs/a~1b`. */

/** @param decode of what `%` writes. @throws URIError where that is malformed */
export function pointerKeys(fragment: string, decode = decodeURIComponent): string[] {
  const parts = fragment.replace(/^#/, '').split('/').filter(Boolean);
  return parts.map((part) => decode(part).replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** A key as a part of a pointer. */
export const inPointer = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

/** What `keys` lead to from `root` on; undefined for nothing. */
export function pointedTo(root: unknown, keys: readonly string[]): unknown {
  return keys.reduce(
    (at, key) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, key)
        ? (at as Record<string, unknown>)[key]
        : undefined,
    root,
  );
}
