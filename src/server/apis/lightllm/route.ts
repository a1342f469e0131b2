/**
 * LightLLM's /generate, /generate_stream and `/`, and with --use_tgi_api their text-generation-inference form.
 * Stream framing is LightLLM's own: `data:{…}` without a space, one event a token, no [DONE].
 */
import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import type { Api, EndpointDoc } from '../../http/api.ts';
import type { ServerContext } from '../../http/context.ts';
import { errorBody } from '../../http/errors.ts';
import { adapterNamed } from '../../http/model-name.ts';
import { noteSkipped } from '../../http/skipped.ts';
import { EngineError } from '../../../errors.ts';
import { generateChoices } from '../../chat/choices.ts';
import type { ChoiceOutput } from '../../chat/generate-text.ts';
import { type GenerationRequest, generationRequests } from '../../chat/generation-request.ts';
import { startChoices } from '../../chat/start-choices.ts';
import { checkGenerations, checkVocabulary, fitPrompt, promptLimit } from '../../chat/prompt-limits.ts';
import {
  type DetailedToken,
  droppedOf,
  generateEventSchema,
  type GenerateRequest,
  generateRequestSchema,
  generateResponseSchema,
  type Parameters,
  tgiResponseSchema,
  type WireToken,
} from './schema.ts';
import { linkedAbort } from '../../http/request-signal.ts';
import { toSamplingParams } from '../../chat/sampling-params.ts';
import { eventStream } from '../../http/sse.ts';
import type { StructuredOutputFields } from '../../../text/structured-output/types.ts';
import type { TextToken } from '../../../text/answer/text-assembler.ts';

export function addLightllmGenerate(api: Api, ctx: ServerContext): void {
  const body = generateRequestSchema(ctx.settings.useTgiApi);
  const response = ctx.settings.useTgiApi ? tgiResponseSchema : generateResponseSchema;
  const example = { inputs: 'Once upon a time', parameters: { max_new_tokens: 20 } };
  const doc = (path: string, summary: string) =>
    ({ method: 'post', path, summary, tag: 'LightLLM', body, example, response }) as const;
  const streamDoc = { event: generateEventSchema } satisfies Partial<EndpointDoc>;
  api.add(doc('/generate', 'Continue a text.'), (c, request) => answerWhole(ctx, c, request));
  api.add({ ...doc('/generate_stream', 'Continue a text, one event a token.'), ...streamDoc }, (c, request) =>
    answerStream(ctx, c, request),
  );
  api.add({ ...doc('/', '/generate or /generate_stream, by `stream`.'), ...streamDoc }, (c, request) =>
    request.stream === true ? answerStream(ctx, c, request) : answerWhole(ctx, c, request),
  );
}

async function prepare(
  ctx: ServerContext,
  body: GenerateRequest,
  signal: AbortSignal,
  withLogprobs: boolean,
): Promise<GenerationRequest[]> {
  const p: Partial<Parameters> = body.parameters ?? {};
  checkGenerations(ctx, p.best_of ?? 1, `${p.best_of ?? 1} answers`, 'parameters.best_of');
  const ids = await idsOf(ctx, body.inputs, p, signal);
  if (ids.some((id) => id >= ctx.engine.info.vocabSize)) {
    const message = 'prompt List[int] format contain id > vocab_size';
    throw new EngineError('invalid_value', message, { param: 'inputs' });
  }
  const room = fitPrompt(ctx, ids, { maxTokens: p.max_new_tokens, truncate: p.truncate, param: 'inputs' });
  const greedy = p.do_sample !== true;
  const { strings, ids: stopIds } = stops(ctx, p.stop_sequences);
  const fields = {
    ...p,
    temperature: greedy ? 0 : p.temperature,
    min_tokens: p.min_new_tokens,
    stop_token_ids: stopIds,
  };
  const params = toSamplingParams(ctx, fields, {
    maxTokens: room.maxTokens,
    logprobs: withLogprobs ? 0 : null,
    constraint: await ctx.constraints.ofText(constraintFields(p), signal),
  });
  return generationRequests({
    id: randomUUID(),
    prompts: [{ promptIds: room.promptIds, params }],
    n: p.best_of ?? 1,
    stop: strings,
    includeStop: p.print_eos_token,
    skipSpecialTokens: p.skip_special_tokens ?? false,
    signal,
    adapter: loadedAdapter(ctx, p.adapter_id),
  });
}

