/** What the engine alone can time comes into /metrics through its diagnostics channels. */
import { channel } from 'node:diagnostics_channel';
import t from 'tap';
import type { RequestReport, StepReport } from '../../src/engine/client/messages.ts';
import { Metrics } from '../../src/server/http/metrics.ts';
import { FakeEngine } from '../helpers/fake-engine.ts';

const stats = { running: 2, waiting: 0, paused: 1, totalSlots: 100, freeSlots: 10, cachedSlots: 5 };
const step: StepReport = {
  ...{ step: 0, requests: 3, prefillTokens: 64, decodeTokens: 2, admitted: 1, paused: 1 },
  ...{ scheduleTime: 0.1, launchTime: 1, waitTime: 5, updateTime: 0.1 },
  stats,
};
const request: RequestReport = {
  ...{
    requestId: 'a',
    promptTokens: 30,
    completionTokens: 10,
    cachedTokens: 0,
    error: null,
    finishReason: 'stop',
    pauses: 1,
  },
  ...{ queueTime: 2, timeToFirstToken: 42, totalTime: 1042 },
};

t.test('steps and requests of the engine', async (t) => {
  const metrics = new Metrics(new FakeEngine(), 'fake');
  channel('dawnlight:step').publish(step);
  channel('dawnlight:step').publish({ ...step, prefillTokens: 0, paused: 0 });
  channel('dawnlight:request').publish(request);
  channel('dawnlight:request').publish({ ...request, queueTime: null, timeToFirstToken: null });
  const { text } = await metrics.page();
  /** The value of a sample, whatever its default labels. */
  const value = (name: string, label = ''): number => {
    const line = text.split('\n').find((one) => one.startsWith(`${name}{`) && one.includes(label));
    return Number(line?.split(' ').at(-1));
  };
  t.equal(value('vllm:num_preemptions_total'), 1);
  t.equal(value('lightllm_batch_pause_size'), 1);
  t.equal(value('vllm:iteration_tokens_total_sum'), 66 + 2);
  t.equal(value('lightllm_batch_inference_count', 'method="prefill"'), 1);
  t.equal(value('lightllm_batch_inference_count', 'method="decode"'), 1);
  t.equal(value('vllm:request_queue_time_seconds_count'), 1, 'of those that ran');
  t.equal(value('vllm:request_queue_time_seconds_sum'), 0.002);
  t.equal(value('vllm:request_prefill_time_seconds_sum'), 0.04);
  t.equal(value('vllm:request_decode_time_seconds_sum'), 1);
  t.equal(value('vllm:request_inference_time_seconds_sum'), 1.04);
  t.equal(value('lightllm_request_mean_time_per_token_duration_sum').toFixed(6), '0.104000');
});
