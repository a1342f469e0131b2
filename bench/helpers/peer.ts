/**
 * Programs that Dawnlight is measured beside, from npm. None is a dependency: each is installed outside this repository, into
 * Dawnlight's cache or where `--peer DIR` says.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { dawnlightHome } from '../../src/home.ts';
import { EngineError } from '../../src/errors.ts';

/** Versions that results in bench/results/ were made with, so that a later run is comparable. */
const versions = { 'node-llama-cpp': '3.22.1', 'partial-json': '0.1.7' } as const;
type PeerName = keyof typeof versions;

/** The folder in the cache that has the peer in its node_modules; installed there first where it is missing. */
function installed(name: PeerName): string {
  const directory = join(dawnlightHome(), 'peers', `${name}-${versions[name]}`);
  if (existsSync(directory)) return directory;
  console.error(`installing ${name} ${versions[name]} into ${directory}`);
  // Made beside its place and moved there whole, so that a broken-off run leaves no half of it.
  const unfinished = `${directory}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  writeFileSync(join(unfinished, 'package.json'), '{"private":true}');
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status, stderr } = spawnSync('npm', ['install', ...flags, `${name}@${versions[name]}`], {
    cwd: unfinished,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status === 0 && !existsSync(directory)) renameSync(unfinished, directory);
  rmSync(unfinished, { recursive: true, force: true });
  if (status === 0) return directory;
  throw new EngineError('download_failed', `--peer: npm could not install ${name}: ${(stderr ?? '').trim()}`);
}

/** @param directory where the peer is installed; '' for the cache */
export async function importPeer<T>(name: PeerName, directory: string): Promise<{ library: T; version: string }> {
  const root = join(resolve(directory === '' ? installed(name) : directory), 'node_modules', name);
  if (!existsSync(root))
    throw new EngineError('bad_flag', `--peer: ${root} does not exist; without a directory it is installed`);
  const { version, main } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string;
    main: string;
  };
  return { version, library: (await import(pathToFileURL(join(root, main)).href)) as T };
}

/** The small part of node-llama-cpp's interface that the benches use. */
export interface PeerSequence {
  clearHistory(): Promise<void>;
  evaluateWithoutGeneratingNewTokens(tokens: readonly number[]): Promise<void>;
  evaluate(
    tokens: readonly number[],
    options: { temperature: number; topK?: number; topP?: number; minP?: number; seed?: number },
  ): AsyncGenerator<number>;
  controlledEvaluate(
    input: readonly (number | [number, { generateNext: { logits: true } }])[],
  ): Promise<({ next: { logits?: Map<number, number> } } | undefined)[]>;
}

interface PeerModel {
  createContext(options: object): Promise<{ getSequence(): PeerSequence; dispose(): Promise<void> }>;
}

export interface Peer {
  readonly name: string;
  /** @param kvType what keys and values are stored as, by ggml's name; null: as the library has it */
  sequences(
    count: number,
    contextSize: number,
    kvType?: string | null,
  ): Promise<{ sequences: PeerSequence[]; dispose(): Promise<void> }>;
}

/**
 * llama.cpp, by the prebuilt CPU binary of node-llama-cpp, with as many threads as this machine has cores.
 * @param directory as for `importPeer`
 */
export async function loadPeer(directory: string, modelPath: string, threads = cpus().length): Promise<Peer> {
  const { library, version } = await importPeer<{
    getLlama(options: object): Promise<{ loadModel(options: object): Promise<PeerModel> }>;
  }>('node-llama-cpp', directory);
  // The library's work does not keep the process alive, and it ends itself when nothing else does.
  setInterval(() => undefined, 60_000);
  const llama = await library.getLlama({ gpu: false, build: 'never', maxThreads: threads, logLevel: 'error' });
  const model = await llama.loadModel({ modelPath });
  return {
    name: `llama.cpp (node-llama-cpp ${version}, prebuilt CPU, ${threads} ${threads === 1 ? 'thread' : 'threads'})`,
    async sequences(count, contextSize, kvType = null) {
      const kv = kvType === null ? {} : { experimentalKvCacheKeyType: kvType, experimentalKvCacheValueType: kvType };
      // llama.cpp quantizes values with flash attention only.
      const attention = kvType === null ? {} : { flashAttention: true };
      const size = { contextSize, threads, batchSize: 512, sequences: count };
      const context = await model.createContext({ ...size, ...kv, ...attention });
      return {
        sequences: Array.from({ length: count }, () => context.getSequence()),
        dispose: () => context.dispose(),
      };
    },
  };
}
