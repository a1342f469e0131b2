import t from 'tap';
import { chatTemplateOf, compileChatTemplate, type ChatMessage } from '../../src/text/chat-template/chat-template.ts';
import { strftime } from '../../src/text/chat-template/strftime.ts';
import type { Tokenizer } from '../../src/text/tokenizer/tokenizer.ts';

const chatml =
  "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
const compile = (source: string) => compileChatTemplate(source, { bos_token: '<s>', eos_token: '</s>' });
const call = (args: string) => ({ id: 'c1', type: 'function', function: { name: 'f', arguments: args } });
const tools = [{ type: 'function', function: { name: 'get_weather', parameters: { type: 'object' } } }];

t.test('messages reach the template in the form it wants', async (t) => {
  const plain = compile(chatml);
  t.equal(
    plain.render([
      { role: 'developer', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
      { role: 'assistant', content: null },
    ]),
    '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\na\nb<|im_end|>\n<|im_start|>assistant\n<|im_end|>\n<|im_start|>assistant\n',
    'developer becomes system, parts become text, null becomes empty',
  );
  const knowsDeveloper = compile(
    "{% for m in messages %}{% if m.role == 'developer' %}D:{{ m.content }}{% endif %}{% endfor %}",
  );
  t.equal(knowsDeveloper.render([{ role: 'developer', content: 'x' }]), 'D:x');

  const typed = compile('{% for m in messages %}{% for part in m.content %}[{{ part.text }}]{% endfor %}{% endfor %}');
  t.equal(typed.render([{ role: 'user', content: 'hi' }]), '[hi]', 'a template that wants parts gets parts');
  const first = compile('{% for m in messages %}[{{ m.content[0].text }}]{% endfor %}');
  t.equal(
    first.render([
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: null },
    ]),
    '[hi][]',
    'null, too',
  );
  const letters = compile('{% for m in messages %}{% for c in m.content %}{{ c }}.{% endfor %}{% endfor %}');
  t.equal(letters.render([{ role: 'user', content: 'hi' }]), 'h.i.', 'a loop over text is no wish for parts');
  const thinks = compile('{% for m in messages %}{{ m.reasoning_content }}|{{ m.thinking }}{% endfor %}');
  t.equal(thinks.render([{ role: 'assistant', content: '', reasoning_content: 'Hm' }]), 'Hm|Hm', 'as in transformers');
});

t.test(
  'tool calls: arguments as an object or as text, content null or empty, as the template shows them',
  async (t) => {
    const message: ChatMessage = { role: 'assistant', content: null, tool_calls: [call('{"city": "Zürich"}')] };
    const each = (body: string) =>
      compile(`{% for m in messages %}{% for c in m.tool_calls or [] %}${body}{% endfor %}{% endfor %}`);
    t.equal(each('{{ c.function.arguments | tojson }}').render([message]), '{"city": "Zürich"}');
    t.equal(
      each("{{ 'x' + c.function.arguments }}").render([message]),
      'x{"city": "Zürich"}',
      'text for a template that joins it',
    );
    t.equal(
      each('{{ c.function.arguments | tojson }}').render([
        { ...message, tool_calls: [call('{"x": [1.0, 12345678901234567890]}')] },
      ]),
      '{"x": [1.0, 12345678901234567890]}',
      'numbers as they were written',
    );
    t.equal(
      each('{{ c.function.arguments }}').render([message]),
      '{"city": "Zürich"}',
      'never as Python prints a dict',
    );
    const cut = { ...message, tool_calls: [call('{"city": "Z')] };
    t.equal(each('{{ c.function.arguments | tojson }}').render([cut]), '"{\\"city\\": \\"Z"', 'bad JSON is no failure');
    t.equal(each('{{ c.function.arguments | tojson }}').render([{ ...message, tool_calls: [call('')] }]), '{}');
    const unclosed = { ...message, tool_calls: [call(`"${'\\"'.repeat(500_000)}`)] };
    t.equal(each('{{ c.function.arguments | length }}').render([unclosed]), '1000001', 'nor does it take long');
    const whenNull = compile(
      '{% for m in messages %}{% if m.content is none %}{{ m.tool_calls[0].function.arguments }}{% else %}{{ m.content }}{% endif %}{% endfor %}',
    );
    t.equal(whenNull.render([message]), '{"city": "Zürich"}', 'null where only null shows the call');
  },
);

