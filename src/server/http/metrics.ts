/**
 * Prometheus metrics under vLLM's and LightLLM's names, so that their dashboards and autoscalers work unchanged.
 * Counters and histograms are fed by generation.ts, or by the engine (engine-metrics.ts); gauges are read from the
 * engine when /metrics is asked for.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { EngineClient, SamplingParams, Usage } from '../../engine/core/types.ts';
import { observeEngine } from './engine-metrics.ts';

const seconds = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640,
];
const tokens = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000];

/** What one request reports as it runs. */
interface RequestObserver {
  output(newTokens: number, usage: Usage, finishReason: string | null): void;
  /** Called exactly once; a request that had no finish reason by then failed. */
  end(): void;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #engine: EngineClient;
  readonly #gauges;
  readonly #counters;
  readonly #histograms;

  constructor(engine: EngineClient, modelName: string) {
    this.#engine = engine;
    this.#registry.setDefaultLabels({ model_name: modelName, engine: '0' });
    this.#gauges = this.#makeGauges();
    this.#counters = this.#makeCounters();
    this.#histograms = this.#makeHistograms();
    observeEngine(this.#registry, { seconds, tokens });
  }

  /** The text page and its content type. */
  async page(): Promise<{ text: string; contentType: string }> {
    const stats = await this.#engine.stats();
    const used = stats.totalSlots - stats.freeSlots - stats.cachedSlots;
    const { running, waiting, kvUsage, batchSize, queueSize, cacheLength, cacheRatio } = this.#gauges;
    running.set(stats.running);
    waiting.set(stats.waiting + stats.paused);
    kvUsage.set(stats.totalSlots === 0 ? 0 : used / stats.totalSlots);
    batchSize.set(stats.running);
    queueSize.set(stats.waiting + stats.paused);
    cacheLength.set(stats.cachedSlots);
    cacheRatio.set(stats.totalSlots === 0 ? 0 : stats.cachedSlots / stats.totalSlots);
    return { text: await this.#registry.metrics(), contentType: this.#registry.contentType };
  }

  request(promptTokens: number, params: SamplingParams): RequestObserver {
    const [c, h] = [this.#counters, this.#histograms];
    const started = performance.now();
    let [firstAt, lastAt] = [0, 0];
    let usage: Usage | null = null;
    let finished: string | null = null;
    c.requestCount.inc();
    h.promptTokens.observe(promptTokens);
    h.inputLength.observe(promptTokens);
    h.maxTokensParam.observe(params.maxTokens);
    h.maxNewTokens.observe(params.maxTokens);
    return {
      output: (newTokens, newUsage, finishReason) => {
        const now = performance.now();
        if (newTokens > 0 && firstAt === 0) {
          firstAt = now;
          h.timeToFirstToken.observe((now - started) / 1000);
          h.firstTokenDuration.observe((now - started) / 1000);
        } else if (newTokens > 0) {
          h.interTokenLatency.observe((now - lastAt) / 1000 / newTokens);
        }
        if (newTokens > 0) lastAt = now;
        c.generationTokens.inc(newTokens);
        c.lightllmGenerationTokens.inc(newTokens);
        [usage, finished] = [newUsage, finishReason];
      },
      end: () => {
        const elapsed = (performance.now() - started) / 1000;
        if (usage !== null) {
          c.promptTokens.inc(usage.promptTokens);
          c.lightllmPromptTokens.inc(usage.promptTokens);
          c.promptTokensCached.inc(usage.cachedTokens);
          c.prefixQueries.inc(usage.promptTokens);
          c.prefixHits.inc(usage.cachedTokens);
          h.generationTokens.observe(usage.completionTokens);
          h.outputLength.observe(usage.completionTokens);
          if (usage.completionTokens > 1) {
            h.timePerOutputToken.observe((lastAt - firstAt) / 1000 / (usage.completionTokens - 1));
          }
        }
        h.e2eLatency.observe(elapsed);
        h.requestDuration.observe(elapsed);
        c.requestSuccess.inc({ finished_reason: finished ?? 'error' });
        (finished === null ? c.requestFailure : c.requestOk).inc();
      },
    };
  }

  #counter<L extends string = never>(name: string, help: string, labelNames: L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #gauge(name: string, help: string): Gauge {
    return new Gauge({ name, help, registers: [this.#registry] });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.#registry] });
  }

  #makeGauges() {
    return {
      running: this.#gauge('vllm:num_requests_running', 'Requests in the running batch.'),
      waiting: this.#gauge('vllm:num_requests_waiting', 'Requests that wait for slots, paused ones included.'),
      kvUsage: this.#gauge('vllm:kv_cache_usage_perc', 'Share of KV slots that running requests hold; 1 is all.'),
      batchSize: this.#gauge('lightllm_batch_current_size', 'Requests in the running batch.'),
      queueSize: this.#gauge('lightllm_queue_size', 'Requests that wait.'),
      cacheLength: this.#gauge('lightllm_cache_length', 'KV slots held by the prefix cache alone.'),
      cacheRatio: this.#gauge('lightllm_cache_ratio', 'Share of KV slots held by the prefix cache alone.'),
    };
  }

  #makeCounters() {
    return {
      promptTokens: this.#counter('vllm:prompt_tokens_total', 'Prompt tokens of finished requests.'),
      generationTokens: this.#counter('vllm:generation_tokens_total', 'Tokens generated.'),
      requestSuccess: this.#counter('vllm:request_success_total', 'Ended requests by finish reason.', [
        'finished_reason',
      ]),
      prefixQueries: this.#counter('vllm:prefix_cache_queries_total', 'Prompt tokens looked up in the prefix cache.'),
      prefixHits: this.#counter('vllm:prefix_cache_hits_total', 'Prompt tokens found in the prefix cache.'),
      promptTokensCached: this.#counter(
        'vllm:prompt_tokens_cached_total',
        'Prompt tokens of finished requests that came from the prefix cache.',
      ),
      lightllmPromptTokens: this.#counter('lightllm_prompt_tokens_total', 'Prompt tokens of finished requests.'),
      lightllmGenerationTokens: this.#counter('lightllm_generation_tokens_total', 'Tokens generated.'),
      requestCount: this.#counter('lightllm_request_count', 'Requests started.'),
      requestOk: this.#counter('lightllm_request_success', 'Requests that ended with a finish reason.'),
      requestFailure: this.#counter('lightllm_request_failure', 'Requests that failed or lost their client.'),
    };
  }

