/** Prometheus metrics that only the engine can time: they are fed from its diagnostics channels (engine/client/messages.ts). */
import { subscribe } from 'node:diagnostics_channel';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { RequestReport, StepReport } from '../../engine/client/messages.ts';

interface Buckets {
  readonly seconds: number[];
  readonly tokens: number[];
}

/** Registers them, and observes every engine of this process from now on. */
export function observeEngine(registry: Registry, buckets: Buckets): void {
  observeSteps(registry, buckets);
  observeRequests(registry, buckets);
}

function observeSteps(registry: Registry, { tokens }: Buckets): void {
  const registers = [registry];
  const preemptions = new Counter({
    name: 'vllm:num_preemptions_total',
    help: 'Requests paused for lack of KV slots.',
    registers,
  });
  const iterationTokens = new Histogram({
    name: 'vllm:iteration_tokens_total',
    help: 'Tokens computed in one step.',
    buckets: tokens,
    registers,
  });
  const batches = new Counter({
    name: 'lightllm_batch_inference_count',
    help: 'Steps by what was in them; prefill when a prompt was.',
    labelNames: ['method'],
    registers,
  });
  const paused = new Gauge({ name: 'lightllm_batch_pause_size', help: 'Requests that are paused.', registers });
  subscribe('dawnlight:step', (message) => {
    const step = message as StepReport;
    preemptions.inc(step.paused);
    paused.set(step.stats.paused);
    if (step.requests === 0) return;
    iterationTokens.observe(step.prefillTokens + step.decodeTokens);
    batches.inc({ method: step.prefillTokens > 0 ? 'prefill' : 'decode' });
  });
}

function observeRequests(registry: Registry, { seconds }: Buckets): void {
  const histogram = (name: string, help: string): Histogram =>
    new Histogram({ name, help, buckets: seconds, registers: [registry] });
  const queue = histogram('vllm:request_queue_time_seconds', 'Arrival to first step.');
  const lightllmQueue = histogram('lightllm_request_queue_duration_bucket', 'Arrival to first step in seconds.');
  const inference = histogram('vllm:request_inference_time_seconds', 'First step to end.');
  const prefill = histogram('vllm:request_prefill_time_seconds', 'First step to first token.');
  const decode = histogram('vllm:request_decode_time_seconds', 'First token to end.');
  const perToken = histogram('lightllm_request_mean_time_per_token_duration', 'First step to end, per token.');
  subscribe('dawnlight:request', (message) => {
    const { queueTime, timeToFirstToken, totalTime, completionTokens } = message as RequestReport;
    if (queueTime === null) return;
    queue.observe(queueTime / 1000);
    lightllmQueue.observe(queueTime / 1000);
    inference.observe((totalTime - queueTime) / 1000);
    if (timeToFirstToken === null) return;
    prefill.observe((timeToFirstToken - queueTime) / 1000);
    decode.observe((totalTime - timeToFirstToken) / 1000);
    perToken.observe((totalTime - queueTime) / 1000 / completionTokens);
  });
}
