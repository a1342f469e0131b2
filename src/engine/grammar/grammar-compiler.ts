/**
 * Grammars to matchers with xgrammar, in the thread that calls it. A grammar that xgrammar refuses aborts its instance, so
 * each is first read by an instance that may be thrown away; the one that holds the matchers sees only good ones.
 */
import type { CompiledGrammar, GrammarCompiler as Compiler, GrammarMatcher } from '@mlc-ai/web-xgrammar';
import { EngineError } from '../../errors.ts';
import type { ConstraintSpec, Vocabulary } from './constraint.ts';
import { loadXGrammar, type XGrammar } from './xgrammar.ts';

const mostCached = 64;

/** GPT-2's alphabet: a printable character for each byte, so that half characters can be handed over as text. */
const byteAlphabet = ((): readonly string[] => {
  let next = 256;
  const isPrintable = (b: number) => (b > 0x20 && b < 0x7f) || (b > 0xa0 && b !== 0xad);
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(isPrintable(b) ? b : next++));
})();

/** The instance that holds the matchers is of no more use. */
export class BrokenCompiler extends Error {}

export class GrammarCompiler {
  readonly #xgrammar: XGrammar;
  readonly #compiler: Compiler;
  /** Least recently used first. */
  readonly #compiled = new Map<string, CompiledGrammar>();
  #reader = loadXGrammar();

  private constructor(xgrammar: XGrammar, compiler: Compiler) {
    this.#xgrammar = xgrammar;
    this.#compiler = compiler;
  }

  /** @param stopTokenIds tokens that end the output, allowed where the grammar is complete */
  static async create(vocabulary: Vocabulary, stopTokenIds: readonly number[]): Promise<GrammarCompiler> {
    const xgrammar = loadXGrammar();
    const { TokenizerInfo, GrammarCompiler: Compiler } = xgrammar.api;
    const tokens = tokenTexts(vocabulary);
    const info = await TokenizerInfo.createTokenizerInfo(tokens, 'byte_level', false, tokens.length, [...stopTokenIds]);
    return new GrammarCompiler(xgrammar, await Compiler.createGrammarCompiler(info, false));
  }

  /** A matcher at the grammar's beginning. @throws EngineError invalid_value with xgrammar's reason */
  async matcher(spec: ConstraintSpec): Promise<GrammarMatcher> {
    return this.#xgrammar.api.GrammarMatcher.createGrammarMatcher(await this.#compile(spec));
  }

  async #compile(spec: ConstraintSpec): Promise<CompiledGrammar> {
    const key = `${spec.kind}\n${spec.text}`;
    const known = this.#compiled.get(key);
    const compiled = known ?? (await this.#compileNew(spec));
    this.#compiled.delete(key);
    this.#compiled.set(key, compiled);
    const [oldest] = this.#compiled.keys();
    if (this.#compiled.size > mostCached && oldest !== undefined) {
      this.#compiled.get(oldest)?.dispose();
      this.#compiled.delete(oldest);
    }
    return compiled;
  }

  async #compileNew({ kind, text, param }: ConstraintSpec): Promise<CompiledGrammar> {
    const { Grammar } = this.#reader.api;
    try {
      const grammar = await (kind === 'grammar' ? Grammar.fromEBNF(text) : Grammar.fromStructuralTag(text));
      grammar.dispose();
    } catch (error) {
      const reason = this.#reader.takeReason() ?? reasonOf(error);
      this.#reader = loadXGrammar();
      throw new EngineError('invalid_value', `${param ?? kind}: the grammar is unusable: ${reason}`, {
        param,
        cause: error,
      });
    }
    try {
      return await (kind === 'grammar'
        ? this.#compiler.compileGrammar(text)
        : this.#compiler.compileStructuralTag(text));
    } catch (cause) {
      throw new BrokenCompiler('xgrammar gave up on a grammar that it had read', { cause });
    }
  }
}

/** Errors in a structural tag's form come as the address of a C++ exception, which tells nothing. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : 'a part of it is missing or of an unknown type';
}

/** '' for tokens with bytes that UTF-8 never has: grammars count on that. */
function tokenTexts({ bytes, ends }: Vocabulary): string[] {
  return Array.from(ends, (end, id) => {
    const token = bytes.subarray(id === 0 ? 0 : ends[id - 1], end);
    return token.some(isNeverUtf8) ? '' : Array.from(token, (byte) => byteAlphabet[byte]).join('');
  });
}

const isNeverUtf8 = (byte: number): boolean => byte === 0xc0 || byte === 0xc1 || byte > 0xf4;
