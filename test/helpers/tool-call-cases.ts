/** What each family writes and what must come of it; the tests, the fuzzer and the benchmark run over the same table. */
import type { Delta, ToolDefinition } from '../../src/text/tool-calls/types.ts';

export interface ToolCallCase {
  readonly title: string;
  readonly text: string;
  /** '' when absent. */
  readonly content?: string;
  /** Name and arguments text of each call; a third entry is the id the model wrote. */
  readonly calls?: readonly (readonly [name: string, args: string, id?: string])[];
  /** How the output ended; 'eos' when absent. */
  readonly end?: 'eos' | 'length';
  /** `caseTools` when absent. */
  readonly tools?: readonly ToolDefinition[];
}

export const caseTools: readonly ToolDefinition[] = [
  { type: 'function', function: { name: 'now' } },
  {
    type: 'function',
    function: {
      name: 'get_weather',
      parameters: {
        type: 'object',
        properties: {
          city: { type: 'string' },
          days: { type: 'integer' },
          wind: { type: ['number', 'null'] },
          detailed: { type: 'boolean' },
          tags: { type: 'array', items: { type: 'string' } },
          where: { $ref: '#/$defs/place' },
          either: { anyOf: [{ type: 'integer' }, { type: 'string' }] },
        },
        $defs: { place: { type: 'object', properties: { lat: { type: 'number' } } } },
      },
    },
  },
];

/** Arguments that have broken other parsers: brackets, tags, fences, escapes and a name inside strings. */
const hard =
  String.raw`{"city": "Zür\u0069ch \"]}\" </tool_call> [TOOL_CALLS] ` +
  '```' +
  String.raw`; {\\", "name": "x", "e": {}, "😀": [-1.5e3, null, true]}`;

/** Cases that hold for every format in which one call is `open(name, args)`, calls are joined by `join`. */
function jsonCases(
  open: (name: string, args: string) => string,
  join: string,
  wrap: (calls: string) => string = (calls) => calls,
): ToolCallCase[] {
  const one = wrap(open('get_weather', '{"city": "Paris"}'));
  const hardOne = wrap(open('get_weather', hard));
  return [
    { title: 'one call', text: one, calls: [['get_weather', '{"city": "Paris"}']] },
    {
      title: 'text before',
      text: `I look. ${one}`,
      content: 'I look. ',
      calls: [['get_weather', '{"city": "Paris"}']],
    },
    { title: 'no arguments', text: wrap(open('now', '{}')), calls: [['now', '{}']] },
    { title: 'hard arguments', text: hardOne, calls: [['get_weather', hard]] },
    { title: 'spaced arguments', text: wrap(open('now', '{ \n "a" :\t1.0 }')), calls: [['now', '{ \n "a" :\t1.0 }']] },
    { title: 'unknown tool', text: wrap(open('other', '{"a":1}')), calls: [['other', '{"a":1}']] },
    {
      title: 'three calls',
      text: wrap(['{"city": "A"}', '{}', '{"city":"C"}'].map((args) => open('get_weather', args)).join(join)),
      calls: [
        ['get_weather', '{"city": "A"}'],
        ['get_weather', '{}'],
        ['get_weather', '{"city":"C"}'],
      ],
    },
    {
      title: 'cut in the arguments',
      text: hardOne.slice(0, hardOne.indexOf('\\"]')),
      end: 'length',
      calls: [['get_weather', hard.slice(0, hard.indexOf('\\"]'))]],
    },
    {
      title: 'cut in the name',
      text: one.slice(0, one.indexOf('eather')),
      end: 'length',
      content: one.slice(0, one.indexOf('eather')),
    },
    {
      title: 'no closing tag',
      text: one.slice(0, one.indexOf('"Paris"}') + 8),
      calls: [['get_weather', '{"city": "Paris"}']],
    },
    { title: 'plain text', text: 'a < b, [1] {x} `c` <|\n', content: 'a < b, [1] {x} `c` <|\n' },
    {
      title: 'a JSON answer',
      text: '{"city": {"name": "Paris", "parameters": {}}}',
      content: '{"city": {"name": "Paris", "parameters": {}}}',
    },
  ];
}

const call = (name: string, args: string) => `{"name": "${name}", "arguments": ${args}}`;

