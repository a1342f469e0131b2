// Buffers of a step: the same requests get the same buffers again, in whatever order they came back.
import t from 'tap';
import { BufferPool } from '../../src/gpu/buffer-pool.ts';
import { shuffled } from '../helpers/random.ts';

let created = 0;
const device = { createBuffer: (descriptor: object) => ({ ...descriptor, number: created++ }) } as unknown as GPUDevice;
Object.assign(globalThis, { GPUBufferUsage: { STORAGE: 1, COPY_SRC: 2, COPY_DST: 4 } });

t.test('no buffer is larger than what can be bound, as long as its content is not', async (t) => {
  const pool = new BufferPool(device, 5000);
  t.equal(pool.take(4097).bytes, 5000);
  t.equal(pool.take(3000).bytes, 4096);
  t.equal(pool.take(5001).bytes, 8192, 'what cannot be bound is its caller’s to refuse');
  created = 0;
});

t.test('buffers are reused in the same order', async (t) => {
  const pool = new BufferPool(device);
  const sizes = [100, 256, 300, 5000, 257, 1, 4097, 512];
  const first = sizes.map((bytes) => pool.take(bytes));
  for (let round = 0; round < 20; round++) {
    for (const i of shuffled(round, sizes.length)) pool.give(first[i]);
    pool.give(first[0]);
    const again = sizes.map((bytes) => pool.take(bytes));
    t.ok(again.every((pooled, i) => pooled === first[i]));
  }
  t.equal(created, sizes.length);
  t.ok(first.every(({ bytes }, i) => bytes >= sizes[i] && bytes < 2 * Math.max(sizes[i], 256)));
  t.equal(
    pool.totalBytes,
    first.reduce((sum, { bytes }) => sum + bytes, 0),
  );
});
