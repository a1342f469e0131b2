import t from 'tap';
import { z } from 'zod';
import { forcedCalls, triggeredCalls } from '../../../src/text/tool-calls/call-grammar.ts';
import { createToolCallParser, toolCallFormat } from '../../../src/text/tool-calls/create-parser.ts';
import type { JsonSchema, ToolDefinition } from '../../../src/text/tool-calls/types.ts';
import { Merged } from '../../helpers/tool-call-cases.ts';
import { GrammarWalker } from '../../helpers/walk-grammar.ts';

/** A parameter: its name, and its value as text or, with `isJson`, as JSON. */
type Written = readonly [name: string, value: string, isJson?: boolean | undefined];

interface Way {
  readonly name: string;
  readonly end: string;
  readonly write: (parameters: readonly Written[]) => string;
}

const tagged = (open: string, one: (parameter: Written) => string, close: string) => (all: readonly Written[]) =>
  open + all.map(one).join('') + close;

const ways: readonly Way[] = [
  {
    name: 'qwen3_coder',
    end: '\n</function>',
    write: tagged(
      '<tool_call>\n<function=f>\n',
      ([key, value]) => `<parameter=${key}>\n${value}\n</parameter>\n`,
      '</function>\n</tool_call>',
    ),
  },
  {
    name: 'glm45',
    end: '</arg_value>',
    write: tagged(
      '<tool_call>f\n',
      ([key, value]) => `<arg_key>${key}</arg_key>\n<arg_value>${value}</arg_value>\n`,
      '</tool_call>',
    ),
  },
  {
    name: 'glm47',
    end: '</arg_value>',
    write: tagged(
      '<tool_call>f',
      ([key, value]) => `<arg_key>${key}</arg_key><arg_value>${value}</arg_value>`,
      '</tool_call>',
    ),
  },
  {
    name: 'deepseek_v32',
    end: '</｜DSML｜parameter>',
    write: tagged(
      '<｜DSML｜function_calls>\n<｜DSML｜invoke name="f">\n',
      ([key, value, isJson]) =>
        `<｜DSML｜parameter name="${key}" string="${isJson !== true}">${value}</｜DSML｜parameter>\n`,
      '</｜DSML｜invoke>\n</｜DSML｜function_calls>',
    ),
  },
];

const tool = (parameters: JsonSchema): ToolDefinition => ({ function: { name: 'f', parameters } });
const forced = (name: string, parameters: JsonSchema) => ({
  kind: 'grammar' as const,
  text: forcedCalls(toolCallFormat(name).form('<|python_start|>'), [tool(parameters)], { parallel: false }),
  param: null,
});
const ofA = (a: unknown): JsonSchema => ({ type: 'object', properties: { a }, required: ['a'] });

function parse(name: string, text: string, parameters: JsonSchema): Merged {
  const parser = createToolCallParser(name, [tool(parameters)]);
  const merged = new Merged();
  merged.add(parser.push(text));
  merged.add(parser.end('eos'));
  return merged;
}

interface ValueCase {
  readonly of: unknown;
  readonly good: readonly (readonly [value: string, json: unknown, isJson?: boolean])[];
  readonly bad: readonly (readonly [value: string, isJson?: boolean])[];
}