const hermes: ToolCallCase[] = [
  ...jsonCases((name, args) => `<tool_call>\n${call(name, args)}\n</tool_call>`, '\n'),
  { title: 'no line breaks', text: `<tool_call>${call('now', '{}')}</tool_call>`, calls: [['now', '{}']] },
  {
    title: 'text after',
    text: `<tool_call>\n${call('now', '{}')}\n</tool_call>\n\nDone.`,
    content: '\n\nDone.',
    calls: [['now', '{}']],
  },
  {
    title: 'text between',
    text: `<tool_call>${call('now', '{}')}</tool_call> and <tool_call>${call('f', '{}')}</tool_call>`,
    content: ' and ',
    calls: [
      ['now', '{}'],
      ['f', '{}'],
    ],
  },
  {
    title: 'name after arguments',
    text: `<tool_call>{"arguments": {"name": "x"}, "name": "f"}</tool_call>`,
    calls: [['f', '{"name": "x"}']],
  },
  { title: 'missing arguments', text: '<tool_call>{"name": "now"}</tool_call>', calls: [['now', '{}']] },
  {
    title: 'null arguments',
    text: '<tool_call>{"name": "now", "arguments": null}</tool_call>',
    calls: [['now', '{}']],
  },
  {
    title: 'arguments in a string',
    text: String.raw`<tool_call>{"name": "f", "arguments": "{\"a\": \"\u00e9\\n\"}"}</tool_call>`,
    calls: [['f', String.raw`{"a": "é\n"}`]],
  },
  { title: 'empty string', text: '<tool_call>{"name": "f", "arguments": ""}</tool_call>', calls: [['f', '{}']] },
  { title: 'empty id', text: '<tool_call>{"id": "", "name": "f", "arguments": {}}</tool_call>', calls: [['f', '{}']] },
  {
    title: 'unclosed before the next',
    text: `<tool_call>${call('f', '{}')}<tool_call>${call('g', '{}')}`,
    calls: [
      ['f', '{}'],
      ['g', '{}'],
    ],
  },
  {
    title: 'two in one tag',
    text: `<tool_call>${call('f', '{}')}\n${call('g', '{}')}</tool_call>`,
    calls: [
      ['f', '{}'],
      ['g', '{}'],
    ],
  },
  { title: 'false prefixes', text: 'a <too <tool_cal <<tool_call', content: 'a <too <tool_cal <<tool_call' },
  { title: 'not JSON', text: '<tool_call>f(x)</tool_call>', content: '<tool_call>f(x)</tool_call>' },
  { title: 'no name', text: '<tool_call>{"a": 1}</tool_call>', content: '<tool_call>{"a": 1}</tool_call>' },
  {
    title: 'arguments no object',
    text: '<tool_call>{"name": "f", "arguments": [1]}</tool_call>',
    content: '<tool_call>{"name": "f", "arguments": [1]}</tool_call>',
  },
  {
    title: 'arguments a word',
    text: '<tool_call>{"name": "f", "arguments": {a: 1}}</tool_call>',
    content: '<tool_call>{"name": "f", "arguments": {a: 1}}</tool_call>',
  },
  {
    title: 'bad inside the arguments',
    text: `<tool_call>{"name": "f", "arguments": {"a": oops}}</tool_call><tool_call>${call('g', '{}')}</tool_call>`,
    content: 'oops}}</tool_call>',
    calls: [
      ['f', '{"a": '],
      ['g', '{}'],
    ],
  },
  {
    title: 'a tag in a tag',
    text: `<tool_call><tool_call>${call('f', '{}')}</tool_call>`,
    content: '<tool_call>',
    calls: [['f', '{}']],
  },
  { title: 'white space only', text: ' \n', content: ' \n' },
  { title: 'white space first', text: `\n\n<tool_call>${call('now', '{}')}</tool_call>\n`, calls: [['now', '{}']] },
  { title: 'empty', text: '' },
];

