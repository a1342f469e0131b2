/** Dawn's instances: each is one choice of toggles and adapter. */
import { create } from 'webgpu';

/** Dropping the object that `create()` returned aborts the process, so every instance is kept for good. */
const instances = new Set<GPU>();

/** @param flags of dawn.node, `NAME=VALUE` */
export function createInstance(flags: readonly string[]): GPU {
  const instance = create([...flags]);
  instances.add(instance);
  return instance;
}
