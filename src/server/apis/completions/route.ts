/** POST /v1/completions, plain and streamed. */
import { randomUUID } from 'node:crypto';
import type { Api } from '../../http/api.ts';
import { type CompletionRun, type EchoedPrompt, prepareCompletion } from './run.ts';
import type { ServerContext } from '../../http/context.ts';
import { generateChoices } from '../../chat/choices.ts';
import type { ChoiceOutput } from '../../chat/generate-text.ts';
import { startChoices } from '../../chat/start-choices.ts';
import { addLogprobs, completionLogprobs, promptLogprobs } from '../../chat/logprobs.ts';
import { listAnswer } from '../../http/list-answer.ts';
import { fingerprint, modelName } from '../../http/model-name.ts';
import {
  type CompletionChoice,
  type CompletionLogprobs,
  completionRequestSchema,
  type CompletionResponse,
  completionResponseSchema,
  type CompletionRequest,
} from './schema.ts';
import { linkedAbort } from '../../http/request-signal.ts';
import { openAIStream } from '../../http/sse.ts';
import type { TextToken } from '../../../text/answer/text-assembler.ts';
import { UsageCounter } from '../../chat/usage.ts';

export function addCompletions(api: Api, ctx: ServerContext): void {
  const doc = {
    method: 'post',
    path: '/v1/completions',
    summary: 'Continue texts.',
    tag: 'OpenAI',
    body: completionRequestSchema,
    example: { prompt: 'Once upon a time', max_tokens: 20 },
    response: completionResponseSchema,
    event: completionResponseSchema,
  } as const;
  api.add(doc, async (c, body) => {
    const model = modelName(ctx, body.model);
    const abort = linkedAbort(c);
    const id = `cmpl-${body.request_id ?? randomUUID().replaceAll('-', '')}`;
    const created = Math.floor(Date.now() / 1000);
    const head: Head = { id, object: 'text_completion', created, model, system_fingerprint: fingerprint(ctx) };
    const run = await prepareCompletion(ctx, body, id, abort.signal);
    if (body.stream !== true) {
      const { choices, usage } = await wholeAnswer(ctx, body, run, generateChoices(ctx, run.requests));
      return listAnswer(c, head, 'choices', choices, () => ({ usage }));
    }
    const chunks = answerChunks(ctx, head, body, run, await startChoices(ctx, run.requests));
    return openAIStream(chunks, abort);
  });
}

type Head = Pick<CompletionResponse, 'id' | 'object' | 'created' | 'model' | 'system_fingerprint'>;

interface Candidate {
  text: string;
  tokens: TextToken[];
  echoed: CompletionLogprobs | null;
  finish: Pick<CompletionChoice, 'finish_reason' | 'stop_reason'>;
}

/** The choices are written down as they are asked for. */
async function wholeAnswer(
  ctx: ServerContext,
  body: CompletionRequest,
  run: CompletionRun,
  outputs: AsyncGenerator<ChoiceOutput, void, undefined>,
): Promise<{ choices: Iterable<CompletionChoice>; usage: CompletionResponse['usage'] }> {
  const usage = new UsageCounter(run.candidates);
  const all: Candidate[] = run.requests.map(() => ({
    text: '',
    tokens: [],
    echoed: null,
    finish: { finish_reason: 'length', stop_reason: null },
  }));
  for await (const output of outputs) {
    const candidate = all[output.index];
    candidate.text += output.text;
    for (const token of output.tokens) candidate.tokens.push(token);
    candidate.echoed ??= await echoedLogprobs(ctx, run.prompts[Math.floor(output.index / run.candidates)], output);
    candidate.finish = { finish_reason: output.finishReason, stop_reason: output.stopReason };
    usage.update(output.index, output.usage);
  }
  return { choices: writtenChoices(ctx, body, run, all), usage: usage.total() };
}

function* writtenChoices(
  ctx: ServerContext,
  body: CompletionRequest,
  run: CompletionRun,
  all: readonly Candidate[],
): Generator<CompletionChoice> {
  for (const [p, { echo }] of run.prompts.entries()) {
    const group = likeliest(all.slice(p * run.candidates, (p + 1) * run.candidates), run.n);
    for (const [i, { text, tokens, echoed, finish }] of group.entries()) {
      let logprobs: CompletionLogprobs | null = null;
      if (body.logprobs !== undefined) {
        logprobs = echoed ?? { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] };
        addLogprobs(logprobs, completionLogprobs(ctx.tokenizer, tokens, echo.length));
      }
      yield { index: p * run.n + i, text: echo + text, logprobs, ...finish };
    }
  }
}

/** Of the prompt's own tokens, on the output that brings them. */
async function echoedLogprobs(
  ctx: ServerContext,
  prompt: EchoedPrompt,
  output: ChoiceOutput,
): Promise<CompletionLogprobs | null> {
  return output.promptLogprobs === null ? null : promptLogprobs(ctx.tokenizer, prompt, output.promptLogprobs);
}

/** best_of: the n candidates with the highest mean log probability, likeliest first; all of them in order otherwise. */
function likeliest(candidates: readonly Candidate[], n: number): readonly Candidate[] {
  if (candidates.length <= n) return candidates;
  const mean = ({ tokens }: Candidate): number =>
    tokens.reduce((sum, t) => sum + (t.logprobs?.logprob ?? 0), 0) / Math.max(tokens.length, 1);
  return [...candidates].sort((a, b) => mean(b) - mean(a)).slice(0, n);
}

async function* answerChunks(
  ctx: ServerContext,
  head: Head,
  body: CompletionRequest,
  run: CompletionRun,
  outputs: AsyncGenerator<ChoiceOutput, void, undefined>,
): AsyncGenerator<CompletionResponse, void, undefined> {
  const { include_usage: includeUsage, continuous_usage_stats: continuous } = body.stream_options ?? {};
  const usage = new UsageCounter(run.n);
  const chunk = (choices: CompletionChoice[]): CompletionResponse => ({
    ...head,
    choices,
    ...(continuous === true ? { usage: usage.total() } : includeUsage === true ? { usage: null } : {}),
  });
  const promptOf = (index: number): EchoedPrompt => run.prompts[Math.floor(index / run.n)];
  const echoChunk = (index: number, logprobs: CompletionLogprobs | null): CompletionResponse =>
    chunk([{ index, text: promptOf(index).echo, logprobs, finish_reason: null, stop_reason: null }]);
  if (body.logprobs === undefined && body.echo === true) {
    for (const index of run.requests.keys()) yield echoChunk(index, null);
  }
  for await (const output of outputs) {
    const { index, text, tokens, finishReason, stopReason } = output;
    usage.update(index, output.usage);
    const echoed = await echoedLogprobs(ctx, promptOf(index), output);
    if (echoed !== null) yield echoChunk(index, echoed);
    const base = promptOf(index).echo.length;
    const logprobs = body.logprobs === undefined ? null : completionLogprobs(ctx.tokenizer, tokens, base);
    yield chunk([{ index, text, logprobs, finish_reason: finishReason, stop_reason: stopReason }]);
  }
  if (includeUsage === true) yield { ...chunk([]), usage: usage.total() };
}
