/** `@mlc-ai/web-xgrammar` as fresh instances, each with a memory of its own and its messages kept. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { compileFunction } from 'node:vm';

type XGrammarModule = typeof import('@mlc-ai/web-xgrammar');

export interface XGrammar {
  readonly api: XGrammarModule;
  /** Why it aborted: the library prints it. null if it printed nothing. */
  takeReason(): string | null;
}

type Factory = (
  module: { exports: unknown },
  exports: unknown,
  require: NodeJS.Require,
  filename: string,
  process: undefined,
  console: Pick<Console, 'log' | 'warn' | 'error'>,
) => void;

let factory: Factory | null = null;
const require = createRequire(import.meta.url);

/**
 * The package is UMD under an ESM name, so it can be neither imported nor required: its text is run as a function. Without
 * `process` it takes no Node-only path (which would need a dynamic import), and its console is ours.
 */
export function loadXGrammar(): XGrammar {
  const path = require.resolve('@mlc-ai/web-xgrammar');
  const parameters = ['module', 'exports', 'require', '__filename', 'process', 'console'];
  factory ??= compileFunction(readFileSync(path, 'utf8'), parameters, { filename: path }) as Factory;
  const messages: string[] = [];
  const keep = (...parts: unknown[]): void => void messages.push(parts.join(' '));
  const module = { exports: {} };
  factory(module, module.exports, require, path, undefined, { log: keep, warn: keep, error: keep });
  return {
    api: module.exports as XGrammarModule,
    takeReason() {
      const fatal = messages.find((message) => message.startsWith('[FATAL]'));
      messages.length = 0;
      // `[FATAL] /path/file.cc:12: Check failed: (condition) is false: what happened`
      return fatal === undefined
        ? null
        : fatal.replace(/^\[FATAL\] \S+: /, '').replace(/^Check failed: .*? is false: /, '');
    },
  };
}