const llama3: ToolCallCase[] = [
  ...jsonCases((name, args) => `{"name": "${name}", "parameters": ${args}}`, '; '),
  { title: 'python tag', text: '<|python_tag|>{"name": "now", "parameters": {}}', calls: [['now', '{}']] },
  { title: 'arguments', text: call('now', '{}'), calls: [['now', '{}']] },
  { title: 'type', text: '{"type": "function", "name": "now", "parameters": {}}', calls: [['now', '{}']] },
  { title: 'code', text: '<|python_tag|>print({1: 2})', content: '<|python_tag|>print({1: 2})' },
  { title: 'a person', text: '{"name": "Bob", "age": 5}', content: '{"name": "Bob", "age": 5}' },
  { title: 'a person without age', text: '{"name": "Bob"}', content: '{"name": "Bob"}' },
  {
    title: 'a person in prose',
    text: 'So {"name": "Bob", "parameters": {}}.',
    content: 'So {"name": "Bob", "parameters": {}}.',
  },
  {
    title: 'text after',
    text: '{"name": "now", "parameters": {}}; and more',
    content: '; and more',
    calls: [['now', '{}']],
  },
  { title: 'code block', text: 'if (a) { b(); } else { c }', content: 'if (a) { b(); } else { c }' },
];

const paris = "get_weather(city='Paris')";
const pythonic: ToolCallCase[] = [
  { title: 'one call', text: `[${paris}]`, calls: [['get_weather', '{"city": "Paris"}']] },
  {
    title: 'several',
    text: `[${paris}, now(), now( )]`,
    calls: [
      ['get_weather', '{"city": "Paris"}'],
      ['now', '{}'],
      ['now', '{}'],
    ],
  },
  { title: 'in tags', text: `<|python_start|>[${paris}]<|python_end|>`, calls: [['get_weather', '{"city": "Paris"}']] },
  {
    title: 'text before',
    text: `Let me see.\n[${paris}]`,
    content: 'Let me see.\n',
    calls: [['get_weather', '{"city": "Paris"}']],
  },
  {
    title: 'literals',
    text: String.raw`[f(a="it's", b=[1, -3.5, [], {}], c=None, d=True, e={'k': (1, 2), 3: 'v'}, g='\'\n\x41\u00e9\U0001F600]', h=+1_000, i=.5, j=1.)]`,
    calls: [
      [
        'f',
        String.raw`{"a": "it's", "b": [1, -3.5, [], {}], "c": null, "d": true, "e": {"k": [1, 2], "3": "v"}, "g": "'\nAé😀]", "h": 1000, "i": 0.5, "j": 1.0}`,
      ],
    ],
  },
  {
    title: 'cut in a string',
    text: "[get_weather(city='Par",
    end: 'length',
    calls: [['get_weather', '{"city": "Par']],
  },
  { title: 'cut in the name', text: '[get_wea', end: 'length', content: '[get_wea' },
  { title: 'a list', text: '[1, 2] and [see](http://x) [a, b]', content: '[1, 2] and [see](http://x) [a, b]' },
  { title: 'positional', text: '[get_weather("Paris")]', content: '[get_weather("Paris")]' },
  { title: 'mathematics', text: 'so [g(), f(x)] is', content: 'so [g(), f(x)] is' },
  { title: 'bad value', text: '[f(a=@)] x', content: '@)] x', calls: [['f', '{"a": ']] },
  { title: 'empty', text: '' },
];

