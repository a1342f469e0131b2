/** `dawnlight serve`: the HTTP server, until a signal ends it. */
import type { EngineConfig, ServerConfig } from '../config.ts';
import { createApp } from '../server/app.ts';
import { checkPort, listen, type Listening } from '../server/listen.ts';
import type { ServerContext } from '../server/context.ts';
import { loadContext } from './load.ts';

export async function serve(engineConfig: EngineConfig, settings: ServerConfig): Promise<void> {
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
  await untilSignal();
  process.stderr.write('Finishing what runs; a second signal stops at once.\n');
  await Promise.all([server.close(), ctx.engine.close()]);
}

function announce(ctx: ServerContext, server: Listening): void {
  const { architecture, adapter, maxTotalTokenNum, maxModelLen } = ctx.engine.info;
  const lines = [
    ['model', `${ctx.modelNames.join(', ')} (${architecture})`],
    ['adapter', adapter],
    ['memory', `KV cache of ${maxTotalTokenNum} tokens, ${maxModelLen} at most in one request`],
    ['serving', `${server.url}/v1 (API reference at ${server.url}/docs)`],
  ];
  process.stdout.write(lines.map(([key = '', value = '']) => `${key.padEnd(8)} ${value}\n`).join(''));
}

function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = (): void => {
      if (asked) process.exit(1);
      asked = true;
      resolve();
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}