/** @throws EngineError model_not_found: an adapter is asked for by its own field, so that none other will do */
function loadedAdapter(ctx: ServerContext, asked: string | undefined): string | undefined {
  if (asked === undefined || asked === '') return undefined;
  const named = adapterNamed(ctx, asked);
  if (named !== undefined) return named;
  const loaded = ctx.engine.adapters().map(({ name }) => JSON.stringify(name));
  const message = `The adapter ${JSON.stringify(asked)} is not loaded. Loaded: ${loaded.join(', ') || 'none'}.`;
  throw new EngineError('model_not_found', message, { param: 'parameters.adapter_id' });
}

async function idsOf(
  ctx: ServerContext,
  inputs: GenerateRequest['inputs'],
  { add_special_tokens: addSpecialTokens = true, truncate }: Partial<Parameters>,
  signal: AbortSignal,
): Promise<readonly number[]> {
  if (typeof inputs !== 'string') return inputs;
  const limit = promptLimit(ctx, truncate);
  const [ids] = await ctx.text.encode([{ text: inputs, param: 'inputs' }], { addSpecialTokens, limit, signal });
  return ids;
}

/** LightLLM's empty string means none. */
function constraintFields(parameters: Partial<Parameters>): StructuredOutputFields {
  const { regular_constraint: expression, guided_grammar, guided_json, guided_regex } = parameters;
  const given = <T>(value: T | undefined): T | undefined => (value === '' ? undefined : value);
  return {
    ...parameters,
    guided_regex: given(expression) ?? guided_regex,
    guided_grammar: given(guided_grammar),
    guided_json: given(guided_json),
  };
}

/**
 * A list of ids that is one token long stops by id, a longer one by the text that it spells.
 * @throws EngineError invalid_value for ids that are no tokens, or spell nothing
 */
function stops(ctx: ServerContext, given: Parameters['stop_sequences']): { strings: string[]; ids: number[] } {
  const groups = given === undefined ? [] : typeof given === 'string' ? [given] : given;
  const param = 'parameters.stop_sequences';
  const ids: number[] = [];
  const strings: string[] = [];
  for (const group of groups) {
    if (typeof group === 'string') {
      strings.push(group);
      continue;
    }
    checkVocabulary(ctx, group, param);
    if (group.length === 1) ids.push(group[0]);
    else strings.push(ctx.tokenizer.decode(group, { atStart: false }));
  }
  if (strings.includes('')) {
    const message = `${param}: Token ids that spell no text cannot end one; give one id, or ids with text.`;
    throw new EngineError('invalid_value', message, { param });
  }
  return { strings, ids };
}

interface Answer {
  text: string;
  readonly tokens: DetailedToken[];
  count: number;
  promptTokens: number;
  finishReason: string;
}

async function answerWhole(ctx: ServerContext, c: Context, body: GenerateRequest): Promise<Response> {
  const details = body.parameters?.return_details === true;
  noteSkipped(c, 'parameters', droppedOf(body.parameters ?? {}));
  // In text-generation-inference's form the likeliest answer is given.
  const isRanked = ctx.settings.useTgiApi && (body.parameters?.best_of ?? 1) > 1;
  const withTokens = details || isRanked;
  const requests = await prepare(ctx, body, linkedAbort(c).signal, withTokens);
  const answers: Answer[] = requests.map(() => ({ text: '', tokens: [], count: 0, promptTokens: 0, finishReason: '' }));
  for await (const output of generateChoices(ctx, requests)) {
    const answer = answers[output.index];
    answer.text += output.text;
    if (withTokens)
      addDetailed(answer.tokens, wireTokens(ctx, output, answer.tokens.length), output.usage.cachedTokens);
    answer.count = output.usage.completionTokens;
    answer.promptTokens = output.usage.promptTokens;
    answer.finishReason = output.finishReason ?? '';
  }
  if (ctx.settings.useTgiApi) return c.json(tgiAnswer(answers, details));
  const each = <T>(pick: (a: Answer) => T): T | T[] => (answers.length === 1 ? pick(answers[0]) : answers.map(pick));
  return c.json({
    generated_text: answers.map((a) => a.text),
    count_output_tokens: each((a) => a.count),
    finish_reason: each((a) => a.finishReason),
    prompt_tokens: each((a) => a.promptTokens),
    ...(details ? { tokens: each((a) => a.tokens) } : {}),
    input_usage: { input_text_tokens: answers[0].promptTokens, input_audio_tokens: 0, input_image_tokens: 0 },
  });
}

