/**
 * Waiting for the GPU without burning a core. While any promise is pending, dawn.node polls through `setImmediate` at
 * 100 % of the JS thread, which on a 2-core machine takes half of lavapipe's time. Naps between the turns of the event
 * loop slow that polling down: 2.3x faster steps on lavapipe (docs/log.md). They block the calling thread, so
 * the engine runs in a worker.
 */
const cell = new Int32Array(new SharedArrayBuffer(4));

/** Milliseconds; each nap costs some 15 µs of a core, so a long wait is not made of short naps only. */
const shortestNap = 0.1;
const longestNap = 20;

/** How long the last wait took: steps follow steps like it. */
let lastWait = 0;

export async function waitForGpu<T>(promise: Promise<T>): Promise<T> {
  let done = false;
  const finish = () => {
    done = true;
  };
  promise.then(finish, finish);
  const start = performance.now();
  // The first half of a wait like the last one in one go, then naps of a few per cent of what has passed.
  let nap = Math.min(lastWait / 2, longestNap);
  while (!done) {
    Atomics.wait(cell, 0, 0, Math.max(nap, shortestNap));
    await new Promise((resolve) => setImmediate(resolve));
    nap = Math.min((performance.now() - start) / 32, longestNap);
  }
  lastWait = performance.now() - start;
  return promise;
}
