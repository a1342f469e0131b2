/** Where models are kept. */
import { join } from 'node:path';
import { dawnlightHome } from '../../home.ts';
import { defaultModelSpec } from './default-model.ts';

export function modelsDirectory(home: string = dawnlightHome()): string {
  return join(home, 'models');
}

/** Where the default model's file is, or will be after `pull`. */
export function defaultModelPath(home: string = dawnlightHome()): string {
  return join(modelsDirectory(home), defaultModelSpec.file);
}
