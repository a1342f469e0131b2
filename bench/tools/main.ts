/** A held-out set of tool calls through `dawnlight serve`: how many answers are right, by kind. */
import { appendFileSync, writeFileSync } from 'node:fs';
import type { RunBench } from '../helpers/declare.ts';
import { describeMachine } from '../helpers/machine.ts';
import { modelPath } from '../helpers/model.ts';
import { ServerProcess } from '../server/server-process.ts';
import { ask } from './ask.ts';
import { type Case, heldOut, isRight } from './cases.ts';
import { examples, exampleTools, tidy } from './example.ts';
import type { spec } from './flags.ts';

/** Requests under way at a time: their prompts share steps. */
const AT_ONCE = 8;

interface Score {
  right: number;
  of: number;
}

export const run: RunBench<typeof spec> = async ({ model, set, every, sampling, seeds, toolChoice, adapter, out }) => {
  const path = await modelPath(model);
  const { tools, cases } = heldOut(set, every);
  const bounds = ['--max_total_token_num', '8192', '--running_max_req_size', String(AT_ONCE)];
  const server = await ServerProcess.start([
    '--model_dir',
    path,
    ...bounds,
    ...(adapter ? [] : ['--no_tools_adapter']),
  ]);
  if (out !== null) writeFileSync(out, '');
  const drawn = sampling === 'greedy' ? { temperature: 0 } : {};
  const all: Readonly<Record<string, object>> = { ...tools, ...exampleTools };
  const request = ({ tools: names, messages }: Case) => ({
    messages,
    tools: names.map((name) => ({ type: 'function', function: all[name] })),
    tool_choice: toolChoice,
    max_tokens: 128,
  });
  const scores = new Map<string, Score>();
  const note = (kind: string, asked: Case, answer: object, right: boolean): void => {
    const score = scores.get(kind) ?? { right: 0, of: 0 };
    scores.set(kind, { right: score.right + Number(right), of: score.of + 1 });
    if (out !== null) appendFileSync(out, `${JSON.stringify({ ...asked, kind, right, answer })}\n`);
  };
  await inPieces(
    cases.map((asked, seed) => async () => {
      const answer = await ask(server.url, { ...request(asked), ...drawn, seed }, false);
      note(asked.kind, asked, answer, isRight(asked, answer));
    }),
  );
  await inPieces(
    examples.flatMap((asked) =>
      Array.from({ length: seeds }, (_, seed) => seed).flatMap((seed) =>
        [false, true].map((stream) => async () => {
          // As the page asks.
          const answer = tidy(await ask(server.url, { ...request(asked), temperature: 0.7, seed }, stream));
          note(`example ${asked.kind}${stream ? ', streamed' : ''}`, asked, answer, isRight(asked, answer));
        }),
      ),
    ),
  );
  await server.stop();
  for (const [kind, { right, of }] of scores) console.log(`${kind.padEnd(28)} ${right} of ${of}`);
  const rows = [...scores].map(([kind, score]) => ({ kind, ...score }));
  const name = path.split('/').at(-1);
  const machine = describeMachine(server.adapter);
  return { result: { model: name, set, every, sampling, toolChoice, adapter, machine, rows } };
};

/** Runs them, AT_ONCE at a time. */
async function inPieces(tasks: readonly (() => Promise<void>)[]): Promise<void> {
  const left = [...tasks];
  const work = async (): Promise<void> => {
    for (let task = left.shift(); task !== undefined; task = left.shift()) await task();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}
