import type { Lora } from '../ops.ts';

/** Adapters of a linear layer on the device. */
export interface GpuLora extends Lora {
  readonly storage: {
    /** Texels of all slots: lora-layout.ts. */
    readonly weights: GPUBuffer | GPUTexture;
    /** What kernels bind. */
    readonly bound: GPUBuffer | GPUTextureView;
  };
}
