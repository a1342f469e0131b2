import { attentionCases } from './attention-cases.ts';
import type { KernelCase } from './case.ts';
import { expertCases } from './expert-cases.ts';
import { indexCases } from './index-cases.ts';
import { latentCases } from './latent-cases.ts';
import { loraCases } from './lora-cases.ts';
import { matmulCases } from './matmul-cases.ts';
import { normCases } from './norm-cases.ts';
import { sampleCases } from './sample-cases.ts';
import { stateCases } from './state-cases.ts';

export const allCases: readonly KernelCase[] = [
  ...normCases,
  ...matmulCases,
  ...expertCases,
  ...loraCases,
  ...indexCases,
  ...attentionCases,
  ...latentCases,
  ...sampleCases,
  ...stateCases,
];
