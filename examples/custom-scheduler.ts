/** An admission policy of your own: at most two requests that are still short of ten tokens, so that answers start in order. */
import { subscribe } from 'node:diagnostics_channel';
import { LLM, type AdmissionPolicy, type PoolLoad, type RequestLoad } from 'dawnlight';

class GentleStart implements AdmissionPolicy {
  readonly name = 'gentle-start';
  #starting = 0;
  #room = 0;

  begin(pool: PoolLoad, running: readonly RequestLoad[]): void {
    this.#starting = running.filter((load) => load.generated < 10).length;
    this.#room = pool.capacity - pool.shared - running.reduce((sum, load) => sum + load.held, 0);
  }

  admit(candidate: RequestLoad): boolean {
    if (this.#starting >= 2 || candidate.held > this.#room) return false;
    this.#starting++;
    this.#room -= candidate.held;
    return true;
  }

  observe(): void {
    // A policy that learns from finished requests would do it here.
  }
}

const llm = await LLM.load(process.argv[2] ?? 'path/to/model', { maxTotalTokenNum: 4096, policy: new GentleStart() });

let last = '';
subscribe('dawnlight:step', (message) => {
  const { stats } = message as { stats: { running: number; waiting: number } };
  const line = `${stats.running} running, ${stats.waiting} waiting`;
  if (line !== last) console.log(line);
  last = line;
});

async function count(prompt: string): Promise<number> {
  let tokens = 0;
  for await (const chunk of llm.generate(prompt, { maxTokens: 30, ignoreEos: true })) tokens += chunk.tokenIds.length;
  return tokens;
}
console.log(await Promise.all(['One', 'Two', 'Three', 'Four', 'Five', 'Six'].map(count)));
await llm.close();
