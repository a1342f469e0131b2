/** How many tokens one step computes where the configuration leaves it open. */
import type { EngineConfig } from '../../config.ts';
import type { KernelSet } from '../../gpu/device.ts';

export interface StepBudget {
  /** Tokens of one step over all requests. */
  readonly batchMaxTokens: number;
  /** Prompt tokens of one request in one step. */
  readonly chunkedPrefillSize: number;
}

/**
 * A running answer waits for the step it shares with others' prompts. A GPU computes a thousand tokens in some tens of
 * milliseconds; two cores under lavapipe take 3.7 s, and lose 2 to 4 % of their speed with 256 at a time (docs/log.md).
 */
const defaults: Record<KernelSet, StepBudget> = {
  gpu: { batchMaxTokens: 1024, chunkedPrefillSize: 512 },
  lavapipe: { batchMaxTokens: 256, chunkedPrefillSize: 256 },
};

type Budgeted = Pick<EngineConfig, 'batchMaxTokens' | 'chunkedPrefillSize' | 'runningMaxReqSize'>;

export function stepBudget(config: Budgeted, kernelSet: KernelSet): StepBudget {
  const { batchMaxTokens, chunkedPrefillSize } = defaults[kernelSet];
  return {
    // Every running request decodes one token a step.
    batchMaxTokens: config.batchMaxTokens ?? Math.max(batchMaxTokens, config.runningMaxReqSize),
    chunkedPrefillSize: config.chunkedPrefillSize ?? chunkedPrefillSize,
  };
}

/** Tokens that one step may have. Without chunks a whole prompt has to fit beside the tokens that decode. */
export function tokensInStep(
  { disableChunkedPrefill, runningMaxReqSize }: Pick<EngineConfig, 'disableChunkedPrefill' | 'runningMaxReqSize'>,
  batchMaxTokens: number,
  maxLength: number,
): number {
  return disableChunkedPrefill ? Math.max(batchMaxTokens, maxLength + runningMaxReqSize) : batchMaxTokens;
}
