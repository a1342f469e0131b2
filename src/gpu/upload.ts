/**
 * Keeps the memory of uploads bounded. Dawn copies every writeBuffer and writeTexture into a staging buffer of its own,
 * which it frees only when the device has taken it, so a loader that never waits holds the weights twice.
 */
import { waitForGpu } from './wait.ts';

/** Bytes that may be staged at a time. */
const MAX_STAGED = 16 << 20;

const staged = new WeakMap<GPUDevice, number>();

/** To be called behind each write of `bytes`; waits for the device whenever as much as is allowed is staged. */
export async function stagedBytes(device: GPUDevice, bytes: number): Promise<void> {
  const total = (staged.get(device) ?? 0) + bytes;
  staged.set(device, total < MAX_STAGED ? total : 0);
  if (total >= MAX_STAGED) await waitForGpu(device.queue.onSubmittedWorkDone());
}
