/** Whether a device takes what it is given: such errors do not count as a failure of the device. */

/** @param body hands something to the device; what comes after it returned is not looked at */
export function watched<T>(
  device: GPUDevice,
  body: () => T,
): { readonly result: T; readonly refusal: Promise<GPUError | null> } {
  device.pushErrorScope('internal');
  device.pushErrorScope('validation');
  const result = body();
  const errors = Promise.all([device.popErrorScope(), device.popErrorScope()]);
  return { result, refusal: errors.then((all) => all.find((error) => error !== null) ?? null) };
}
