/** Entry of the engine's thread: loads the model, then lets an EngineLoop talk with the client over the port. */
import { parentPort, workerData } from 'node:worker_threads';
import { EngineCore } from '../core/engine-core.ts';
import { EngineLoop } from '../core/engine-loop.ts';
import { GrammarThreads } from '../grammar/grammar-threads.ts';
import { EngineError } from '../../errors.ts';
import type { EngineLoader, FirstMessage, TokenFacts, WorkerData } from './engine-transport.ts';
import { toErrorMessage, type EngineCommand, type EngineMessage } from './messages.ts';

if (!parentPort) throw new Error('engine-worker.ts runs as a worker thread only');
const port = parentPort;
const post = (message: EngineMessage): void => port.postMessage(message);
const { config, loader, faultInjection } = workerData as WorkerData;

const tokens = new Promise<TokenFacts>((resolve, reject) => {
  port.once('message', (facts: FirstMessage) => {
    if (facts) resolve(facts);
    else reject(new EngineError('aborted', 'The engine is not wanted any more.'));
  });
});
const endTokenIds = tokens.then((facts) => facts.endTokenIds);
// Whoever needs it meets the error; nobody may have come that far.
endTokenIds.catch(() => undefined);

const onProgress = (done: number, total: number): void => post({ type: 'progress', done, total });

try {
  const { loadEngine } = (await import(loader)) as { loadEngine: EngineLoader };
  const { info, runner } = await loadEngine(config, onProgress, { endTokenIds });
  const core = new EngineCore({ config, info, runner });
  const { vocabulary } = await tokens;
  const constraints = vocabulary ? new GrammarThreads(vocabulary, info.eosTokenIds) : null;
  const loop = new EngineLoop(core, post, { faultInjection, exit: () => process.exit(1), constraints });
  port.on('message', (command: EngineCommand) => loop.handle(command));
  post({ type: 'ready', info });
  await loop.run();
} catch (error) {
  post({ type: 'dead', error: toErrorMessage(error) });
}
port.close();
