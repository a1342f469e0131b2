import t from 'tap';
import { completionConstraint } from '../../../src/text/structured-output/output-constraint.ts';
import { independentValidator, randomSchema } from '../../helpers/random-schemas.ts';
import { GrammarWalker } from '../../helpers/walk-grammar.ts';

// With a model instead of dice: bench/grammar.
t.test('random schemas: an independent validator accepts what their grammars say', async (t) => {
  const walker = await GrammarWalker.create(3);
  const count = Number(process.env.SCHEMA_RUNS ?? 60);
  const first = Number(process.env.SCHEMA_SEED ?? 1);
  const features = new Set<string>();
  let finished = 0;
  for (let seed = first; seed < first + count; seed++) {
    const made = randomSchema(seed);
    made.features.forEach((feature) => features.add(feature));
    const { schema } = made;
    const problem = independentValidator(schema);
    const format = { type: 'json_schema', json_schema: { name: 'n', schema } } as const;
    const spec = completionConstraint({ response_format: format });
    for (let i = 0; i < 3; i++) {
      const text = await walker.text(spec!, 300);
      if (text === null) continue;
      finished++;
      const wrong = problem(JSON.parse(text));
      if (wrong !== null) t.fail(`seed ${seed}: ${wrong}: ${text} for ${JSON.stringify(schema)}`);
    }
  }
  t.ok(finished > count, `${finished} texts of ${count} schemas`);
  t.ok(features.size >= 15, [...features].join(', '));
});
