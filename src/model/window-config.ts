/** How a config says which layers see a window only. */
import { z } from 'zod';
import { count, readKeys, type ConfigSource } from './config.ts';
import { notReadable } from './files/model-file.ts';

const layerTypeKeys = z.object({
  layer_types: z.array(z.enum(['full_attention', 'sliding_attention'])).nullish(),
});

/** Which layers have a window, where config.json says so layer by layer; null where it does not. */
export function layerTypes(source: ConfigSource, numHiddenLayers: number) {
  const { layer_types } = readKeys(source, layerTypeKeys);
  if (layer_types && layer_types.length !== numHiddenLayers)
    throw notReadable(source.file, `layer_types has ${layer_types.length} entries for ${numHiddenLayers} layers`);
  return layer_types ?? null;
}

const windowKeys = z.object({
  sliding_window: count.nullish(),
  sliding_window_pattern: z.union([count, z.string().regex(/^[LG]+$/, 'expected letters L and G')]).nullish(),
});

/**
 * Per layer: how many keys a query sees, itself included; null sees all. Where layer_types does not say it, every n-th layer
 * sees everything, or those that are G in a pattern like LLLG (EXAONE 4).
 */
export function readWindows(
  source: ConfigSource,
  numHiddenLayers: number,
  defaults: { readonly window: number; readonly fullEvery: number },
): (number | null)[] {
  const c = readKeys(source, windowKeys);
  const types = layerTypes(source, numHiddenLayers);
  const window = c.sliding_window === undefined ? defaults.window : c.sliding_window;
  const pattern = c.sliding_window_pattern ?? defaults.fullEvery;
  const inPattern = (i: number) =>
    typeof pattern === 'string' ? pattern[i % pattern.length] === 'L' : (i + 1) % pattern !== 0;
  const slides = (i: number) => (types ? types[i] === 'sliding_attention' : inPattern(i));
  return Array.from({ length: numHiddenLayers }, (_, i) => (slides(i) ? window : null));
}