const valueCases: readonly ValueCase[] = [
  {
    of: { type: 'string', maxLength: 3 },
    good: [
      ['漢é\n', '漢é\n'],
      ['', ''],
    ],
    bad: [['abcd']],
  },
  { of: { type: 'string', minLength: 2 }, good: [['ab < c', 'ab < c']], bad: [['a'], ['']] },
  {
    of: { type: 'string', minLength: 2, maxLength: 16 },
    good: [
      ['x'.repeat(16), 'x'.repeat(16)],
      ['a < b', 'a < b'],
    ],
    bad: [['x'], ['x'.repeat(17)]],
  },
  // Longer ones are not counted: no text may be bent by them.
  {
    of: { type: 'string', minLength: 1, maxLength: 5000 },
    good: [['<div>a < b</div>', '<div>a < b</div>']],
    bad: [['']],
  },
  { of: { type: 'string', pattern: '\\S', maxLength: 256 }, good: [['<i>', '<i>']], bad: [[' ']] },
  { of: { type: 'string', enum: ['a', 'abcdef'], maxLength: 3 }, good: [['a', 'a']], bad: [['abcdef']] },
  {
    of: { enum: ['a', 1, 2, 3], minimum: 3 },
    good: [
      ['a', 'a'],
      ['3', 3, true],
    ],
    bad: [['1']],
  },
  {
    of: {
      oneOf: ['a', 'b'].reduce<object[]>(
        (all, tag) => [...all, { type: 'object', properties: { kind: { const: tag } } }],
        [{ type: 'string' }],
      ),
    },
    good: [
      ['text', 'text'],
      ['{"kind": "b"}', { kind: 'b' }, true],
    ],
    bad: [],
  },
  { of: { type: 'string', format: 'date' }, good: [['2026-11-28', '2026-11-28']], bad: [['today']] },
  { of: { type: 'string', pattern: '^a.*c$', maxLength: 4 }, good: [['a<bc', 'a<bc']], bad: [['abbbc'], ['abd']] },
  { of: { pattern: '^a$' }, good: [['a', 'a']], bad: [['"a"'], ['b']] },
  {
    of: { anyOf: [{ type: 'string', enum: ['x', 'y'] }, { type: 'null' }] },
    good: [
      ['x', 'x'],
      ['null', null, true],
    ],
    bad: [['z'], ['nul']],
  },
  { of: { type: ['string', 'null'], enum: ['x', null, 7] }, good: [['null', null, true]], bad: [['7', true], ['"x"']] },
  {
    of: {
      oneOf: [
        { type: 'integer', maximum: 5 },
        { type: 'string', format: 'date' },
      ],
    },
    good: [
      ['2026-11-28', '2026-11-28'],
      ['-7', -7, true],
    ],
    bad: [['7', true], ['x']],
  },
  {
    of: {
      maxLength: 10,
      anyOf: [
        { type: 'string', format: 'date' },
        { type: 'array', items: { type: 'integer' } },
      ],
    },
    good: [
      ['2026-11-28', '2026-11-28'],
      ['[1,2]', [1, 2], true],
    ],
    bad: [['[1,"a"]', true], ['x']],
  },
  { of: {}, good: [['a "b" < c', 'a "b" < c']], bad: [] },
  {
    of: { type: ['integer', 'string'] },
    good: [
      ['word', 'word'],
      ['7', 7, true],
    ],
    bad: [],
  },
];

t.test('a value between tags is what its schema allows, and is read as it', async (t) => {
  const walker = await GrammarWalker.create(9);
  for (const { name, end, write } of ways) {
    for (const { of, good, bad } of valueCases) {
      const parameters = ofA(of);
      const grammar = forced(name, parameters);
      const what = `${name} ${JSON.stringify(of)}`;
      for (const [value, json, isJson] of good) {
        const text = write([['a', value, isJson]]);
        t.ok(await walker.accepts(grammar, text), `${what}: ${value}`);
        const [call] = parse(name, text, parameters).calls;
        t.strictSame(JSON.parse(call?.arguments ?? ''), { a: json }, `${what}: ${value} is read`);
      }
      for (const [value, isJson] of bad) {
        t.notOk(await walker.accepts(grammar, write([['a', value, isJson]])), `${what}: not ${value}`);
      }
    }
    for (const of of [{ type: 'string' }, { type: 'string', pattern: '' }, { type: 'string', minLength: 1 }]) {
      t.notOk(await walker.accepts(forced(name, ofA(of)), write([['a', `x${end}y`]])), `${name}: a tag in a text`);
    }
  }
});

t.test('alternatives that lead back to themselves between tags', async (t) => {
  const walker = await GrammarWalker.create(13);
  const self = { $ref: '#/$defs/A' };
  const A = {
    maxLength: 2,
    anyOf: [{ type: 'string' }, { type: 'array', items: self }, self, { anyOf: [self, { $ref: '#/$defs/A' }] }],
  };
  for (const { name, write } of ways) {
    const grammar = forced(name, { ...ofA(self), $defs: { A } });
    t.ok(await walker.accepts(grammar, write([['a', 'xy']])), name);
    t.ok(await walker.accepts(grammar, write([['a', '["xy",[]]', true]])), `${name}: in itself`);
    t.notOk(await walker.accepts(grammar, write([['a', 'xyz']])), `${name}: too long`);
  }
});

t.test('what no grammar can keep of a string between tags', (t) => {
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [{ type: 'string', not: { const: 'a' } }, /#\/properties\/a\/not is a condition/],
    [
      {
        oneOf: [
          { type: 'string', minLength: 2 },
          { type: 'string', maxLength: 3 },
        ],
      },
      /oneOf has schemas that may both/,
    ],
    [{ type: 'string', minLength: 3, maxLength: 2 }, /maxLength below/],
    [{ enum: ['</parameter></arg_value></｜DSML｜parameter>'] }, /nothing that can stand between tags/],
  ];
  for (const { name } of ways) {
    for (const [of, message] of refused)
      t.throws(() => forced(name, ofA(of)), { message }, `${name} ${String(message)}`);
  }
  t.end();
});

