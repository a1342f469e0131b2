/** POST /v1/completions, plain and streamed. */
import { randomUUID } from 'node:crypto';
import type { Api } from '../api.ts';
import { type CompletionRun, prepareCompletion } from '../completion-run.ts';
import type { ServerContext } from '../context.ts';
import { generateChoices, prime, type TextOutput } from '../generation.ts';
import { completionLogprobs } from '../logprobs.ts';
import { modelName } from '../model-name.ts';
import {
  type CompletionChoice,
  completionRequestSchema,
  type CompletionResponse,
  completionResponseSchema,
  type CompletionRequest,
} from '../protocol/completions.ts';
import { linkedAbort } from '../request-signal.ts';
import { openAIStream } from '../sse.ts';
import type { TextToken } from '../text-assembler.ts';
import { UsageCounter } from '../usage.ts';

export function addCompletions(api: Api, ctx: ServerContext): void {
  const doc = {
    method: 'post',
    path: '/v1/completions',
    summary: 'Continue texts.',
    tag: 'OpenAI',
    body: completionRequestSchema,
    response: completionResponseSchema,
    event: completionResponseSchema,
  } as const;
  api.add(doc, async (c, body) => {
    const model = modelName(ctx, body.model);
    const abort = linkedAbort(c);
    const id = `cmpl-${body.request_id ?? randomUUID().replaceAll('-', '')}`;
    const head: Head = { id, object: 'text_completion', created: Math.floor(Date.now() / 1000), model };
    const run = prepareCompletion(ctx, body, id, abort.signal);
    const outputs = generateChoices(ctx, run.requests);
    if (body.stream !== true) return c.json(await wholeAnswer(ctx, head, body, run, outputs));
    const chunks = answerChunks(ctx, head, body, run, await prime(outputs));
    return openAIStream(chunks, abort);
  });
}

type Head = Pick<CompletionResponse, 'id' | 'object' | 'created' | 'model'>;

interface Candidate {
  text: string;
  tokens: TextToken[];
  finish: Pick<CompletionChoice, 'finish_reason' | 'stop_reason'>;
}

async function wholeAnswer(
  ctx: ServerContext,
  head: Head,
  body: CompletionRequest,
  run: CompletionRun,
  outputs: AsyncGenerator<TextOutput, void, undefined>,
): Promise<CompletionResponse> {
  const usage = new UsageCounter(run.candidates);
  const all: Candidate[] = run.requests.map(() => ({
    text: '',
    tokens: [],
    finish: { finish_reason: 'length', stop_reason: null },
  }));
  for await (const output of outputs) {
    const candidate = all[output.index];
    candidate.text += output.text;
    for (const token of output.tokens) candidate.tokens.push(token);
    candidate.finish = { finish_reason: output.finishReason, stop_reason: output.stopReason };
    usage.update(output.index, output.usage);
  }
  const groups = run.prompts.map((_, p) => all.slice(p * run.candidates, (p + 1) * run.candidates));
  const choices = groups.flatMap((group, p) =>
    likeliest(group, run.n).map((candidate, i) => {
      const echo = run.prompts[p].echo;
      const logprobs = body.logprobs === undefined ? null : completionLogprobs(ctx.tokenizer, candidate.tokens, 0);
      return { index: p * run.n + i, text: echo + candidate.text, logprobs, ...candidate.finish };
    }),
  );
  return { ...head, choices, usage: usage.total() };
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
  outputs: AsyncGenerator<TextOutput, void, undefined>,
): AsyncGenerator<CompletionResponse, void, undefined> {
  const { include_usage: includeUsage, continuous_usage_stats: continuous } = body.stream_options ?? {};
  const usage = new UsageCounter(run.n);
  const chunk = (choices: CompletionChoice[]): CompletionResponse => ({
    ...head,
    choices,
    ...(continuous === true ? { usage: usage.total() } : includeUsage === true ? { usage: null } : {}),
  });
  for (const [index] of run.requests.entries()) {
    const { echo } = run.prompts[Math.floor(index / run.n)];
    if (echo !== '') yield chunk([{ index, text: echo, logprobs: null, finish_reason: null, stop_reason: null }]);
  }
  for await (const { index, text, tokens, finishReason, stopReason, usage: counts } of outputs) {
    usage.update(index, counts);
    const logprobs = body.logprobs === undefined ? null : completionLogprobs(ctx.tokenizer, tokens, 0);
    yield chunk([{ index, text, logprobs, finish_reason: finishReason, stop_reason: stopReason }]);
  }
  if (includeUsage === true) yield { ...chunk([]), usage: usage.total() };
}
