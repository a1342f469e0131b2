// Requests that want much work: the event loop of the HTTP thread is never held for long. What is measured is processor
// time, so a busy machine changes nothing; the bound is five times that of `npm run bench -- server --attack`.
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { type Attack, attacks } from '../helpers/attack-requests.ts';
import { defaultModel } from '../helpers/default-model.ts';
import { MeasuredServer } from '../helpers/measured-server.ts';
import { loopingTemplate, namedAttacks } from '../helpers/named-attacks.ts';

const model = defaultModel();
/** Milliseconds. */
const mostBlocked = 500;
const tries = 3;

async function start(t: Test, options: Parameters<typeof MeasuredServer.start>[1] = {}): Promise<MeasuredServer> {
  const server = await MeasuredServer.start(model.path, options);
  t.teardown(() => server.close());
  return server;
}

/** What it costs at least: a pause of the machine is not the request's. */
async function blockedBy(t: Test, server: MeasuredServer, attack: Attack): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < tries && least > mostBlocked; i++) {
    const { blocked, status } = await server.measure(attack);
    least = Math.min(least, blocked);
    if (status === 500) t.fail(`${attack.shape}: 500`);
  }
  return least;
}

t.test('a hundred attacks of every shape', { skip: model.unavailable }, async (t) => {
  const server = await start(t);
  for (const attack of attacks(1, 100, 10_000)) {
    const blocked = await blockedBy(t, server, attack);
    if (blocked > mostBlocked) t.fail(`${attack.shape}: ${blocked} ms: ${attack.path} ${attack.body?.slice(0, 200)}`);
  }
  t.equal((await fetch(`http://127.0.0.1:${server.port}/health`)).status, 200);
});

t.test('/health answers under each single one', { skip: model.unavailable }, async (t) => {
  const server = await start(t, { chatTemplate: loopingTemplate, seconds: 1 });
  for (const [shape, requests] of Object.entries(namedAttacks)) {
    let over = false;
    let polls = 0;
    const poll = async (): Promise<void> => {
      for (; !over; polls++) {
        const { status } = await fetch(`http://127.0.0.1:${server.port}/health`);
        if (status !== 200) t.fail(`${shape}: /health says ${status}`);
        await sleep(10);
      }
    };
    const polling = poll();
    let most = 0;
    for (const request of requests) most = Math.max(most, await blockedBy(t, server, { shape, ...request }));
    over = true;
    await polling;
    t.ok(most <= mostBlocked, `${shape}: others waited ${Math.round(most)} ms at most, ${polls} polls`);
  }
});
