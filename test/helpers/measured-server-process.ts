/**
 * A server of its own process, over a FakeEngine but with real workers for text and grammars, that tells its parent how long
 * its event loop was kept busy at one stretch. What waits for a processor is not counted, so the figure means the same on a
 * machine with other work.
 */
import { constraintPool, ConstraintMaker } from '../../src/server/constraints/constraint-maker.ts';
import { describeText, textPool, TextService } from '../../src/server/text-workers/text-service.ts';
import { moduleUrl } from '../../src/module-url.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { detokenizerFromGguf, loadDetokenizer } from '../../src/text/tokenizer/load-tokenizer.ts';
import { startFakeServer } from './fake-server.ts';

/** Milliseconds between looks at the clocks. */
const tick = 2;

export interface MeasuredOptions {
  /** A directory or .gguf file, for its tokenizer and chat template. */
  readonly modelDir: string;
  /** Instead of the model's. */
  readonly chatTemplate: string | null;
  /** Longest work of a text worker. */
  readonly seconds: number;
}

export interface Busy {
  /** Milliseconds of processor time that passed between two turns of the event loop, the most so far. */
  readonly longest: number;
}

const { modelDir, chatTemplate, seconds } = JSON.parse(process.argv[2]) as MeasuredOptions;

function openDetokenizer() {
  const model = openModel(modelDir);
  try {
    return model.metadata === null
      ? loadDetokenizer(model.path)
      : detokenizerFromGguf(Object.fromEntries(model.metadata));
  } finally {
    model.close();
  }
}

const tokenizer = openDetokenizer();
const texts = textPool(
  moduleUrl('../../src/commands/text-worker.ts', import.meta.url),
  { modelDir, chatTemplate },
  { size: 1, seconds, maxWaiting: 100 },
);
const constraints = constraintPool(tokenizer.chatTemplate ?? '', 100);
const text = new TextService(texts, await describeText(texts));
const server = await startFakeServer({}, { text, tokenizer, constraints: new ConstraintMaker(constraints) });
server.engine.info = { ...server.engine.info, maxModelLen: 8192, vocabSize: tokenizer.vocabSize, hiddenSize: 576 };
// As the engine's messages do, answers come in turns of their own.
server.engine.script = () => ({ text: 'Hello', chunk: 8, delay: 1 });
server.engine.poolDelay = () => 1;

/** Both clocks: the processor time is all threads', so that one with the collector beside it counts for no more than it took. */
function clocks() {
  const { user, system } = process.cpuUsage();
  return { wall: performance.now(), cpu: (user + system) / 1000 };
}

let last = clocks();
let longest = 0;
setInterval(() => {
  const now = clocks();
  longest = Math.max(longest, Math.min(now.wall - last.wall, now.cpu - last.cpu));
  last = now;
}, tick);

process.on('message', () => {
  process.send!({ longest } satisfies Busy);
  server.engine.calls.length = 0;
  longest = 0;
});
process.on('disconnect', () => process.exit());
process.send!({ port: server.server.port });
