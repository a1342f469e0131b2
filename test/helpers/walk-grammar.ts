/** Random texts of a grammar, a token at a time under the masks that the engine would apply; no model. */
import type { ConstraintSpec, Vocabulary } from '../../src/engine/grammar/constraint.ts';
import { GrammarCompiler } from '../../src/engine/grammar/grammar-compiler.ts';
import { random } from './random.ts';

/** ASCII, the bytes of all other characters, some of these whole, and longer tokens that cross what grammars care for. */
const tokens: readonly Uint8Array[] = [
  ...Array.from({ length: 95 }, (_, i) => Uint8Array.of(32 + i)),
  ...[
    '\n',
    '\t',
    'é',
    '漢',
    '｜',
    '▁',
    '😀',
    '": "',
    '", "',
    '"}',
    '{"',
    '}]',
    '"]',
    '</',
    '\\n',
    ' the',
    'tool',
    '12',
    '0.',
    'true',
  ].map((text) => new TextEncoder().encode(text)),
  ...Array.from({ length: 0xf5 - 0x80 }, (_, i) => Uint8Array.of(0x80 + i)),
  new Uint8Array(), // ends the output
];
export const walkStop = tokens.length - 1;

export function vocabularyOf(list: readonly Uint8Array[]): Vocabulary {
  let end = 0;
  const ends = Uint32Array.from(list, (token) => (end += token.length));
  return { bytes: Uint8Array.from(list.flatMap((token) => [...token])), ends };
}

export const walkVocabulary = vocabularyOf(tokens);
const closing = new Set(
  tokens.flatMap((token, id) => (/^[\]"}).,<]+$/.test(new TextDecoder().decode(token)) ? [id] : [])),
);

export class GrammarWalker {
  readonly #compiler: GrammarCompiler;
  readonly #random: () => number;

  private constructor(compiler: GrammarCompiler, seed: number) {
    this.#compiler = compiler;
    this.#random = random(seed);
  }

  static async create(seed: number): Promise<GrammarWalker> {
    return new GrammarWalker(await GrammarCompiler.create(walkVocabulary, [walkStop]), seed);
  }

  /** One text of the grammar; null when it got longer than `longest` tokens. Throws where no token is allowed. */
  async text(spec: ConstraintSpec, longest = 400): Promise<string | null> {
    const matcher = await this.#compiler.matcher(spec);
    const bytes: number[] = [];
    try {
      for (let i = 0; i < longest; i++) {
        const mask = await matcher.getNextTokenBitmask();
        const allowed = tokens.flatMap((_, id) => (((mask[id >> 5] ?? 0) >>> (id & 31)) & 1 ? [id] : []));
        const ends = allowed.filter((id) => id === walkStop || closing.has(id));
        const from = ends.length > 0 && this.#random() < 0.3 + i / 200 ? ends : allowed;
        const id = from[Math.floor(this.#random() * from.length)];
        if (id === undefined) throw new Error(`stuck behind ${JSON.stringify(Buffer.from(bytes).toString())}`);
        if (!matcher.acceptToken(id)) throw new Error(`token ${id} was allowed and refused`);
        if (id === walkStop) return new TextDecoder().decode(Uint8Array.from(bytes));
        bytes.push(...(tokens[id] ?? []));
      }
      return null;
    } finally {
      matcher.dispose();
    }
  }

  /** Whether `text`, written byte by byte, is a whole text of the grammar. */
  async accepts(spec: ConstraintSpec, text: string): Promise<boolean> {
    const matcher = await this.#compiler.matcher(spec);
    try {
      const ids = [...new TextEncoder().encode(text)].map((byte) =>
        tokens.findIndex((token) => token.length === 1 && token[0] === byte),
      );
      return [...ids, walkStop].every((id) => matcher.acceptToken(id));
    } finally {
      matcher.dispose();
    }
  }
}
