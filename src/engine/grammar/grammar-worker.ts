/** Entry of the grammar thread: compiles grammars and computes masks, so that neither keeps the engine from stepping. */
import { parentPort, workerData } from 'node:worker_threads';
import type { GrammarMatcher } from '@mlc-ai/web-xgrammar';
import { EngineError } from '../../errors.ts';
import { toErrorMessage } from '../client/messages.ts';
import { BrokenCompiler, GrammarCompiler } from './grammar-compiler.ts';
import type { GrammarCommand, GrammarMessage, GrammarWorkerData } from './grammar-messages.ts';

if (!parentPort) throw new Error('grammar-worker.ts runs as a worker thread only');
const port = parentPort;
const { vocabulary, stopTokenIds } = workerData as GrammarWorkerData;
const compiler = GrammarCompiler.create(vocabulary, stopTokenIds);
// Why it failed is the answer to each command.
void compiler.then(
  () => send({ type: 'ready' }),
  () => {},
);
const matchers = new Map<number, GrammarMatcher>();
const vocabularySize = vocabulary.ends.length;

// One at a time: an 'accept' must find what the 'open' before it made.
let queue: Promise<void> = Promise.resolve();
port.on('message', (command: GrammarCommand) => {
  queue = queue.then(() => handle(command));
});

async function handle(command: GrammarCommand): Promise<void> {
  const { id } = command;
  try {
    switch (command.type) {
      case 'open': {
        const matcher = await (await compiler).matcher(command.spec);
        matchers.set(id, matcher);
        for (const tokenId of command.tokenIds) accept(matcher, tokenId);
        return await sendMask(id, matcher);
      }
      case 'accept': {
        const matcher = matchers.get(id);
        if (!matcher) return;
        accept(matcher, command.tokenId);
        return await sendMask(id, matcher);
      }
      case 'close':
        return dispose(id);
      default:
        command satisfies never;
    }
  } catch (error) {
    // Nobody asks for it again.
    dispose(id);
    if (error instanceof BrokenCompiler) end(error);
    else send({ type: 'failed', id, error: toErrorMessage(error) });
  }
}

/** Ends this thread; another is started. */
function end(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}

function dispose(id: number): void {
  matchers.get(id)?.dispose();
  matchers.delete(id);
}

function accept(matcher: GrammarMatcher, tokenId: number): void {
  if (matcher.isTerminated() || matcher.acceptToken(tokenId)) return;
  throw new EngineError('internal_error', `token ${tokenId} was generated against its grammar`);
}

async function sendMask(id: number, matcher: GrammarMatcher): Promise<void> {
  const signed = matcher.isTerminated() ? null : await matcher.getNextTokenBitmask();
  const mask = signed === null ? null : new Uint32Array(signed.buffer, signed.byteOffset, signed.length);
  send({ type: 'mask', id, mask: mask !== null && isFull(mask) ? null : mask });
}

function isFull(mask: Uint32Array): boolean {
  const rest = vocabularySize & 31;
  const last = rest === 0 ? 0xffff_ffff : 2 ** rest - 1;
  return mask.every((word, i) => (i === mask.length - 1 ? (word & last) >>> 0 === last : word === 0xffff_ffff));
}

function send(message: GrammarMessage): void {
  port.postMessage(message);
}
