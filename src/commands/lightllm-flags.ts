/**
 * Flags of LightLLM's server that mean nothing here, and of ours that once did: accepted, so that command lines run, and said to
 * be ignored. Those that would change answers (eos_id, long_truncation_mode, …) are not among them: they stay unknown flags.
 */
interface IgnoredFlag {
  /** Whether a value follows. */
  readonly value: boolean;
  readonly why: string;
  /** LightLLM has no such flag: it is one of ours. */
  readonly ours?: true;
}

const oneProcess = { value: true, why: 'one HTTP thread and one engine thread serve everything' };
const noGraphs = { value: true, why: 'there are no CUDA graphs' };
const policy = { value: true, why: 'see --scheduler_policy' };
const logs = { value: true, why: 'see /metrics' };

const ignored: Readonly<Record<string, IgnoredFlag>> = {
  tokenizer_mode: { value: true, why: 'there is one tokenizer' },
  load_way: { value: true, why: 'safetensors and GGUF are recognised' },
  trust_remote_code: { value: false, why: 'no code of a checkpoint is ever run' },
  data_type: { value: true, why: 'sums are f32; --quant and --kv_cache_dtype choose what is stored' },
  model_owner: { value: true, why: 'owned_by is always dawnlight' },
  httpserver_workers: oneProcess,
  nccl_port: { value: true, why: 'there is one device' },
  dp: { value: true, why: 'there is one device' },
  graph_max_batch_size: noGraphs,
  graph_max_len_in_batch: noGraphs,
  graph_split_batch_size: noGraphs,
  graph_grow_step_size: noGraphs,
  disable_cudagraph: { ...noGraphs, value: false },
  router_token_ratio: policy,
  router_max_new_token_len: policy,
  router_max_wait_tokens: policy,
  schedule_time_interval: policy,
  disable_aggressive_schedule: { ...policy, value: false },
  sampling_backend: { value: true, why: 'there is one sampler' },
  linear_att_hash_page_size: { value: true, why: 'states are kept where prompts part, and at each 512th token' },
  linear_att_ssm_data_type: { value: true, why: 'recurrent states are f32' },
  log_stats_interval: logs,
  disable_log_stats: { ...logs, value: false },
  health_monitor: { value: false, why: 'a dead engine is restarted; /health tells' },
  tools_adapter: { value: false, why: 'it is the default; --no_tools_adapter turns it off', ours: true },
};

/** Takes the ignored flags out of `args`; `note` is told a line about each. */
export function dropIgnoredFlags(args: readonly string[], note: (line: string) => void): string[] {
  const kept: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const [flag = '', ...value] = args[i].split('=');
    const name = flag.replace(/^--/, '').replaceAll('-', '_');
    const found = flag.startsWith('--') && Object.hasOwn(ignored, name) ? ignored[name] : undefined;
    if (!found) {
      kept.push(args[i]);
      continue;
    }
    if (found.value && value.length === 0) i++;
    note(`--${name}${found.ours ? '' : ' of LightLLM'} is ignored: ${found.why}`);
  }
  return kept;
}
