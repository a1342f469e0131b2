import type { KVDtype } from '../../src/kernels/ops.ts';

/** What is measured; the first is what the others' times are compared with. */
export const dtypes = ['f16', 'int8', 'int4'] as const satisfies readonly KVDtype[];

/** llama.cpp's names, of keys and values alike. */
export const peerDtypes = ['F16', 'Q8_0', 'Q4_0'] as const;
