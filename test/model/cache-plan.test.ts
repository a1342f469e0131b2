/** What each kind of cache takes: as planned, and as allocated. */
import t from 'tap';
import { openGpu } from '../../src/gpu/device.ts';
import type { CacheLayer } from '../../src/kernels/ops.ts';
import { ReferenceOps } from '../../src/kernels/reference-ops.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import {
  fitsBinding,
  kvBytesPerToken,
  kvCacheBytes,
  kvCacheSpec,
  stateBytesPerRow,
  windowOf,
  type LayerCache,
} from '../../src/model/cache-plan.ts';

const size = { dtype: 'f16', slots: 63, windowSlots: 15, maxRequests: 2, maxLength: 64 } as const;
const latent: LayerCache = { kind: 'latent', rank: 512, ropeDim: 64 };
const full: LayerCache = { kind: 'kv', heads: 16, headDim: 192, window: null };
const windowed: LayerCache = { kind: 'kv', heads: 2, headDim: 64, window: 8 };

/** Bytes of each buffer (or array) that a layer holds, by its name. */
function heldBytes(layer: CacheLayer): Record<string, number> {
  const storage = layer.storage as Record<string, GPUBuffer | Float32Array>;
  const bytes = Object.entries(storage).map(([name, held]) => [name, 'size' in held ? held.size : held.byteLength]);
  return Object.fromEntries(bytes) as Record<string, number>;
}

t.test("MLA's cache is (rank + rope) per token and layer, and nothing else", async (t) => {
  const spec = kvCacheSpec([latent, latent, latent], size);
  t.equal(kvBytesPerToken(spec.layers), 3 * (512 + 64) * 2);
  t.equal(kvCacheBytes(spec), 63 * 3 * (512 + 64) * 2);
  t.equal(windowOf([latent]), null);
  t.same(spec.groups, [{ slots: 63, window: null }]);
  const ops = new WebGPUOps(await openGpu({ validation: true }));
  for (const layer of ops.createKVCache(spec).layers) t.same(heldBytes(layer), { latents: 64 * (512 + 64) * 2 });
  ops.destroy();
  for (const layer of new ReferenceOps().createKVCache(spec).layers)
    t.same(heldBytes(layer), { latents: 64 * (512 + 64) * 4 });
});

t.test('layers of several kinds share a cache, and the slots of those that see everything', async (t) => {
  const spec = kvCacheSpec([full, latent, windowed], size);
  t.same(
    spec.layers.map((layer) => ('group' in layer ? layer.group : null)),
    [0, 0, 1],
  );
  const [ofFull, ofLatent, ofWindow] = [2 * 16 * 192 * 2, 576 * 2, 2 * 2 * 64 * 2];
  t.equal(kvBytesPerToken(spec.layers), ofFull + ofLatent + ofWindow);
  t.equal(kvCacheBytes(spec), 63 * (ofFull + ofLatent) + 15 * ofWindow);
  t.ok(fitsBinding(spec, 64 * 16 * 192 * 2));
  t.notOk(fitsBinding(spec, 64 * 16 * 192 * 2 - 1));
});

t.test('states take rows of requests, whatever the slots', async (t) => {
  const state = { kind: 'state', floats: 100 } as const;
  const spec = kvCacheSpec([full, state, state], { ...size, snapshots: 5 });
  const rows = size.maxRequests + 5;
  t.equal(spec.stateRows, rows);
  t.equal(stateBytesPerRow(spec.layers), 2 * 400);
  t.equal(kvBytesPerToken(spec.layers), kvBytesPerToken(kvCacheSpec([full], size).layers));
  t.equal(kvCacheBytes(spec), kvCacheBytes(kvCacheSpec([full], size)) + rows * 2 * 400);
  t.ok(fitsBinding(kvCacheSpec([state], size), size.maxRequests * 400));
  t.notOk(fitsBinding(kvCacheSpec([state], size), size.maxRequests * 400 - 1));
  t.equal(kvCacheSpec([state], size).groups.length, 1, 'positions are still counted by slots');
  t.equal(kvCacheSpec([full], size).stateRows, undefined);
  const [layer] = new ReferenceOps().createKVCache(kvCacheSpec([state], { ...size, snapshots: 5 })).layers;
  t.same(heldBytes(layer), { states: rows * 400 });
});
