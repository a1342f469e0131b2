import { choice, number, text, texts, toggle } from '../../src/settings.ts';
import { counts, declare, modelFlag } from '../helpers/declare.ts';
import { apiNames } from './apis.ts';

export const spec = declare({
  name: 'serving',
  measures:
    'any server under load, as `vllm bench serve` does: TTFT, TPOT, ITL, E2EL, throughput, goodput; `--peer_url` in alternating rounds',
  more:
    'Open loop: --request_rate, with --burstiness. Closed loop: --max_concurrency. Both together bound the open loop; the wait for\n' +
    'a place is not part of TTFT, as in vLLM. Without --url Dawnlight is started on --model. Token counts are those that the\n' +
    'server reports, else the pieces of its stream, and the result says which. Keys of the last line are those of vLLM’s result\n' +
    'files; of several rounds it has the median of each rate and time, and the sum of each count.',
  flags: {
    url: text(null, 'url', { flags: ['url', 'base_url'], doc: 'Root of the server; a /v1 behind it is left out.' }),
    peerUrl: text(null, 'url', { flags: ['peer_url'], doc: 'Another server, sent the same requests in turn.' }),
    model: { ...modelFlag, doc: `What is served when no --url is given. ${modelFlag.doc}` },
    api: choice('completions', apiNames, { flags: ['api'], doc: 'What is called.' }),
    peerApi: choice<(typeof apiNames)[number] | ''>('', apiNames, { flags: ['peer_api'], doc: 'Default as --api.' }),
    servedModelName: text(null, 'name', {
      flags: ['served_model_name'],
      doc: 'The model’s name in requests; default the first of /v1/models.',
    }),
    peerModelName: text(null, 'name', { flags: ['peer_model_name'], doc: 'The same for --peer_url.' }),
    apiKey: text(null, 'key', { flags: ['api_key'], doc: 'Sent as a bearer token, to both.' }),
    numPrompts: number(32, { min: 1 }, { flags: ['num_prompts'], doc: 'Requests of a round.' }),
    requestRate: number(
      null,
      { min: 1e-6, integer: false },
      { flags: ['request_rate'], doc: 'Requests a second; without it all come at once.' },
    ),
    burstiness: number(
      1,
      { min: 1e-3, integer: false },
      { flags: ['burstiness'], doc: 'Shape of the gamma distribution of gaps: 1 is Poisson, less comes in bursts.' },
    ),
    maxConcurrency: number(null, { min: 1 }, { flags: ['max_concurrency'], doc: 'Requests under way at most.' }),
    datasetName: choice<'random' | 'sharegpt-like'>('random', ['random', 'sharegpt-like'], {
      flags: ['dataset_name'],
      doc: 'Lengths: --input_len and --output_len, or log-normal ones such as chats have.',
    }),
    dataset: text(null, 'file', {
      flags: ['dataset', 'dataset_path'],
      doc: 'Instead: prompts and lengths of a file in ShareGPT’s form.',
    }),
    inputLen: number(128, { min: 1 }, { flags: ['input_len', 'random_input_len'], doc: 'Tokens of a prompt.' }),
    outputLen: number(32, { min: 1 }, { flags: ['output_len', 'random_output_len'], doc: 'Tokens of an answer.' }),
    rangeRatio: number(
      0,
      { min: 0, max: 0.99, integer: false },
      { flags: ['range_ratio', 'random_range_ratio'], doc: 'Lengths are uniform within ± so much of these.' },
    ),
    prefixLen: number(
      0,
      { min: 0 },
      { flags: ['prefix_len', 'random_prefix_len'], doc: 'Tokens in front of each prompt that several share.' },
    ),
    numPrefixes: number(1, { min: 1 }, { flags: ['num_prefixes'], doc: 'Different prefixes; prompts take turns.' }),
    tokenizer: text(null, 'path', {
      flags: ['tokenizer'],
      doc: 'Model whose tokenizer counts prompts; without it a word is a token, in --dataset four characters are.',
    }),
    ignoreEos: toggle(true, { flags: ['no_ignore_eos'], doc: 'Answers may end before their length.' }),
    temperature: number(0, { min: 0, integer: false }, { flags: ['temperature'], doc: '0 is greedy.' }),
    goodput: texts('metric:ms', {
      flags: ['goodput'],
      doc: 'Limits of a good request: ttft, tpot and e2el, such as ttft:500 tpot:50.',
    }),
    metricPercentiles: counts([90, 99], { flags: ['metric_percentiles'], doc: 'Percentiles, beside mean and median.' }),
    numWarmups: number(1, { min: 0 }, { flags: ['num_warmups'], doc: 'Requests to each server before the rounds.' }),
    rounds: number(1, { min: 1 }, { flags: ['rounds'], doc: 'Each with other prompts, the same for both servers.' }),
    timeout: number(3600, { min: 1 }, { flags: ['timeout'], doc: 'Seconds after which a request has failed.' }),
    seed: number(0, { min: 0 }, { flags: ['seed'], doc: 'Of prompts, lengths and gaps.' }),
    resultFile: text(null, 'file', {
      flags: ['result_file', 'result_filename'],
      doc: 'Also write the result there, with each request’s times, as --save-detailed of vLLM does.',
    }),
  },
  examples: [
    '--url http://127.0.0.1:8000 --request_rate 4 --num_prompts 200 --dataset_name sharegpt-like --goodput ttft:500 tpot:50',
    '--url http://127.0.0.1:8000 --max_concurrency 16 --input_len 512 --output_len 128 --api chat',
    '--url http://127.0.0.1:8000 --peer_url http://127.0.0.1:8080 --rounds 5 --prefix_len 256',
  ],
});
