/** How much a step may compute: nothing that the device cannot bind, dispatch or hold. */
import type { EngineConfig } from '../../config.ts';
import { EngineError } from '../../errors.ts';
import type { OpenModel } from '../../model/files/open-model.ts';
import { measureStep, type MeasuredStep } from '../../model/weights/memory-plan.ts';
import type { WeightPlan } from '../../model/weights/weight-plan.ts';
import { MAX_PROMPT_ROWS } from '../scheduling/scheduler.ts';
import { stepBudget, tokensInStep } from '../scheduling/step-budget.ts';
import type { AdapterFacts } from './adapter-facts.ts';
import { most } from './most.ts';

export interface StepPlan {
  readonly batchMaxTokens: number;
  /** Rows of logits for scoring prompts, beside one for each running request. */
  readonly promptRows: number;
  /** Tokens of the longest request. */
  readonly longest: number;
  readonly measured: MeasuredStep;
  readonly notes: readonly string[];
}

/** Some kernels have a workgroup a token, and a dispatch has so many in one direction. */
const MOST_TOKENS = 65_535;

/**
 * @param longest tokens of the longest request that the model or a flag allows
 * @param free bytes that are left beside the weights
 * @throws EngineError bad_flag
 */
export function planStep(
  opened: OpenModel,
  weights: WeightPlan,
  config: EngineConfig,
  { kernelSet, maxBinding }: AdapterFacts,
  { activations, longest, free }: { activations: 'f32' | 'int8'; longest: number; free: number },
): StepPlan {
  const { runningMaxReqSize: running, disableChunkedPrefill } = config;
  const { batchMaxTokens: wanted } = stepBudget(config, kernelSet);
  // Logits of requests and those of prompts are two products.
  const rowsFit = weights.readScoreHead ? Infinity : Math.floor(maxBinding / (4 * opened.config.vocabSize));
  if (rowsFit < running) {
    const message = `--running_max_req_size ${running}: logits of so many requests do not fit a binding of this device; ${rowsFit} do`;
    throw new EngineError('bad_flag', message, { param: 'running_max_req_size' });
  }
  const promptRows = Math.min(MAX_PROMPT_ROWS, rowsFit);
  const known = new Map<number, MeasuredStep>();
  const measure = (tokens: number): MeasuredStep => {
    const step =
      known.get(tokens) ?? measureStep(opened, weights, { tokens, logits: running + promptRows, activations });
    known.set(tokens, step);
    return step;
  };
  const isBound = (tokens: number) => tokens <= MOST_TOKENS && measure(tokens).largestActivation <= maxBinding;
  const batchMaxTokens = isBound(wanted) ? wanted : most(wanted, isBound);
  const lower = `a step of this device has ${batchMaxTokens} tokens at most`;
  // More than all prompts' chunks and all answers nobody needs, and nobody who gave no number asked for it.
  const isFine = batchMaxTokens === MOST_TOKENS || (config.batchMaxTokens === null && batchMaxTokens >= running);
  if (batchMaxTokens < wanted && !isFine)
    throw new EngineError('bad_flag', `--batch_max_tokens ${wanted}: ${lower}`, { param: 'batch_max_tokens' });
  const own = batchMaxTokens < wanted ? [`--batch_max_tokens ${batchMaxTokens}, not ${wanted}: ${lower}`] : [];
  const plan = (length: number, notes: readonly string[]): StepPlan => {
    const measured = measure(tokensInStep(config, batchMaxTokens, length));
    return { batchMaxTokens, promptRows, longest: length, measured, notes: [...own, ...notes] };
  };
  if (!disableChunkedPrefill) return plan(longest, []);
  // What a step leaves is the cache's: half, where nobody says how long a request is.
  const mostBytes = Math.max(0, free) / (config.maxReqTotalLen === null ? 2 : 1);
  const isStep = (length: number) => isBound(length + running) && measure(length + running).step <= mostBytes;
  if (isStep(longest)) return plan(longest, []);
  const fits = most(longest, isStep);
  const why = `without chunks (--disable_chunked_prefill) a prompt is one step, and ${fits} tokens fit this device`;
  if (fits >= 1 && config.maxReqTotalLen === null) return plan(fits, [`context: ${fits} of ${longest} tokens: ${why}`]);
  throw new EngineError('bad_flag', `--max_req_total_len ${longest}: ${why}`, { param: 'max_req_total_len' });
}
