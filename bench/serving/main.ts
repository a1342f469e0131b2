/** Load on any server, ours and a peer in turns; flags.ts says what can be asked, metrics.ts what the figures mean. */
import { writeFileSync } from 'node:fs';
import { EngineError } from '../../src/errors.ts';
import type { BenchResult, FlagsOf, RunBench } from '../helpers/declare.ts';
import { describeMachine } from '../helpers/machine.ts';
import { modelPath } from '../helpers/model.ts';
import { ServerProcess } from '../server/server-process.ts';
import { apis, type ApiName, type ServingRequest } from './apis.ts';
import { wallClock } from './clock.ts';
import { parseGoodput } from './metrics.ts';
import { planRequests, type CountTokens } from './requests.ts';
import { ratios, runRounds, type Server, type ServerResult } from './rounds.ts';
import { bearer, postTo, rootOf } from './send.ts';
import { conversationsIn, requestsFrom } from './sharegpt.ts';
import { tableOf } from './table.ts';
import type { spec } from './flags.ts';

type Flags = FlagsOf<typeof spec>;

export const run: RunBench<typeof spec> = async (flags): Promise<BenchResult> => {
  const sla = parseGoodput(flags.goodput);
  const countTokens = await tokenCounter(flags.tokenizer);
  const requests = requestsOf(flags, countTokens);
  const own = flags.url === null ? await ServerProcess.start(['--model', await modelPath(flags.model)]) : null;
  try {
    const url = flags.url ?? own!.url;
    const servers = [await serverAt('ours', url, flags.api, flags.servedModelName, flags)];
    if (flags.peerUrl !== null)
      servers.push(await serverAt('peer', flags.peerUrl, flags.peerApi || flags.api, flags.peerModelName, flags));
    const options = { ...flags, sla, percentiles: flags.metricPercentiles, requests, clock: wallClock };
    const [ours, peer] = await runRounds(servers, options);
    const found = peer === undefined ? null : ratios(ours, peer);
    for (const line of tableOf(peer === undefined ? [ours] : [ours, peer], found)) console.log(line);
    const head = {
      ...settingsOf(flags, url, servers[0]),
      machine: describeMachine('of the server, not known'),
    };
    const others = peer === undefined ? {} : { peer: { base_url: flags.peerUrl, ...figuresOf(peer) }, ratios: found };
    if (flags.resultFile !== null)
      writeFileSync(
        flags.resultFile,
        `${JSON.stringify({ ...head, ...figuresOf(ours), ...detailsOf(ours), ...others })}\n`,
      );
    const exitCode = [ours, peer].some((result) => result?.figures.completed === 0) ? 1 : 0;
    return { result: { ...head, ...figuresOf(ours), ...others }, exitCode };
  } finally {
    await own?.stop();
  }
};

function requestsOf(flags: Flags, countTokens: CountTokens): (seed: number) => ServingRequest[] {
  const { dataset, numPrompts: count } = flags;
  if (dataset !== null) {
    const conversations = conversationsIn(dataset);
    return (seed) => requestsFrom(conversations, count, seed, countTokens);
  }
  return (seed) => planRequests({ ...flags, dataset: flags.datasetName, count, seed }, countTokens);
}

async function serverAt(label: string, url: string, api: ApiName, name: string | null, flags: Flags): Promise<Server> {
  const { ignoreEos, temperature, apiKey, timeout } = flags;
  const isOpenAI = api === 'completions' || api === 'chat';
  const model = name ?? (isOpenAI ? await firstModel(url, apiKey) : '');
  return {
    label,
    target: { api: apis[api], options: { model, ignoreEos, temperature }, post: postTo(url, apiKey, timeout) },
  };
}

async function firstModel(url: string, apiKey: string | null): Promise<string> {
  const address = `${rootOf(url)}/v1/models`;
  try {
    const response = await fetch(address, { headers: apiKey === null ? {} : bearer(apiKey) });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const { data } = (await response.json()) as { data: { id: string }[] };
    return data[0].id;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError(
      'bad_flag',
      `${address} names no model (${why}); --served_model_name or --peer_model_name does`,
      { cause },
    );
  }
}

/** What counts tokens is loaded only when it is needed. */
async function tokenCounter(path: string | null): Promise<CountTokens> {
  if (path === null) return null;
  const [{ openModel }, { tokenizerOf }] = await Promise.all([
    import('../../src/model/files/open-model.ts'),
    import('../../src/text/tokenizer/load-tokenizer.ts'),
  ]);
  const model = openModel(await modelPath(path));
  const tokenizer = tokenizerOf(model);
  model.close();
  return (text) => tokenizer.encode(text, { addSpecialTokens: false }).length;
}

/** Settings under vLLM's keys where it has them. */
function settingsOf(flags: Flags, url: string, { target }: Server): object {
  return {
    date: new Date().toISOString().slice(0, 10),
    endpoint_type: flags.api,
    base_url: url,
    model_id: target.options.model,
    tokenizer_id: flags.tokenizer,
    num_prompts: flags.numPrompts,
    request_rate: flags.requestRate ?? 'inf',
    burstiness: flags.burstiness,
    max_concurrency: flags.maxConcurrency,
    dataset_name: flags.dataset ?? flags.datasetName,
    input_len: flags.inputLen,
    output_len: flags.outputLen,
    range_ratio: flags.rangeRatio,
    prefix_len: flags.prefixLen,
    num_prefixes: flags.numPrefixes,
    ignore_eos: flags.ignoreEos,
    goodput: flags.goodput,
    rounds: flags.rounds,
    seed: flags.seed,
  };
}

function figuresOf({ figures, errorCounts, tokenCounts, inputCounts }: ServerResult): object {
  return { ...figures, error_counts: errorCounts, token_counts: tokenCounts, input_counts: inputCounts };
}

/** Seconds, as in vLLM's files. */
function detailsOf({ requests, outcomes }: ServerResult): object {
  const seconds = (ms: number): number => ms / 1000;
  return {
    input_lens: outcomes.map(({ promptTokens }, i) => promptTokens ?? requests[i].promptLen),
    output_lens: outcomes.map(({ error, outputTokens }) => (error === null ? outputTokens : 0)),
    ttfts: outcomes.map(({ ttft }) => seconds(ttft)),
    itls: outcomes.map(({ itl }) => itl.map(seconds)),
    errors: outcomes.map(({ error }) => error ?? ''),
  };
}
