/**
 * Callers pass on what they were given themselves: `{ temperature: options.temperature }` says nothing where that is
 * undefined.
 * @returns the defaults, with the given values over them that are not undefined
 */
export function withDefaults<D extends object, G extends object>(defaults: D, given: G): D & G {
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...(Object.fromEntries(known) as G) };
}
