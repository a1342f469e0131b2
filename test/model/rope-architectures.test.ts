/**
 * Each architecture's rotation under each kind of scaling, from configs of both generations: what transformers' own rotary embedding
 * of that architecture computes from the same config (scripts/make-rope-fixtures.py).
 */
import { readFileSync } from 'node:fs';
import t from 'tap';
import type { ModelParts } from '../../src/model/architecture.ts';
import { architectureOf } from '../../src/model/architectures/registry.ts';
import { jsonSource } from '../../src/model/config.ts';
import { inverseFrequencies, type RopeParameters } from '../../src/model/layers/rope.ts';

interface Table {
  readonly length: number;
  /** Index of `frequencies`. */
  readonly inv_freq: number;
  readonly scale: number;
}

interface Case {
  readonly name: string;
  readonly config: { readonly model_type: string };
  /** Of each type of layers, of each length. */
  readonly tables: readonly Table[];
}

interface Fixture {
  readonly base: object;
  readonly frequencies: readonly (readonly number[])[];
  readonly cases: readonly Case[];
}

const fixture = JSON.parse(readFileSync('test/fixtures/models/rope-architectures.json', 'utf8')) as Fixture;

interface Rotation {
  readonly rope: RopeParameters;
  readonly rotaryDim: number;
}

/** Weights that are never read: whatever is asked of them is more of the same. */
const noWeights: unknown = new Proxy({}, { get: (_, key) => (key === 'map' ? () => [] : noWeights) });

/** The rotations that a model asks for, in its order: of layers that see everything first. */
function rotationsOf(config: Case['config']): Rotation[] {
  const json = { ...fixture.base, ...config };
  const architecture = architectureOf(config.model_type, 'config.json');
  const found: Rotation[] = [];
  const parts = {
    maxLength: 256,
    scoreHead: null,
    rotary: (rope: RopeParameters, headDim: number, rotaryDim = headDim) => {
      found.push({ rope, rotaryDim });
      return {};
    },
  } as unknown as ModelParts;
  architecture.create(architecture.config(jsonSource(json, 'config.json')), noWeights, parts);
  return found;
}

/** The largest relative difference of a case, of frequencies or of the factor; infinite where other dimensions rotate. */
function worst({ config, tables }: Case): number {
  const rotations = rotationsOf(config);
  const lengths = new Set(tables.map(({ length }) => length)).size;
  const differences = tables.flatMap(({ length, inv_freq, scale }, i) => {
    const { rope, rotaryDim } = rotations[Math.floor(i / lengths)];
    const found = inverseFrequencies(rope, rotaryDim, length);
    const expected = fixture.frequencies[inv_freq];
    if (found.invFreq.length !== expected.length) return [Infinity];
    return [found.scale / scale - 1, ...found.invFreq.map((f, j) => f / expected[j] - 1)];
  });
  return Math.max(...differences.map(Math.abs));
}

t.test('rotations are those of transformers', (t) => {
  for (const one of fixture.cases) {
    const found = worst(one);
    t.ok(found < 2e-6, `${one.name}: relative error ${found.toExponential(1)}`); // theirs are f32
  }
  t.end();
});