const mistral: ToolCallCase[] = [
  ...jsonCases(call, ', ', (calls) => `[TOOL_CALLS] [${calls}]`),
  { title: 'no space', text: `[TOOL_CALLS][${call('now', '{}')}]`, calls: [['now', '{}']] },
  {
    title: 'own id',
    text: '[TOOL_CALLS] [{"id": "abcDEF123", "name": "now", "arguments": {}}]',
    calls: [['now', '{}', 'abcDEF123']],
  },
  {
    title: 'id after',
    text: '[TOOL_CALLS] [{"name": "now", "arguments": {}, "id": "abcDEF123"}]',
    calls: [['now', '{}', 'abcDEF123']],
  },
  {
    title: 'ids after, one of them twice and one of another form',
    text: `[TOOL_CALLS] [${['abcDEF123', 'abcDEF123', 'call-1', 'xyz456789'].map((id) => `{"name": "f", "arguments": {"a": 1}, "id": "${id}"}`).join(', ')}]`,
    calls: [
      ['f', '{"a": 1}', 'abcDEF123'],
      ['f', '{"a": 1}'],
      ['f', '{"a": 1}'],
      ['f', '{"a": 1}', 'xyz456789'],
    ],
  },
  {
    title: 'cut in the id',
    text: '[TOOL_CALLS] [{"name": "now", "arguments": {}, "id": "abcD',
    end: 'length',
    calls: [['now', '{}']],
  },
  {
    title: 'something else behind the arguments',
    text: '[TOOL_CALLS] [{"name": "now", "arguments": {} oops',
    calls: [['now', '{}']],
    content: ' oops',
  },
  {
    title: 'one id twice, and one that no template takes back',
    text: `[TOOL_CALLS] [${['abcDEF123', 'abcDEF123', 'call-1'].map((id) => `{"id": "${id}", "name": "f", "arguments": {}}`).join()}]`,
    calls: [
      ['f', '{}', 'abcDEF123'],
      ['f', '{}'],
      ['f', '{}'],
    ],
  },
  ...jsonCases((name, args) => `[TOOL_CALLS]${name}[ARGS]${args}`, '').map((c) => ({ ...c, title: `v11: ${c.title}` })),
  { title: 'call id', text: '[TOOL_CALLS]now[CALL_ID]abc123XYZ[ARGS]{}', calls: [['now', '{}', 'abc123XYZ']] },
  { title: 'no special tokens', text: '[TOOL_CALLS]now{"a": 1}', calls: [['now', '{"a": 1}']] },
  { title: 'text after', text: '[TOOL_CALLS]now[ARGS]{} [TOOL', content: ' [TOOL', calls: [['now', '{}']] },
  { title: 'brackets', text: 'a] [b] [TOOL not a tag]', content: 'a] [b] [TOOL not a tag]' },
  {
    title: 'a call that breaks off before the next',
    text: '[TOOL_CALLS]f [TOOL_CALLS]now[ARGS]{}',
    content: '[TOOL_CALLS]f ',
    calls: [['now', '{}']],
  },
  { title: 'no call', text: '[TOOL_CALLS] [] x', content: '[TOOL_CALLS] [] x' },
  { title: 'no list', text: '[TOOL_CALLS]not valid', content: '[TOOL_CALLS]not valid' },
  {
    title: 'a string that holds no object, before a call',
    text: `[TOOL_CALLS]f" }[TOOL_CALLS] [${call('now', '{}')}]`,
    content: '[TOOL_CALLS]f" }',
    calls: [['now', '{}']],
  },
];

const coder = (...parameters: string[]) =>
  `<tool_call>\n<function=get_weather>\n${parameters.map((p) => `${p}\n`).join('')}</function>\n</tool_call>`;
