/** Attacks by seed against a server over a FakeEngine: what each costs the HTTP thread, and server and workers per byte. */
import { type Attack, attacks } from '../../test/helpers/attack-requests.ts';
import { type Cost, MeasuredServer } from '../../test/helpers/measured-server.ts';
import { loopingTemplate, namedAttacks } from '../../test/helpers/named-attacks.ts';
import { HealthPoller } from './health-poller.ts';

/** Milliseconds of processor time for which nobody else is answered. */
const mostBlocked = 100;
/** Milliseconds of processor time of one request, whatever its size, and for each kB of it. */
const [mostCpu, mostPerKb] = [12_000, 20];
/** A request over the budget is sent so often; what it cost least counts, since others share the caches. */
const tries = 3;

interface Found extends Cost {
  readonly shape: string;
  readonly head: string;
}

const allowedCpu = (bytes: number): number => mostCpu + (mostPerKb * bytes) / 1000;
const isOver = ({ blocked, cpu, bytes, status }: Cost): boolean =>
  blocked > mostBlocked || cpu > allowedCpu(bytes) || (status ?? 0) === 500;

export async function attack(requests: number, seed: number, model: string) {
  const named = await health(model);
  let server = await MeasuredServer.start(model);
  const start = performance.now();
  const statuses: Record<string, number> = {};
  const worst = new Map<string, Found>();
  const faults: Found[] = [];
  let [bytes, cpu] = [0, 0];
  for (const sent of attacks(seed, requests)) {
    const found = await costOf(server, sent);
    if (found.status === 0) server = await MeasuredServer.start(model);
    bytes += found.bytes;
    cpu += found.cpu;
    statuses[found.status ?? 'left'] = (statuses[found.status ?? 'left'] ?? 0) + 1;
    if (isOver(found) || found.status === 0) {
      faults.push(found);
      console.error(JSON.stringify(found));
    }
    if (found.blocked > (worst.get(sent.shape)?.blocked ?? 0)) worst.set(sent.shape, found);
  }
  await server.close();
  const byBlocked = [...worst.values()].sort((a, b) => b.blocked - a.blocked).map(shown);
  return {
    mode: 'attack',
    requests,
    seed,
    seconds: Math.round((performance.now() - start) / 1000),
    megabytes: Math.round(bytes / 1e6),
    cpuSeconds: Math.round(cpu / 1000),
    statuses,
    budget: { mostBlocked, mostCpu, mostPerKb },
    healthMs: named,
    worst: byBlocked.slice(0, 8),
    faults: faults.map(shown).slice(0, 20),
    passed: faults.length === 0,
  };
}

/** The slowest answer of /health in milliseconds (wall: only a quiet machine says something) under each known attack. */
async function health(model: string): Promise<Record<string, number>> {
  const server = await MeasuredServer.start(model, { chatTemplate: loopingTemplate });
  const poller = new HealthPoller(server.port);
  const worst: Record<string, number> = {};
  for (const [shape, sent] of Object.entries(namedAttacks)) {
    await poller.worst();
    for (const request of sent) await server.measure({ shape, ...request });
    worst[shape] = Math.round(await poller.worst());
  }
  await poller.close();
  await server.close();
  return worst;
}

/** Status 0: the server is gone. */
async function costOf(server: MeasuredServer, sent: Attack): Promise<Found> {
  const head = `${sent.path.slice(0, 60)} ${(sent.body ?? '').slice(0, 300)}`;
  const costs: Cost[] = [];
  for (let i = 0; i < tries; i++) {
    try {
      costs.push(await server.measure(sent));
    } catch {
      return { shape: sent.shape, head, blocked: 0, cpu: 0, bytes: sent.body?.length ?? 0, status: 0 };
    }
    if (!isOver(costs[i])) break;
  }
  const blocked = Math.min(...costs.map((cost) => cost.blocked));
  const cpu = Math.min(...costs.map((cost) => cost.cpu));
  return { ...costs[0], blocked, cpu, shape: sent.shape, head };
}

const shown = ({ head, blocked, ...rest }: Found) => ({
  ...rest,
  blocked: Math.round(blocked),
  head: head.slice(0, 120),
});
