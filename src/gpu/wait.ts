/**
 * Waiting for the GPU without burning a core. While any promise is pending, dawn.node polls through `setImmediate` at
 * 100 % of the JS thread, which on a 2-core machine takes half of lavapipe's time. One nap in each turn of the event
 * loop slows that polling down: 2.3x faster steps on lavapipe (docs/log.md). It blocks the calling thread, so
 * the engine runs in a worker.
 */
const cell = new Int32Array(new SharedArrayBuffer(4));

/** Milliseconds: about half of what a wake-up costs anyway. */
const NAP = 0.1;

export async function waitForGpu<T>(promise: Promise<T>): Promise<T> {
  let done = false;
  const finish = () => {
    done = true;
  };
  promise.then(finish, finish);
  while (!done) {
    Atomics.wait(cell, 0, 0, NAP);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return promise;
}
