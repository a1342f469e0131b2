/**
 * What HTTP costs: one engine in its worker, asked in this process and over the socket in alternating rounds. The
 * clients are a process of their own, as they would be; the HTTP server has this process's main thread.
 */
import { fork } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { loadContext } from '../../src/commands/load.ts';
import { defaultEngineConfig, defaultServerConfig } from '../../src/config.ts';
import type { StepReport } from '../../src/engine/client/messages.ts';
import { defaultSamplingParams, type EngineClient } from '../../src/engine/core/types.ts';
import { createApp } from '../../src/server/http/app.ts';
import { listen } from '../../src/server/http/listen.ts';
import { median } from '../helpers/machine.ts';
import type { StreamJob, StreamTiming } from './stream-client.ts';

export interface OverheadOptions {
  readonly model: string;
  readonly rounds: number;
  readonly batch: number;
  readonly tokens: number;
}

interface Rate {
  /** Tokens per second from the first request to the last token, and from the first token on. */
  readonly whole: number;
  readonly decode: number;
}

export async function overhead({ model, rounds, batch, tokens }: OverheadOptions) {
  const config = {
    ...defaultEngineConfig,
    ...{ modelDir: model, disableDynamicPromptCache: true, maxTotalTokenNum: 32768, tieredStart: false },
  };
  const settings = { ...defaultServerConfig, port: 0 };
  const ctx = await loadContext(config, settings);
  const server = await listen(createApp(ctx), settings);
  const clients = new StreamClients();
  const { engine } = ctx;
  const prompts = (): number[][] => Array.from({ length: batch }, () => promptIds(32));
  const completion = (prompt: number[], max_tokens: number): StreamJob => {
    const body = { prompt, max_tokens, stream: true, temperature: 0, ignore_eos: true };
    return { url: `${server.url}/v1/completions`, body };
  };
  const chat = (i: number): StreamJob => {
    const messages = [
      { role: 'user', content: `Tell me, in a few sentences, about the number ${i} and why you like it.` },
    ];
    const body = { messages, max_tokens: tokens, stream: true, temperature: 0, ignore_eos: true };
    return { url: `${server.url}/v1/chat/completions`, body };
  };
  const prefill = new PrefillClock();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const all: Record<'engine' | 'http' | 'chats', Rate[]> = { engine: [], http: [], chats: [] };
  const ttft: { http: number; engine: number; prefill: number }[] = [];
  await inProcess(engine, prompts(), 4);
  await clients.run(Array.from({ length: batch }, (_, i) => chat(i)));
  for (let round = 0; round < rounds; round++) {
    all.engine.push(rateOf(await inProcess(engine, prompts(), tokens), tokens));
    delay.enable();
    all.http.push(rateOf(await clients.run(prompts().map((p) => completion(p, tokens))), tokens));
    all.chats.push(rateOf(await clients.run(Array.from({ length: batch }, (_, i) => chat(round * batch + i))), tokens));
    delay.disable();
    for (let i = 0; i < 3; i++) {
      const direct = (await inProcess(engine, [promptIds(128)], 2))[0].first;
      const [{ first }] = await clients.run([completion(promptIds(128), 2)]);
      ttft.push({ http: first, engine: direct, prefill: prefill.last });
    }
  }
  const ratio = (a: Rate[], b: Rate[], key: keyof Rate, to: keyof Rate = key): number =>
    median(a.map((rate, i) => rate[key] / b[i][to]));
  const rate = (rates: Rate[]) => ({
    whole: median(rates.map((r) => r.whole)),
    decode: median(rates.map((r) => r.decode)),
  });
  clients.close();
  return {
    mode: 'overhead',
    model: ctx.modelNames[0],
    adapter: engine.info.adapter,
    rounds,
    batch,
    tokens,
    tokensPerSecond: { engine: rate(all.engine), http: rate(all.http), chats: rate(all.chats) },
    httpToEngine: ratio(all.http, all.engine, 'whole'),
    httpToEngineDecode: ratio(all.http, all.engine, 'decode'),
    chatsToRawDecode: ratio(all.chats, all.engine, 'whole', 'decode'),
    ttftMs: {
      http: median(ttft.map((t) => t.http)),
      engine: median(ttft.map((t) => t.engine)),
      prefill: median(ttft.map((t) => t.prefill)),
      httpOverPrefill: median(ttft.map((t) => t.http - t.prefill)),
      httpOverEngine: median(ttft.map((t) => t.http - t.engine)),
    },
    eventLoopDelayMs: { p50: delay.percentile(50) / 1e6, p99: delay.percentile(99) / 1e6, max: delay.max / 1e6 },
  };
}

let seed = 1;
/** Ids of common tokens, another prompt at each call. */
function promptIds(length: number): number[] {
  return Array.from({ length }, () => 1000 + ((seed = (seed * 48271) % 2147483647) % 5000));
}

/** Milliseconds from the start, for each request. */
async function inProcess(engine: EngineClient, prompts: number[][], maxTokens: number): Promise<StreamTiming[]> {
  const params = { ...defaultSamplingParams, temperature: 0, ignoreEos: true, maxTokens };
  const start = performance.now();
  return Promise.all(
    prompts.map(async (ids) => {
      let first = NaN;
      for await (const _ of engine.generate(ids, params)) if (Number.isNaN(first)) first = performance.now() - start;
      return { first, last: performance.now() - start };
    }),
  );
}

function rateOf(timings: readonly StreamTiming[], tokens: number): Rate {
  const [first, last] = [Math.min(...timings.map((t) => t.first)), Math.max(...timings.map((t) => t.last))];
  const all = timings.length * tokens;
  return { whole: (all / last) * 1000, decode: ((all - timings.length) / (last - first)) * 1000 };
}

/** How long the last prefill took: from its schedule to its token, which the overlapped loop reads in the next step. */
class PrefillClock {
  last = NaN;
  #open: number | null = null;

  constructor() {
    subscribe('dawnlight:step', (message) => {
      const { prefillTokens, scheduleTime, launchTime, waitTime } = message as StepReport;
      const step = scheduleTime + launchTime + waitTime;
      if (this.#open !== null) this.last = this.#open + step;
      this.#open = prefillTokens > 0 ? step : null;
    });
  }
}

/** The client process. */
class StreamClients {
  readonly #child = fork(fileURLToPath(new URL('./stream-client.js', import.meta.url)), { execArgv: [] });

  run(jobs: readonly StreamJob[]): Promise<StreamTiming[]> {
    return new Promise((resolve, reject) => {
      this.#child.once('message', (answer: StreamTiming[] | { error: string }) => {
        if ('error' in answer) reject(new Error(answer.error));
        else resolve(answer);
      });
      this.#child.send(jobs);
    });
  }

  close(): void {
    this.#child.disconnect();
  }
}
