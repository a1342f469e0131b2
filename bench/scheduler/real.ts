/**
 * What the engine's features bring on a real model: the default beside the same engine without prefix cache, overlap or
 * chunks, in alternating rounds of the same load; and what a 1,000-token shared prefix does to the time to first token.
 */
import { defaultEngineConfig, type EngineConfig } from '../../src/config.ts';
import { RestartingEngineClient } from '../../src/engine/client/restarting-engine-client.ts';
import { inWorker } from '../../src/engine/client/engine-transport.ts';
import type { BenchResult } from '../helpers/declare.ts';
import { describeMachine, median } from '../helpers/machine.ts';
import { features } from './features.ts';
import { measureLoad, measurePrefix, type LoadTimes, type PrefixTimes } from './real-load.ts';

export interface FeatureBenchOptions {
  readonly model: string;
  readonly rounds: number;
  /** Empty: all. */
  readonly without: readonly string[];
  /** f32 makes texts comparable: with int8 activations a cached prompt may round differently from a computed one. */
  readonly activations: EngineConfig['activationDtype'];
}

interface Variant {
  readonly name: string;
  readonly engine: RestartingEngineClient;
  readonly rounds: LoadTimes[];
}

export async function benchFeatures(options: FeatureBenchOptions): Promise<BenchResult> {
  const { model } = options;
  const variants = [await start('default', model, options, {})];
  for (const name of options.without.length > 0 ? options.without : Object.keys(features)) {
    variants.push(await start(`no-${name}`, model, options, features[name]));
  }
  // Pipelines are compiled at their first use.
  for (const { engine } of variants) await measureLoad(engine, 0);
  const prefix: PrefixTimes[] = [];
  const uncached = variants.find(({ name }) => name === 'no-radix');
  for (let round = 1; round <= options.rounds; round++) {
    const order = round % 2 === 0 ? [...variants].reverse() : variants;
    for (const { name, engine, rounds } of order) {
      const times = await measureLoad(engine, round);
      rounds.push(times);
      console.log(`round ${round} ${name.padEnd(18)} ${JSON.stringify(times)}`);
    }
    if (!uncached) continue;
    prefix.push(await measurePrefix(variants[0].engine, uncached.engine, round));
    console.log(`round ${round} prefix             ${JSON.stringify(prefix.at(-1))}`);
  }
  const machine = describeMachine(variants[0].engine.info.adapter);
  const { activations } = options;
  const rows = variants.map((variant) => summary(variant, variants[0]));
  for (const row of rows) console.log(JSON.stringify(row));
  const ratios = prefix.map(({ first, second }) => second / first);
  const shared = { prefixRatio: round3(median(ratios)), sameText: prefix.filter(({ same }) => same).length };
  return { result: { mode: 'real', model: model.split('/').at(-1), activations, machine, rows, ...shared } };
}

async function start(
  name: string,
  modelDir: string,
  { activations: activationDtype }: FeatureBenchOptions,
  changed: Partial<EngineConfig>,
): Promise<Variant> {
  const config = {
    ...defaultEngineConfig,
    modelDir,
    activationDtype,
    maxTotalTokenNum: 16384,
    tieredStart: false,
    ...changed,
  };
  const loader = new URL('../../src/engine/running/load-engine.js', import.meta.url).href;
  const engine = await RestartingEngineClient.start(inWorker({ config, loader, faultInjection: false }));
  return { name, engine, rounds: [] };
}

/** Medians, and medians of the ratios to the default in the same round. */
function summary({ name, rounds }: Variant, base: Variant) {
  const keys = ['throughput', 'ttftP50', 'ttftP99', 'maxTpot'] as const;
  const columns = keys.map((key) => {
    const ratios = rounds.map((times, i) => times[key] / base.rounds[i][key]);
    return [key, { median: round3(median(rounds.map((times) => times[key]))), ratio: round3(median(ratios)) }];
  });
  return { name, ...Object.fromEntries(columns) } as { readonly name: string };
}

function round3(value: number): number {
  return Number(value.toPrecision(3));
}
