/** `dawnlight serve`: the HTTP server, until a signal ends it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineConfig, ServerConfig } from '../config.ts';
import { createApp } from '../server/http/app.ts';
import { checkPort, listen, type Listening } from '../server/http/listen.ts';
import type { ServerContext } from '../server/http/context.ts';
import { withApiKeys } from './api-keys.ts';
import { loadContext } from './load.ts';
import { memoryLine } from './memory-lines.ts';
import { logRequests } from './request-log.ts';
import { samplingLine } from './sampling.ts';

export async function serve(engineConfig: EngineConfig, given: ServerConfig): Promise<void> {
  const settings = withApiKeys(given, process.env);
  await checkPort(settings);
  const ctx = await loadContext(engineConfig, settings);
  let server: Listening;
  try {
    server = await listen(createApp(ctx), settings);
  } catch (error) {
    await ctx.engine.close();
    throw error;
  }
  announce(ctx, server);
  if (settings.logRequests) logRequests((line) => void process.stderr.write(line));
  await untilSignal();
  process.stderr.write('Finishing what runs; a second signal stops at once.\n');
  await drain(ctx, server);
}

/** What runs is finished while the door stays open, so that new requests and /health are answered, with 503. */
async function drain({ engine, settings }: ServerContext, server: Listening): Promise<void> {
  const end = performance.now() + settings.drainTimeout * 1000;
  const finished = engine.close();
  await Promise.race([finished, sleep(settings.drainTimeout * 1000, undefined, { ref: false })]);
  // The last bytes of answers may still be on their way.
  await Promise.all([server.close(Math.max(1, (end - performance.now()) / 1000)), finished]);
}

function announce(ctx: ServerContext, server: Listening): void {
  const { architecture, adapter } = ctx.engine.info;
  const lines = [
    ['model', `${ctx.modelNames.join(', ')} (${architecture})`],
    ['adapter', adapter],
    ['memory', memoryLine(ctx.engine.info)],
    ['sampling', samplingLine(ctx)],
    ['serving', `${server.url}/v1 (API reference at ${server.url}/docs)`],
  ];
  process.stdout.write(lines.map(([key = '', value = '']) => `${key.padEnd(8)} ${value}\n`).join(''));
}

/** Milliseconds in which a signal may come to the same process more than once: by its group, and passed on by `npm start`. */
const ECHO = 500;

/** By the signal itself: `process.exit` takes threads down one by one, and Dawn aborts where work is pending. */
function endAtOnce(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked: number | null = null;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (asked === null) resolve();
      asked ??= performance.now();
      if (performance.now() - asked > ECHO) endAtOnce(signal);
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}