const parameter = (key: string, value: string) => `<parameter=${key}>\n${value}\n</parameter>`;
const qwen3Coder: ToolCallCase[] = [
  { title: 'one call', text: coder(parameter('city', 'Paris')), calls: [['get_weather', '{"city": "Paris"}']] },
  { title: 'no arguments', text: '<tool_call>\n<function=now>\n</function>\n</tool_call>', calls: [['now', '{}']] },
  { title: 'bare function', text: `x <function=now></function> y`, content: 'x  y', calls: [['now', '{}']] },
  {
    title: 'types',
    text: coder(
      parameter('city', ' "a"\n\n<b>\t1 < 2</function> '),
      parameter('days', '3'),
      parameter('wind', 'null'),
      parameter('detailed', 'True'),
      parameter('tags', '[\'a\', "b"]'),
      parameter('where', '{"lat":  1.50}'),
      parameter('either', 'seven'),
      parameter('extra', '12'),
    ),
    calls: [
      [
        'get_weather',
        String.raw`{"city": " \"a\"\n\n<b>\t1 < 2</function> ", "days": 3, "wind": null, "detailed": true, "tags": ["a", "b"], "where": {"lat":  1.50}, "either": "seven", "extra": "12"}`,
      ],
    ],
  },
  {
    title: 'union',
    text: coder(parameter('either', '7'), parameter('days', 'many')),
    calls: [['get_weather', '{"either": 7, "days": "many"}']],
  },
  {
    title: 'union, no integer',
    text: coder(parameter('either', '7.5'), parameter('wind', '-.5')),
    calls: [['get_weather', '{"either": "7.5", "wind": -0.5}']],
  },
  {
    title: 'two calls',
    text: `${coder(parameter('city', 'A'))}\n${coder(parameter('city', ''))}`,
    calls: [
      ['get_weather', '{"city": "A"}'],
      ['get_weather', '{"city": ""}'],
    ],
  },
  {
    title: 'forgotten tag',
    text: '<tool_call>\n<function=get_weather>\n<parameter=city>\nA\n<parameter=days>\n2\n</function>\n</tool_call>',
    calls: [['get_weather', '{"city": "A", "days": 2}']],
  },
  {
    title: 'cut in a value',
    text: '<tool_call>\n<function=get_weather>\n<parameter=city>\nPar',
    end: 'length',
    calls: [['get_weather', '{"city": "Par']],
  },
  {
    title: 'stopped in a value',
    text: '<tool_call>\n<function=get_weather>\n<parameter=city>\nPar',
    calls: [['get_weather', '{"city": "Par"}']],
  },
  {
    title: 'cut in the name',
    text: '<tool_call>\n<function=get_we',
    end: 'length',
    content: '<tool_call>\n<function=get_we',
  },
  {
    title: 'no name',
    text: '<tool_call><function=></function></tool_call>',
    content: '<tool_call><function=></function></tool_call>',
  },
  {
    title: 'garbage',
    text: '<tool_call><function=f>oops</function></tool_call>',
    content: '<tool_call><function=f>oops</function></tool_call>',
  },
  {
    title: 'garbage after a parameter',
    text: '<function=f><parameter=a>1</parameter>oops</function>',
    content: 'oops</function>',
    calls: [['f', '{"a": "1"}']],
  },
  {
    title: 'a tag twice',
    text: `<tool_call>\n${coder(parameter('city', 'A'))}`,
    content: '<tool_call>\n',
    calls: [['get_weather', '{"city": "A"}']],
  },
  {
    title: 'unclosed before the next',
    text: `<function=f>\n${parameter('a', '1')}\n${coder(parameter('city', 'A'))}`,
    calls: [
      ['f', '{"a": "1"}'],
      ['get_weather', '{"city": "A"}'],
    ],
  },
  { title: 'plain text', text: 'a <func <parameter=x> </tool_call>', content: 'a <func <parameter=x> </tool_call>' },
];

const arg = (key: string, value: string) => `<arg_key>${key}</arg_key>\n<arg_value>${value}</arg_value>\n`;
const glm45: ToolCallCase[] = [
  {
    title: 'a call that breaks off before the next',
    text: `text <tool_call>f\n<tool_call>get_weather\n${arg('city', 'A')}</tool_call>`,
    content: 'text <tool_call>f\n',
    calls: [['get_weather', '{"city": "A"}']],
  },
  {
    title: 'unclosed before the next, and before text',
    text: `<tool_call>f\n${arg('a', '1')}<tool_call>get_weather\n${arg('city', 'A')}\n< b`,
    content: '\n\n< b',
    calls: [
      ['f', '{"a": 1}'],
      ['get_weather', '{"city": "A"}'],
    ],
  },
  {
    title: 'one call',
    text: `<tool_call>get_weather\n${arg('city', 'Paris')}</tool_call>`,
    calls: [['get_weather', '{"city": "Paris"}']],
  },
  { title: 'no arguments', text: 'Hm.\n<tool_call>now\n</tool_call>', content: 'Hm.\n', calls: [['now', '{}']] },
  {
    title: 'no line breaks',
    text: '<tool_call>now</tool_call><tool_call>get_weather<arg_key>days</arg_key><arg_value>2</arg_value></tool_call>',
    calls: [
      ['now', '{}'],
      ['get_weather', '{"days": 2}'],
    ],
  },
  {
    title: 'types',
    text: `<tool_call>get_weather\n${arg('city', '\n a "\\" </tool_call> ')}${arg('tags', '["x"]')}${arg('extra', "{'a': None}")}${arg('more', 'word')}</tool_call>`,
    calls: [
      [
        'get_weather',
        String.raw`{"city": "\n a \"\\\" </tool_call> ", "tags": ["x"], "extra": {"a": null}, "more": "word"}`,
      ],
    ],
  },
  {
    title: 'cut in a value',
    text: '<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Par',
    end: 'length',
    calls: [['get_weather', '{"city": "Par']],
  },
  {
    title: 'cut in a list',
    text: '<tool_call>get_weather\n<arg_key>tags</arg_key>\n<arg_value>["a"',
    end: 'length',
    calls: [['get_weather', '{"tags": ["a"']],
  },
  { title: 'cut in the name', text: '<tool_call>get_we', end: 'length', content: '<tool_call>get_we' },
  {
    title: 'no closing tag',
    text: '<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>A</arg_value>\n',
    calls: [['get_weather', '{"city": "A"}']],
  },
  {
    title: 'JSON',
    text: `<tool_call>${call('now', '{}')}</tool_call>`,
    content: `<tool_call>${call('now', '{}')}</tool_call>`,
  },
  {
    title: 'value missing',
    text: '<tool_call>f\n<arg_key>a</arg_key>oops</tool_call>',
    content: '<arg_key>a</arg_key>oops</tool_call>',
    calls: [['f', '{}']],
  },
  { title: 'plain text', text: 'a <tool </tool_call> <arg_key>', content: 'a <tool </tool_call> <arg_key>' },
];