function addDetailed(tokens: DetailedToken[], added: readonly WireToken[], prompt_cache_len: number): void {
  for (const token of added) {
    const before = tokens.at(-1)?.cumlogprob ?? 0;
    tokens.push({ ...token, cumlogprob: token.logprob === null ? null : before + token.logprob, prompt_cache_len });
  }
}

async function answerStream(ctx: ServerContext, c: Context, body: GenerateRequest): Promise<Response> {
  if ((body.parameters?.best_of ?? 1) > 1) {
    const message = 'stream api only support best_of == 1';
    throw new EngineError('invalid_value', message, { param: 'parameters.best_of' });
  }
  noteSkipped(c, 'parameters', droppedOf(body.parameters ?? {}));
  const abort = linkedAbort(c);
  const outputs = await startChoices(ctx, await prepare(ctx, body, abort.signal, true));
  const frame = (value: unknown): string => `data:${JSON.stringify(value)}\n\n`;
  return eventStream(tokenEvents(ctx, outputs, frame), {
    abort,
    ping: null,
    onError: (error) => frame(errorBody(error)),
  });
}

async function* tokenEvents(
  ctx: ServerContext,
  outputs: AsyncGenerator<ChoiceOutput, void, undefined>,
  frame: (value: unknown) => string,
): AsyncGenerator<string, void, undefined> {
  const tgi = ctx.settings.useTgiApi;
  let [text, count] = ['', 0];
  for await (const output of outputs) {
    text += output.text;
    const tokens = wireTokens(ctx, output, count);
    count += tokens.length;
    const { finishReason, usage } = output;
    // The end may come without a token of its own (a stop string cut it off): it then gets an event without text.
    if (finishReason !== null && tokens.length === 0) {
      tokens.push({ ...wireToken(ctx, output, { id: 0, text: '', offset: 0, logprobs: null }, count), special: true });
    }
    for (const [i, token] of tokens.entries()) {
      const finished = finishReason !== null && i === tokens.length - 1;
      const details = { generated_tokens: count, finish_reason: finishReason, prompt_tokens: usage.promptTokens };
      yield frame({
        token,
        generated_text: finished && tgi ? text : null,
        finished,
        finish_reason: finished ? finishReason : null,
        details: finished && tgi ? details : null,
      });
    }
  }
}

/** The output's tokens, a stop token without text among them; `before` were given out already. */
function wireTokens(ctx: ServerContext, output: ChoiceOutput, before: number): WireToken[] {
  const all = output.stopToken === null ? output.tokens : [...output.tokens, output.stopToken];
  return all.map((token, i) => wireToken(ctx, output, token, before + i + 1));
}

function wireToken(ctx: ServerContext, output: ChoiceOutput, token: TextToken, count: number): WireToken {
  return {
    id: token.id,
    text: token.text,
    logprob: token.logprobs?.logprob ?? null,
    special: ctx.tokenizer.isSpecial(token.id),
    count_output_tokens: count,
    prompt_tokens: output.usage.promptTokens,
  };
}

/** The likeliest answer with its details; the others as `beam_sequences`. */
function tgiAnswer(answers: readonly Answer[], details: boolean): unknown {
  const total = (a: Answer): number => a.tokens.reduce((sum, t) => sum + (t.logprob ?? 0), 0);
  const [best, ...others] = [...answers].sort((a, b) => total(b) - total(a));
  const describe = (a: Answer) => ({
    generated_tokens: a.count,
    finish_reason: a.finishReason,
    tokens: a.tokens,
    prompt_tokens: a.promptTokens,
  });
  const beams = others.map((a) => ({ generated_text: a.text, ...describe(a) }));
  return { generated_text: best.text, ...(details ? { details: { ...describe(best), beam_sequences: beams } } : {}) };
}
