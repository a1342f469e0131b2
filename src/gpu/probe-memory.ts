/** Memory of a device that nobody can be asked about: allocated until it refuses, then given back. */
import type { DeviceMemory } from './memory.ts';

const GIB = 2 ** 30;
/** Of a device that refuses nothing we believe so much. */
const MOST = 256 * GIB;
/** A refusal of less than this ends the search. */
const LEAST = GIB / 16;

/** @param device only its buffers and error scopes are used */
export async function probeMemory(
  device: Pick<GPUDevice, 'createBuffer' | 'pushErrorScope' | 'popErrorScope' | 'limits'>,
) {
  const buffers: GPUBuffer[] = [];
  let bytes = 0;
  try {
    for (let size = Math.min(GIB, device.limits.maxBufferSize); size >= LEAST && bytes < MOST;) {
      device.pushErrorScope('out-of-memory');
      const buffer = device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST });
      if ((await device.popErrorScope()) === null) {
        buffers.push(buffer);
        bytes += size;
      } else {
        size /= 2;
      }
    }
  } finally {
    for (const buffer of buffers) buffer.destroy();
  }
  return { bytes, source: 'what could be allocated' } satisfies DeviceMemory;
}