const section = (calls: string) => `<｜tool▁calls▁begin｜>${calls}<｜tool▁calls▁end｜>`;
const deepseekV3: ToolCallCase[] = [
  ...jsonCases(
    (name, args) =>
      `<｜tool▁call▁begin｜>function<｜tool▁sep｜>${name}\n\`\`\`json\n${args}\n\`\`\`<｜tool▁call▁end｜>`,
    '\n',
    section,
  ),
  {
    title: 'no fence',
    text: section('<｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n{}'),
    content: section('<｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n{}'),
  },
];
const deepseekV31: ToolCallCase[] = [
  ...jsonCases((name, args) => `<｜tool▁call▁begin｜>${name}<｜tool▁sep｜>${args}<｜tool▁call▁end｜>`, '', section),
  {
    title: 'text after',
    text: `${section('<｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜>')} So.`,
    content: ' So.',
    calls: [['now', '{}']],
  },
  {
    title: 'a section tag twice',
    text: `<｜tool▁calls▁begin｜>${section('<｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜>')}`,
    content: '<｜tool▁calls▁begin｜>',
    calls: [['now', '{}']],
  },
  { title: 'empty section', text: section(''), content: section('') },
];

const invoke = (name: string, body: string) => `<｜DSML｜invoke name="${name}">\n${body}</｜DSML｜invoke>\n`;
const dsml = (key: string, isString: boolean, value: string) =>
  `<｜DSML｜parameter name="${key}" string="${isString}">${value}</｜DSML｜parameter>\n`;
const dsmlSection = (calls: string) => `<｜DSML｜function_calls>\n${calls}</｜DSML｜function_calls>`;
const deepseekV32: ToolCallCase[] = [
  {
    title: 'one call',
    text: dsmlSection(invoke('get_weather', dsml('city', true, 'Paris'))),
    calls: [['get_weather', '{"city": "Paris"}']],
  },
  {
    title: 'types',
    text: `Ok.\n\n${dsmlSection(invoke('f', dsml('a', true, '12 "\n ') + dsml('b', false, '[1.0, {"c":2}]') + dsml('d', false, 'word')))}`,
    content: 'Ok.\n\n',
    calls: [['f', String.raw`{"a": "12 \"\n ", "b": [1.0, {"c":2}], "d": "word"}`]],
  },
  {
    title: 'two calls',
    text: dsmlSection(invoke('now', '') + invoke('now', '')),
    calls: [
      ['now', '{}'],
      ['now', '{}'],
    ],
  },
  {
    title: 'V4',
    text: '<｜DSML｜tool_calls><｜DSML｜invoke name="now"/></｜DSML｜tool_calls>',
    calls: [['now', '{}']],
  },
  {
    title: 'cut in a value',
    text: dsmlSection(invoke('f', dsml('a', true, 'Par')))
      .slice(0, 90)
      .replace(/<\/.*$/s, ''),
    end: 'length',
    calls: [['f', '{"a": "Par']],
  },
  {
    title: 'cut in the name',
    text: '<｜DSML｜function_calls>\n<｜DSML｜invoke name="ge',
    end: 'length',
    content: '<｜DSML｜function_calls>\n<｜DSML｜invoke name="ge',
  },
  {
    title: 'unclosed before the next',
    text: `${invoke('f', dsml('a', false, '1')).replace('</｜DSML｜invoke>\n', '')}${dsmlSection(invoke('now', ''))}`,
    calls: [
      ['f', '{"a": 1}'],
      ['now', '{}'],
    ],
  },
  { title: 'garbage', text: dsmlSection(invoke('f', 'oops')), content: dsmlSection(invoke('f', 'oops')) },
  { title: 'plain text', text: 'a <｜ b', content: 'a <｜ b' },
];