const keywords: Way = {
  name: 'llama_pythonic',
  end: '',
  write: (all) => `<|python_start|>[f(${all.map(([key, value]) => `${key}=${value}`).join(', ')})]<|python_end|>`,
};

t.test('arguments that are not declared', async (t) => {
  const walker = await GrammarWalker.create(10);
  for (const { name, write } of [...ways, keywords]) {
    const accepts = (parameters: JsonSchema, all: readonly Written[]) =>
      walker.accepts(forced(name, parameters), write(all));
    const two: Written[] = [
      ['a', '"x"'],
      ['b_1', '[1]', true],
    ];
    t.ok(await accepts({ type: 'object' }, two), `${name}: any where nothing is said`);
    t.ok(await accepts({ type: 'object' }, []), `${name}: none as well`);
    t.notOk(await accepts({ type: 'object', properties: {} }, two), `${name}: none where none is declared`);
    const numbers = { type: 'object', additionalProperties: { type: 'integer' } };
    t.ok(await accepts(numbers, [['n', '5', true]]), `${name}: of the type of additionalProperties`);
    t.strictSame(
      parse(name, write([['n', '5', true]]), numbers).calls[0]?.arguments,
      '{"n": 5}',
      `${name}: and read so`,
    );
    t.notOk(await accepts(numbers, [['n', '"x"', true]]), `${name}: and of no other`);

    const either = {
      type: 'object',
      properties: { a: { type: 'integer' } },
      anyOf: [{ required: ['a'] }, { properties: { b: { type: 'integer' } }, required: ['b'] }],
    };
    t.ok(await accepts(either, [['a', '1', true]]), `${name}: the first of two`);
    t.ok(await accepts(either, [['b', '2', true]]), `${name}: the second`);
    t.strictSame(parse(name, write([['b', '2', true]]), either).calls[0]?.arguments, '{"b": 2}', `${name}: read`);
    t.notOk(await accepts(either, []), `${name}: not neither`);

    const a = { a: { type: 'string' } };
    for (const more of [
      { minProperties: 1 },
      { not: {} },
      { oneOf: [{ required: ['a'] }] },
      { propertyNames: { maxLength: 1 } },
    ]) {
      const refuse = () => forced(name, { type: 'object', properties: a, ...more });
      t.throws(refuse, { code: 'invalid_value' }, `${name}: ${JSON.stringify(more)}`);
    }
    t.throws(() => forced(name, { type: 'object', maxProperties: 2 }), { code: 'invalid_value' }, `${name}: a count`);
    t.doesNotThrow(() => forced(name, { type: 'object', properties: a, maxProperties: 1, minProperties: 0 }));
  }
});

t.test('auto: a tool whose schema no grammar can keep may have any arguments', async (t) => {
  const walker = await GrammarWalker.create(11);
  const parameters = ofA({ type: 'number', multipleOf: 0.01 });
  for (const { name, write } of [...ways, keywords]) {
    const form = toolCallFormat(name).form('<|python_start|>');
    const text = triggeredCalls(form, [tool(parameters)], { parallel: true, lenient: true }) ?? '';
    const call = write([
      ['a', '0.25', true],
      ['other', '"x"'],
    ]);
    t.ok(await walker.accepts({ kind: 'grammar', text, param: null }, `Well. ${call}`), name);
    t.match(parse(name, call, parameters).calls[0]?.arguments, /^\{"a": 0\.25, "other": "/, `${name}: read`);
  }
});

t.test('random calls under schemas of strings and others are valid', async (t) => {
  const walker = await GrammarWalker.create(12);
  const parameters = {
    type: 'object',
    properties: {
      short: { type: 'string', minLength: 1, maxLength: 4 },
      when: { anyOf: [{ type: 'string', format: 'date' }, { type: 'null' }] },
      kind: { anyOf: [{ type: 'string', enum: ['x', 'y', 'xy'] }, { type: 'boolean' }] },
      code: { type: 'string', pattern: '^[a-z]+[^a-z]$' },
      more: { type: 'array', items: { type: 'string', maxLength: 2 }, maxItems: 2 },
    },
    required: ['short', 'when', 'kind'],
  };
  const schema = z.fromJSONSchema(parameters as never);
  for (const { name } of ways) {
    const grammar = forced(name, parameters);
    let read = 0;
    for (let i = 0; i < 12 && read < 4; i++) {
      const text = await walker.text(grammar, 500);
      if (text === null) continue;
      const { calls, content } = parse(name, text, parameters);
      const args: unknown = JSON.parse(calls[0]?.arguments ?? 'null');
      if (content !== '' || calls.length !== 1 || !schema.safeParse(args).success) t.fail(`${name}: ${text}`);
      read++;
    }
    t.ok(read > 0, `${name}: ${read} texts`);
  }
});
