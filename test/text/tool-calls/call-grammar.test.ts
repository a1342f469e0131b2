import t from 'tap';
import { z } from 'zod';
import { callMarkup, forcedCalls, triggeredCalls } from '../../../src/text/tool-calls/call-grammar.ts';
import {
  createToolCallParser,
  toolCallFormat,
  toolCallParserNames,
} from '../../../src/text/tool-calls/create-parser.ts';
import type { ToolDefinition } from '../../../src/text/tool-calls/types.ts';
import { Merged } from '../../helpers/tool-call-cases.ts';
import { GrammarWalker } from '../../helpers/walk-grammar.ts';

const tools: readonly ToolDefinition[] = [
  { function: { name: 'now' } },
  {
    function: {
      name: 'get_weather',
      parameters: {
        type: 'object',
        properties: {
          city: { type: 'string' },
          unit: { enum: ['celsius', 'fahrenheit'] },
          days: { type: 'integer', minimum: 1, maximum: 14 },
          wind: { type: 'boolean' },
          tags: { type: 'array', items: { type: 'string', pattern: '^[a-z]{1,5}$' }, maxItems: 2 },
          place: { $ref: '#/$defs/place' },
        },
        required: ['city', 'days', 'place'],
        $defs: {
          place: {
            type: 'object',
            properties: { lat: { type: 'number', minimum: -90, maximum: 90 }, note: { type: ['string', 'null'] } },
            required: ['lat'],
          },
        },
      },
    },
  },
];
const schemaOf = new Map(
  tools.map((tool) => [
    tool.function.name,
    z.fromJSONSchema((tool.function.parameters ?? { type: 'object' }) as never),
  ]),
);

/** Templates that show the newer of a family's two ways. */
const newer: Readonly<Record<string, string>> = {
  mistral: '[ARGS]',
  llama_pythonic: '<|python_start|>',
  granite: '<|tool_call|>',
};
const forms = toolCallParserNames.flatMap((name) => [
  [name, ''] as const,
  ...(name in newer ? [[name, newer[name] ?? ''] as const] : []),
]);

function parse(name: string, text: string): Merged {
  const parser = createToolCallParser(name, tools);
  const merged = new Merged();
  merged.add(parser.push(text));
  merged.add(parser.end('eos'));
  return merged;
}

t.test('whatever a forced call says, its parser reads it and its arguments are valid', async (t) => {
  const walker = await GrammarWalker.create(6);
  for (const [name, template] of forms) {
    const form = toolCallFormat(name).form(template);
    for (const parallel of [false, true]) {
      const text = forcedCalls(form, tools, { parallel });
      let read = 0;
      for (let i = 0; i < 12 && read < 3; i++) {
        const output = await walker.text({ kind: 'grammar', text, param: null }, 500);
        if (output === null) continue;
        const { calls, content } = parse(name, output);
        const bad = calls.find((call) => !schemaOf.get(call.name)?.safeParse(tryJson(call.arguments)).success);
        const isGood = content === '' && calls.length > 0 && bad === undefined && (parallel || calls.length === 1);
        if (!isGood) t.fail(`${name}: ${JSON.stringify({ output, calls, content })}`);
        read++;
      }
      t.ok(read >= 1, `${name}${template} ${parallel ? 'several calls' : 'one call'}: ${read} texts`);
    }
  }
});

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

t.test('auto: free text, and behind an opening tag nothing but a good call', async (t) => {
  const walker = await GrammarWalker.create(7);
  for (const [name, template] of forms) {
    const form = toolCallFormat(name).form(template);
    const text = triggeredCalls(form, tools, { parallel: true, lenient: true });
    if (text === null) continue;
    t.ok((await walker.text({ kind: 'grammar', text, param: null }, 60)) !== undefined, `${name}: compiles`);
    const behind = `root ::= ${JSON.stringify('')} triggered\n`;
    const rules = text
      .split('\n')
      .filter((line) => !line.startsWith('root ::='))
      .join('\n');
    for (let i = 0; i < 2; i++) {
      const rest = await walker.text({ kind: 'grammar', text: `${rules}\n${behind}`, param: null }, 500);
      if (rest === null) continue;
      const { calls, content } = parse(name, `Well. ${form.trigger}${rest}`);
      t.ok(calls.length > 0 && content === 'Well. ', `${name}: ${form.trigger}${rest}`);
    }
  }
});

t.test('parameters between tags, whatever their name', async (t) => {
  const walker = await GrammarWalker.create(8);
  const parameters = { type: 'object', properties: { 'a/b~c': { type: 'string' } }, required: ['a/b~c'] };
  const tool: ToolDefinition = { function: { name: 'f', parameters } };
  const text = forcedCalls(toolCallFormat('glm45').form(''), [tool], { parallel: false });
  const call = (value: string) =>
    `<tool_call>f\n<arg_key>a/b~c</arg_key>\n<arg_value>${value}</arg_value>\n</tool_call>`;
  t.ok(await walker.accepts({ kind: 'grammar', text, param: null }, call('x y')), 'a string as it is');
  const odd = { function: { name: 'f', parameters: { ...parameters, properties: { 'a/b~c': { not: {} } } } } };
  t.throws(() => forcedCalls(toolCallFormat('qwen25').form(''), [odd], { parallel: false }), {
    message: /#\/properties\/a~1b~0c\/not/,
  });
});

t.test('a schema that no grammar can keep', (t) => {
  const parameters = { type: 'object', properties: { a: { not: { type: 'string' } } } };
  const odd: ToolDefinition[] = [{ function: { name: 'odd', parameters } }];
  const form = toolCallFormat('qwen25').form('');
  t.throws(() => forcedCalls(form, odd, { parallel: true }), {
    code: 'invalid_value',
    message: /#\/properties\/a\/not/,
  });
  t.match(triggeredCalls(form, odd, { parallel: true, lenient: true }), /root ::=/, 'auto takes any arguments');
  const strict = odd.map((tool) => ({ function: { ...tool.function, strict: true } }));
  t.throws(() => triggeredCalls(form, strict, { parallel: true, lenient: true }), { code: 'invalid_value' });
  t.end();
});

t.test('the tags of a value are among the text that special tokens may stand for', (t) => {
  for (const tag of ['<arg_key>', '</arg_key>', '<arg_value>', '</arg_value>']) {
    t.ok(callMarkup('glm45', '').includes(tag), tag);
  }
  t.end();
});
