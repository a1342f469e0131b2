/**
 * llama.cpp as a peer, through `node-llama-cpp` installed somewhere outside this repository:
 *   mkdir peer && cd peer && npm init -y && npm install --ignore-scripts node-llama-cpp
 * Its prebuilt CPU binary runs with as many threads as this machine has cores.
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The small part of node-llama-cpp's interface that the benches use. */
export interface PeerSequence {
  clearHistory(): Promise<void>;
  evaluateWithoutGeneratingNewTokens(tokens: readonly number[]): Promise<void>;
  evaluate(tokens: readonly number[], options: { temperature: number }): AsyncGenerator<number>;
  controlledEvaluate(
    input: readonly [number, { generateNext: { logits: true } }][],
  ): Promise<({ next: { logits?: Map<number, number> } } | undefined)[]>;
}

interface PeerModel {
  createContext(options: object): Promise<{ getSequence(): PeerSequence; dispose(): Promise<void> }>;
}

export interface Peer {
  readonly name: string;
  sequences(count: number, contextSize: number): Promise<{ sequences: PeerSequence[]; dispose(): Promise<void> }>;
}

/** @param directory where node-llama-cpp is installed */
export async function loadPeer(directory: string, modelPath: string): Promise<Peer> {
  const root = join(resolve(directory), 'node_modules', 'node-llama-cpp');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const library = (await import(pathToFileURL(join(root, 'dist', 'index.js')).href)) as {
    getLlama(options: object): Promise<{ loadModel(options: object): Promise<PeerModel> }>;
  };
  const threads = cpus().length;
  const llama = await library.getLlama({ gpu: false, build: 'never', maxThreads: threads, logLevel: 'error' });
  const model = await llama.loadModel({ modelPath });
  return {
    name: `llama.cpp (node-llama-cpp ${version}, prebuilt CPU, ${threads} threads)`,
    async sequences(count, contextSize) {
      const context = await model.createContext({ contextSize, threads, batchSize: 512, sequences: count });
      return {
        sequences: Array.from({ length: count }, () => context.getSequence()),
        dispose: () => context.dispose(),
      };
    },
  };
}