  #makeHistograms() {
    return {
      timeToFirstToken: this.#histogram('vllm:time_to_first_token_seconds', 'Arrival to first token.', seconds),
      interTokenLatency: this.#histogram('vllm:inter_token_latency_seconds', 'Between two tokens.', seconds),
      timePerOutputToken: this.#histogram(
        'vllm:request_time_per_output_token_seconds',
        'Mean of a request, first token excluded.',
        seconds,
      ),
      e2eLatency: this.#histogram('vllm:e2e_request_latency_seconds', 'Arrival to end.', seconds),
      promptTokens: this.#histogram('vllm:request_prompt_tokens', 'Prompt length.', tokens),
      generationTokens: this.#histogram('vllm:request_generation_tokens', 'Output length.', tokens),
      maxTokensParam: this.#histogram('vllm:request_params_max_tokens', 'Longest output allowed.', tokens),
      maxNewTokens: this.#histogram('lightllm_request_max_new_tokens', 'Longest output allowed.', tokens),
      requestDuration: this.#histogram('lightllm_request_duration', 'Arrival to end in seconds.', seconds),
      firstTokenDuration: this.#histogram(
        'lightllm_request_first_token_duration',
        'Arrival to first token in seconds.',
        seconds,
      ),
      inputLength: this.#histogram('lightllm_request_input_length', 'Prompt length.', tokens),
      outputLength: this.#histogram('lightllm_request_generated_tokens', 'Output length.', tokens),
    };
  }
}