const kimiSection = (calls: string) => `<|tool_calls_section_begin|>${calls}<|tool_calls_section_end|>`;
let kimiIndex = 0;
const kimi = (id: string, args: string) =>
  `<|tool_call_begin|>${id}<|tool_call_argument_begin|>${args}<|tool_call_end|>`;
const kimiK2: ToolCallCase[] = [
  ...jsonCases((name, args) => kimi(`functions.${name}:${kimiIndex++}`, args), '', kimiSection),
  { title: 'own id', text: kimiSection(kimi('functions.now:7', '{}')), calls: [['now', '{}', 'functions.now:7']] },
  {
    title: 'one id twice',
    text: kimiSection(kimi('functions.now:0', '{}') + kimi('functions.now:0', '{}')),
    calls: [
      ['now', '{}', 'functions.now:0'],
      ['now', '{}', 'functions.now:1'],
    ],
  },
  { title: 'no prefix', text: kimiSection(kimi('a.b-c:0', '{}')), calls: [['a.b-c', '{}', 'a.b-c:0']] },
  {
    title: 'no index',
    text: kimiSection(kimi('now', '{}') + kimi('now', '{}')),
    calls: [
      ['now', '{}', 'functions.now:0'],
      ['now', '{}', 'functions.now:1'],
    ],
  },
  {
    title: 'an id that names no function',
    text: kimiSection(kimi('call_abc123', '{}')) + kimi('functions.now:3', '{}'),
    content: kimiSection(kimi('call_abc123', '{}')),
    calls: [['now', '{}', 'functions.now:3']],
  },
  {
    title: 'a call that breaks off before the next',
    text: `<|tool_call_begin|>functions.now:0${kimi('functions.now:1', '{}')}`,
    content: '<|tool_call_begin|>functions.now:0',
    calls: [['now', '{}', 'functions.now:1']],
  },
  {
    title: 'other section',
    text: `<|tool_call_section_begin|>${kimi('functions.now:0', '{}')}<|tool_call_section_end|>`,
    calls: [['now', '{}']],
  },
];

function gemmaCases(open: string, close: string, mark: string): ToolCallCase[] {
  const text = (value: string) => mark + value + mark;
  const of = (call: string) => `${open}call:${call}${close}`;
  return [
    {
      title: 'one call',
      text: of(`get_weather{city:${text('Paris')}}`),
      calls: [['get_weather', '{"city": "Paris"}']],
    },
    {
      title: 'no arguments',
      text: `Hm. ${of('now{}')}${of('now{}')}`,
      content: 'Hm. ',
      calls: [
        ['now', '{}'],
        ['now', '{}'],
      ],
    },
    {
      title: 'literals',
      text: of(
        `my-tool.x{a:${text('t, "u"} ]\n')},n:42,x:null,f:-1.50,b:true,w:bare word,l:[1,${text(']')},[]],o:{p:{q:${text('')}},${text('r:s')}:1}}`,
      ),
      calls: [
        [
          'my-tool.x',
          String.raw`{"a": "t, \"u\"} ]\n", "n": 42, "x": null, "f": -1.50, "b": true, "w": "bare word", "l": [1, "]", []], "o": {"p": {"q": ""}, "r:s": 1}}`,
        ],
      ],
    },
    {
      title: 'bare text with colons and brackets',
      text: of('f{url:https://a.b/c?d=(e),t:12:30,o:{p:q:r}}'),
      calls: [['f', '{"url": "https://a.b/c?d=(e)", "t": "12:30", "o": {"p": "q:r"}}']],
    },
    { title: 'cut in a string', text: `${open}call:f{a:${mark}Par`, end: 'length', calls: [['f', '{"a": "Par']] },
    { title: 'cut in the name', text: `${open}call:ge`, end: 'length', content: `${open}call:ge` },
    { title: 'no closing tag', text: `${open}call:f{a:1}`, calls: [['f', '{"a": 1}']] },
    { title: 'no call', text: of('f(x)'), content: of('f(x)') },
    { title: 'bad value', text: of('f{a:}'), content: `}${close}`, calls: [['f', '{"a": ']] },
    { title: 'plain text', text: `a ${open.slice(0, 5)} < b`, content: `a ${open.slice(0, 5)} < b` },
  ];
}

