/** What a request gets that says nothing of sampling. */
import type { SamplingConfig } from '../config.ts';
import type { SamplingDefaults } from '../model/sampling-defaults.ts';
import type { ServerContext } from '../server/http/context.ts';

/** Flags over what the model wants, or over OpenAI's defaults, which are the engine's own. */
export function chooseSampling(
  model: SamplingDefaults,
  settings: SamplingConfig,
): Pick<ServerContext, 'samplingDefaults' | 'samplingSource'> {
  const base = settings.samplingDefaults === 'openai' ? { values: {}, source: 'OpenAI’s defaults' } : model;
  const { temperature, topP, topK, minP, repetitionPenalty } = settings;
  const given = Object.entries({ temperature, topP, topK, minP, repetitionPenalty }).filter(
    ([, value]) => value !== null,
  );
  const flags = given.map(([key]) => `--${key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)}`);
  return {
    samplingDefaults: { ...base.values, ...Object.fromEntries(given) },
    samplingSource: [...flags, base.source].join(', '),
  };
}

/** The same in one line, for people. */
export function samplingLine({
  samplingDefaults,
  samplingSource,
}: Pick<ServerContext, 'samplingDefaults' | 'samplingSource'>): string {
  const { temperature = 1, topP = 1, topK = -1, minP = 0, repetitionPenalty = 1 } = samplingDefaults;
  const cuts = [
    topP < 1 ? [`top_p ${topP}`] : [],
    topK > 0 ? [`top_k ${topK}`] : [],
    minP > 0 ? [`min_p ${minP}`] : [],
    repetitionPenalty === 1 ? [] : [`repetition_penalty ${repetitionPenalty}`],
  ];
  return `${[`temperature ${temperature}`, ...cuts.flat()].join(', ')} unless a request says otherwise (${samplingSource})`;
}