t.test('traits say what a template can do', async (t) => {
  t.match(compile(chatml).traits, { tools: false, toolCalls: false, typedContent: false, developerRole: false });
  const withTools = compile('{% if tools %}{{ tools | tojson }}{% endif %}' + chatml);
  t.equal(withTools.traits.tools, true);
  t.match(withTools.render([{ role: 'user', content: 'q' }], { tools }), /get_weather/);
  t.notMatch(withTools.render([{ role: 'user', content: 'q' }], { tools: [] }), /\[\]/, 'no tools, no list');
  const asksNone = compile(
    '{% if tools is not none %}T{{ tools | length }}{% endif %}{{ documents is none }}' + chatml,
  );
  t.match(asksNone.render([{ role: 'user', content: 'q' }]), /^True</, 'no tools are None, as in transformers');
  const loops = compile('{% for tool in tools %}{{ tool.function.name }}{% endfor %}' + chatml);
  t.match(loops.render([{ role: 'user', content: 'q' }]), /^<\|im_start/, 'or left out where None fails');
  t.match(loops.render([{ role: 'user', content: 'q' }], { tools }), /^get_weather</);
});

t.test('the second template of a model serves requests with tools', async (t) => {
  const tokenizer = { chatTemplate: chatml, toolUseTemplate: 'T{{ tools | tojson }}', specialTokens: {} };
  const template = chatTemplateOf(tokenizer as unknown as Tokenizer);
  t.match(template?.render([{ role: 'user', content: 'q' }], { tools }), /^T.*get_weather/);
  t.match(template?.render([{ role: 'user', content: 'q' }]), /^<\|im_start\|>user/);
  t.equal(template?.traits.tools, true);
  t.equal(chatTemplateOf({ ...tokenizer, chatTemplate: null } as unknown as Tokenizer), null);
});

t.test('continue_final_message leaves the last message open', async (t) => {
  const messages = [
    { role: 'user', content: 'Count.' },
    { role: 'assistant', content: 'One, two, ' },
  ];
  const open = { continueFinalMessage: true };
  t.equal(
    compile(chatml).render(messages, open),
    '<|im_start|>user\nCount.<|im_end|>\n<|im_start|>assistant\nOne, two, ',
  );
  const trims = compile('{% for m in messages %}<{{ m.content | trim }}>{% endfor %}');
  t.equal(trims.render(messages, open), '<Count.><One, two, ', 'also where the template trims');
  t.throws(() => compile(chatml).render(messages, { ...open, addGenerationPrompt: true }), {
    code: 'invalid_request',
    param: 'continue_final_message',
  });
  t.throws(() => compile('{{ messages[0].content }}').render(messages, open), { code: 'invalid_request' });
  t.throws(() => compile(chatml).render([], open), { code: 'invalid_request', param: 'messages' });
});

t.test(
  'variables: special tokens, chat_template_kwargs, the date; the request cannot replace the messages',
  async (t) => {
    const source = '{{ bos_token }}{{ enable_thinking }}{{ strftime_now("%d %b %Y") }}{{ messages | length }}';
    const kwargs = { enable_thinking: false, messages: [] };
    const text = compile(source).render([{ role: 'user', content: '' }], { chatTemplateKwargs: kwargs });
    t.equal(text, `<s>False${strftime(new Date(), '%d %b %Y')}1`);
    const date = new Date(2026, 4, 3, 0, 5, 9);
    t.equal(
      strftime(date, '%Y-%m-%d %A %a %B %b %-d %H:%M:%S %I %p %y 100%% %Q'),
      '2026-05-03 Sunday Sun May May 3 00:05:09 12 AM 26 100% %Q',
    );
  },
);

t.test('what the template refuses is the caller’s error, with the template’s words', async (t) => {
  const picky = compile(
    "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}",
  );
  t.throws(() => picky.render([{ role: 'system', content: 'x' }]), {
    code: 'invalid_request',
    param: 'messages',
    message: 'chat template: System role not supported',
  });
  t.throws(() => compile('{% if %}'), { code: 'model_not_readable', message: /does not parse/ });
});

t.test('a list of any length may be spread over the arguments of a macro', async (t) => {
  const template = compile('{% macro f() %}{{ varargs | length }}{% endmacro %}{{ f(*messages[0].content) }}');
  t.equal(template.render([{ role: 'user', content: 'a'.repeat(300_000) }]), '300000');
});