const granite: ToolCallCase[] = [
  ...jsonCases(call, ', ', (calls) => `<|tool_call|> [${calls}]`),
  ...jsonCases(call, ',\n', (calls) => `<tool_call> [${calls}]</tool_call>`).map((c) => ({
    ...c,
    title: `3.1: ${c.title}`,
  })),
  {
    title: '20b',
    text: `<function_call> ${call('now', '{}')}<function_call> ${call('f', '{}')}`,
    calls: [
      ['now', '{}'],
      ['f', '{}'],
    ],
  },
];

const xlam: ToolCallCase[] = [
  ...jsonCases(call, ', ', (calls) => `[${calls}]`),
  {
    title: 'fence',
    text: `So:\n\`\`\`json\n[${call('now', '{}')}]\n\`\`\`\nDone`,
    content: 'So:\n\nDone',
    calls: [['now', '{}']],
  },
  { title: 'marker', text: `[TOOL_CALLS][${call('now', '{}')}]`, calls: [['now', '{}']] },
  { title: 'tags', text: `<tool_call>[${call('now', '{}')}]</tool_call>`, calls: [['now', '{}']] },
  {
    title: 'after thinking',
    text: `<think>hm [1]</think>\n[${call('now', '{}')}]`,
    content: '<think>hm [1]</think>\n',
    calls: [['now', '{}']],
  },
  { title: 'code', text: '```python\nx = [{"name": 1}]\n```', content: '```python\nx = [{"name": 1}]\n```' },
];

export const toolCallCases: Readonly<Record<string, readonly ToolCallCase[]>> = {
  qwen25: hermes,
  hermes,
  llama3,
  llama_pythonic: pythonic,
  mistral,
  qwen3_coder: qwen3Coder,
  deepseek_v3: deepseekV3,
  deepseek_v31: deepseekV31,
  deepseek_v32: deepseekV32,
  glm45,
  glm47: glm45,
  kimi_k2: kimiK2,
  gemma4: gemmaCases('<|tool_call>', '<tool_call|>', '<|"|>'),
  functiongemma: gemmaCases('<start_function_call>', '<end_function_call>', '<escape>'),
  phi4_mini: jsonCases(call, ', ', (calls) => `functools[${calls}]`),
  granite,
  granite4: hermes,
  xlam,
};

export interface MergedCall {
  id: string;
  name: string;
  arguments: string;
}

/** What a client makes of a stream of deltas; throws where one breaks the protocol. */
export class Merged {
  content = '';
  readonly calls: MergedCall[] = [];

  add(delta: Delta | null): void {
    if (delta === null) return;
    if (delta.content === undefined && delta.toolCalls === undefined) throw new Error('an empty delta');
    if (delta.content === '') throw new Error('empty content');
    this.content += delta.content ?? '';
    for (const { index, id, name, arguments: text } of delta.toolCalls ?? []) {
      if (name !== undefined) {
        if (index !== this.calls.length || !id) throw new Error(`call ${index} begins out of turn or without an id`);
        this.calls.push({ id, name, arguments: '' });
      }
      const call = this.calls[index];
      if (call === undefined || index !== this.calls.length - 1) throw new Error(`call ${index} goes on out of turn`);
      call.arguments += text ?? '';
    }
  }
}
