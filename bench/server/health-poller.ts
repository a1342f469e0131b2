/** Asks for /health every 10 ms from a thread of its own, so that what is late is the server and not the sender of attacks. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const poll = /* js */ `
const { parentPort, workerData } = require('node:worker_threads');
const { Agent, get } = require('node:http');
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
let worst = 0;
const ask = () => {
  const start = performance.now();
  const next = () => { worst = Math.max(worst, performance.now() - start); setTimeout(ask, 10); };
  get(workerData, { agent }, (answer) => answer.resume().on('end', next)).on('error', () => setTimeout(ask, 10));
};
ask();
parentPort.on('message', () => { parentPort.postMessage(worst); worst = 0; });
`;

export class HealthPoller {
  readonly #worker: Worker;

  constructor(port: number) {
    this.#worker = new Worker(poll, { eval: true, workerData: `http://127.0.0.1:${port}/health` });
  }

  /** Milliseconds that the slowest answer took since this was last asked. */
  async worst(): Promise<number> {
    const answer = once(this.#worker, 'message') as Promise<[number]>;
    this.#worker.postMessage(null);
    return (await answer)[0];
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
