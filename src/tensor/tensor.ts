/** Shapes, dtypes and the opaque tensor handle: data and shapes, no arithmetic. */

/** Element types of activations and step inputs. `q8` is an activation quantized to int8 in groups of 32. */
export type DType = 'f32' | 'f16' | 'u32' | 'q8';

export type Shape = readonly number[];

/** Number of elements of a shape; 1 for a scalar. */
export function numel(shape: Shape): number {
  return shape.reduce((n, d) => n * d, 1);
}

/**
 * An activation or a vector that one backend owns. `storage` is that backend's business (a Float32Array for
 * ReferenceOps, a slice of a GPU buffer for WebGPUOps); nobody else looks inside.
 */
export interface Tensor {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly storage: unknown;
}
