// Requests in the shapes that coding agents and SDKs send (written anew; `npm run test:clients` runs the real programs).
import t from 'tap';
import { startFakeServer } from '../helpers/fake-server.ts';
import { json, type Json, readEvents } from '../helpers/wire.ts';

const bash = {
  type: 'object',
  properties: { command: { type: 'string' }, timeout: { type: 'number' } },
  required: ['command'],
  additionalProperties: false,
};
const call = '<tool_call>{"name": "Bash", "arguments": {"command": "ls"}}</tool_call>';

t.test('Claude Code: system messages in the conversation, its headers and its context management', async (t) => {
  const { url, post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  t.equal((await fetch(url, { method: 'HEAD' })).status, 200);
  engine.script = () => ({ text: call });
  const request = {
    model: 'fake',
    max_tokens: 3000,
    stream: true,
    system: [
      { type: 'text', text: 'x-anthropic-billing-header: cc_version=9.9; cch=1234;' },
      { type: 'text', text: 'You are an agent.', cache_control: { type: 'ephemeral' } },
      { type: 'text', text: 'Use tools.', cache_control: { type: 'ephemeral', ttl: '1h' } },
    ],
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'What is here?', cache_control: { type: 'ephemeral' } }] },
      { role: 'system', content: 'Agents you may start: none.' },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'I look.', signature: 'c2ln' },
          { type: 'redacted_thinking', data: 'eA==' },
          { type: 'server_tool_use', id: 's1', name: 'web_search', input: { query: 'x' } },
          { type: 'web_search_tool_result', tool_use_id: 's1', content: [] },
          { type: 'tool_use', id: 't1', name: 'Bash', input: { command: 'pwd' } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 't1', content: [{ type: 'text', text: '/home/me' }], is_error: false },
        ],
      },
      { role: 'developer', content: [{ type: 'text', text: 'Budget left: 5.' }] },
    ],
    tools: [
      { name: 'Bash', description: 'Runs a command', input_schema: bash, eager_input_streaming: true },
      { type: 'web_search_20250305', name: 'web_search', max_uses: 8 },
      { type: 'mcp_toolset', mcp_server_name: 'x' },
    ],
    tool_choice: { type: 'auto' },
    thinking: { type: 'adaptive' },
    output_config: { effort: 'high' },
    context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] },
    metadata: { user_id: '{"device_id":"0"}' },
  };
  const headers = {
    'content-type': 'application/json',
    'anthropic-version': '2023-06-01',
    'anthropic-beta': 'claude-code-20250219,mid-conversation-system-2026-04-07',
    'anthropic-dangerous-direct-browser-access': 'true',
    'x-api-key': 'none',
    'x-app': 'cli',
  };
  const answer = await post('/v1/messages?beta=true', request, { headers });
  t.equal(answer.status, 200);
  t.equal(answer.headers.get('x-skipped-tools'), 'web_search_20250305, mcp_toolset');
  t.ok(answer.headers.get('request-id'));
  const events = await readEvents(answer);
  t.match(events.find((e) => e.type === 'content_block_start').content_block, { type: 'tool_use', name: 'Bash' });
  t.match(events.find((e) => e.type === 'message_delta').delta, { stop_reason: 'tool_use' });
  const prompt = engine.calls[0].promptText;
  t.match(prompt, /^<\|system\|>You are an agent\.\nUse tools\./, 'without what Anthropic counts requests by');
  t.match(
    prompt,
    /What is here\?<\|end\|><\|system\|>Agents you may start: none\.<\|end\|><\|assistant\|>/,
    'in its place',
  );
  t.match(prompt, /\/home\/me[^]*<\|system\|>Budget left: 5\.<\|end\|><\|assistant\|>$/);
  t.notMatch(prompt, /web_search/);
  const { input_tokens } = await json(await post('/v1/messages/count_tokens?beta=true', request, { headers }));
  t.equal(input_tokens, engine.calls[0].promptIds.length);

  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: '' } };
  const refusals: [Json, string, RegExp][] = [
    [{ messages: [{ role: 'user', content: [image] }] }, 'messages[0].content[0].type', /"image" are not supported/],
    [
      { messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: [image] }] }] },
      'messages[0].content[0].content[0].type',
      /"image"/,
    ],
    [{ messages: [{ role: 'user', content: [] }] }, 'messages[0].content', /list is empty/],
    [{ messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].role', /user, assistant, system, developer/],
    [{ tools: [{ name: 'f' }] }, 'tools[0].input_schema', /expected record/i],
    [{ tools: [{ type: 'function', function: { name: 'f' } }] }, 'tools[0].type', /input_schema/],
    [{ tool_choice: { type: 'tool', name: 'web_search' } }, 'tool_choice', /No tool is named/],
    [{ tools: request.tools.slice(1), tool_choice: { type: 'any' } }, 'tool_choice', /Needs `tools`/],
    [{ messages: [{ role: 'user', content: 'x'.repeat(5000) }] }, 'messages', /prompt is too long: \d+ tokens > 4096/],
  ];
  for (const [change, param, message] of refusals) {
    const response = await post('/v1/messages', { ...request, ...change });
    t.equal(response.status, 400);
    t.match((await json(response)).error, { param, message });
  }
});

t.test('an empty system prompt is none', async (t) => {
  const { post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  const messages = [{ role: 'user', content: 'Hi' }];
  const billing = { type: 'text', text: 'x-anthropic-billing-header: cc_version=9.9;' };
  for (const system of ['', [], [billing], [{ type: 'text', text: '' }]]) {
    t.equal((await post('/v1/messages', { model: 'fake', max_tokens: 9, messages, system })).status, 200);
  }
  t.equal((await post('/v1/responses', { model: 'fake', input: 'Hi', instructions: '' })).status, 200);
  t.equal(engine.calls.length, 5);
  for (const { promptText } of engine.calls) t.match(promptText, /^<\|user\|>Hi/);
});

t.test('the result of a tool that failed says so', async (t) => {
  const { post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  const shown = (): string => /<tool_response>\n([^]*)\n<\/tool_response>/.exec(engine.calls.at(-1)!.promptText)![1];
  const text = (words: string) => [{ type: 'text', text: words }];
  const results: [Json, string][] = [
    [{ content: 'no such file', is_error: true }, 'Error: no such file'],
    [{ content: text('no such file'), is_error: true }, 'Error: no such file'],
    [{ content: 'ERROR 2: no such file', is_error: true }, 'ERROR 2: no such file'],
    [{ content: [], is_error: true }, 'Error'],
    [{ is_error: true }, 'Error'],
    [{ content: 'no such file', is_error: false }, 'no such file'],
    [{ content: 'no such file' }, 'no such file'],
  ];
  for (const [result, expected] of results) {
    const content = [{ type: 'tool_result', tool_use_id: 't1', ...result }];
    const use = { type: 'tool_use', id: 't1', name: 'Bash', input: { command: 'pwd' } };
    const messages = [
      { role: 'user', content: 'Where?' },
      { role: 'assistant', content: [use] },
      { role: 'user', content },
    ];
    t.equal((await post('/v1/messages', { model: 'fake', max_tokens: 9, messages })).status, 200);
    t.equal(shown(), expected);
  }
  const patch = { type: 'apply_patch_call_output', call_id: 'c1' };
  const mcp = { type: 'mcp_call', id: 'p1', name: 'look', arguments: '{}' };
  const items: [Json, string][] = [
    [{ ...patch, status: 'failed', output: 'no such file' }, 'Error: no such file'],
    [{ ...patch, status: 'failed' }, 'Error'],
    [{ ...patch, status: 'completed', output: 'Patched.' }, 'Patched.'],
    [{ ...patch, status: 'completed' }, 'completed'],
    [{ ...mcp, output: null, error: 'gone' }, 'Error: gone'],
    [{ ...mcp, output: 'half of it', error: 'gone' }, 'Error: gone\nhalf of it'],
    [{ ...mcp, output: 'seen', error: null }, 'seen'],
  ];
  for (const [item, expected] of items) {
    const patching = { type: 'apply_patch_call', call_id: 'c1', operation: { type: 'delete_file', path: 'a' } };
    const input = [{ role: 'user', content: 'Look.' }, ...(item.type === patch.type ? [patching] : []), item];
    t.equal((await post('/v1/responses', { model: 'fake', input })).status, 200);
    t.equal(shown(), expected);
  }
});

t.test('Anthropic: an answer that has begun goes on', async (t) => {
  const { post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  engine.script = () => ({ text: ' 42.' });
  const ask = (begun: Json): Promise<Response> =>
    post('/v1/messages', {
      model: 'fake',
      max_tokens: 10,
      messages: [
        { role: 'user', content: '6 × 7?' },
        { role: 'assistant', content: begun },
      ],
    });
  for (const begun of ['The answer is', [{ type: 'text', text: 'The answer is' }]]) {
    t.match((await json(await ask(begun))).content, [{ type: 'text', text: ' 42.' }], 'only what is new');
    t.match(engine.calls.at(-1)!.promptText, /<\|assistant\|>The answer is$/);
  }
  await ask([{ type: 'tool_use', id: 't', name: 'f', input: {} }]);
  t.match(engine.calls.at(-1)!.promptText, /<\|end\|><\|assistant\|>$/, 'a call is whole: a new turn');
});

t.test('Codex: tools and items of other kinds', async (t) => {
  const { post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  engine.script = () => ({ text: call });
  const bashTool = { type: 'function', name: 'Bash', description: 'Runs a command', strict: false, parameters: bash };
  const input = [
    { type: 'message', id: 'm1', role: 'developer', content: [{ type: 'input_text', text: 'You are an agent.' }] },
    { type: 'message', id: 'm2', role: 'user', content: [{ type: 'input_text', text: 'What is here?' }] },
    { type: 'reasoning', id: 'r1', summary: [], encrypted_content: 'eA==' },
    { type: 'web_search_call', id: 'w1', status: 'completed', action: { type: 'search', query: 'here' } },
    { type: 'message', role: 'assistant', phase: 'commentary', content: [{ type: 'output_text', text: 'I look.' }] },
    { type: 'function_call', id: 'f1', call_id: 'c1', name: 'Bash', arguments: '{"command":"pwd"}' },
    { type: 'custom_tool_call', id: 'f2', call_id: 'c2', name: 'apply_patch', input: '*** Begin Patch' },
    {
      type: 'local_shell_call',
      id: 'f3',
      call_id: 'c3',
      status: 'completed',
      action: { type: 'exec', command: ['ls'] },
    },
    { type: 'function_call_output', call_id: 'c1', output: [{ type: 'input_text', text: '/home/me' }] },
    { type: 'custom_tool_call_output', call_id: 'c2', output: 'Patched.' },
    { type: 'function_call_output', call_id: 'c3', output: 'a.txt' },
    { type: 'mcp_call', id: 'p1', server_label: 's', name: 'look', arguments: '{}', output: 'seen' },
  ];
  const request = {
    model: 'fake',
    stream: true,
    input,
    tools: [
      bashTool,
      { type: 'namespace', name: 'agents', description: 'Agents', tools: [{ ...bashTool, name: 'spawn' }] },
      { type: 'web_search', external_web_access: true },
      { type: 'custom', name: 'apply_patch', format: { type: 'grammar', syntax: 'lark', definition: 'start: "x"' } },
      { type: 'local_shell' },
      { type: 'mcp', server_label: 's', server_url: 'https://mcp.example' },
    ],
    tool_choice: 'auto',
    parallel_tool_calls: true,
    reasoning: { summary: 'auto', effort: 'max' },
    store: false,
    include: ['reasoning.encrypted_content'],
    prompt_cache_key: 'k',
    truncation: 'auto',
    text: { verbosity: 'low' },
    client_metadata: { session_id: 's' },
  };
  const answer = await post('/v1/responses', request);
  t.equal(answer.status, 200);
  t.equal(answer.headers.get('x-skipped-tools'), 'namespace, web_search, custom, local_shell, mcp');
  const events = await readEvents(answer);
  const { response } = events.at(-1);
  t.match(response.output, [{ type: 'function_call', name: 'Bash', arguments: '{"command": "ls"}' }]);
  t.match(response.tools, [{ type: 'function', name: 'Bash' }], 'what the model saw of the tools');
  t.equal(response.truncation, 'auto');
  const prompt = engine.calls[0].promptText;
  t.match(prompt, /I look\.\n<tool_call>[^]*"pwd"[^]*<tool_call>[^]*Begin Patch[^]*<tool_call>[^]*"exec"/, 'one turn');
  t.match(prompt, /\/home\/me[^]*Patched\.[^]*a\.txt[^]*seen/);
  t.notMatch(prompt, /web_search|spawn/);

  const allowed = (mode: string, tools: unknown): Json => ({ tool_choice: { type: 'allowed_tools', mode, tools } });
  const weather = { ...bashTool, name: 'weather' };
  await post('/v1/responses', {
    ...request,
    tools: [bashTool, weather],
    ...allowed('auto', [{ type: 'function', name: 'weather' }, { type: 'web_search' }]),
  });
  t.match(engine.calls.at(-1)!.promptText, /"name":"weather"/);
  t.notMatch(engine.calls.at(-1)!.promptText, /"name":"Bash"/);
  t.equal((await post('/v1/responses', { ...request, ...allowed('auto', [{ type: 'web_search' }]) })).status, 200);

  const refusals: [Json, string, RegExp][] = [
    [{ input: [{ type: 'item_reference', id: 'r1' }] }, 'input[0].id', /Nothing is stored.*send the item itself/],
    [{ input: [input[0], { type: 'compaction', encrypted_content: 'x' }] }, 'input[1].type', /"compaction"/],
    [{ input: [{ type: 'function_call', call_id: 'c', name: 'f' }] }, 'input[0].arguments', /string/],
    [{ input: [{ role: 'user', content: [] }] }, 'input[0].content', /list is empty/],
    [{ input: [] }, 'input', /list is empty/],
    [
      { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'x' }] }] },
      'input[0].content[0].type',
      /"input_image"/,
    ],
    [{ tools: [{ type: 'function', name: 'a b' }] }, 'tools[0].name', /letters/],
    [{ tools: [{ type: 'function' }] }, 'tools[0].name', /string/],
    [{ tools: [{ type: 'web_search' }], tool_choice: 'required' }, 'tool_choice', /Needs `tools`/],
    [{ tool_choice: { type: 'web_search' } }, 'tool_choice.type', /"function" or "allowed_tools".*not run here/],
    [{ tool_choice: { type: 'allowed_tools', mode: 'auto' } }, 'tool_choice.tools', /array/],
    [
      { tool_choice: 'any' },
      'tool_choice',
      /^tool_choice: Expected "none", "auto", "required", a function or allowed_tools$/,
    ],
    [allowed('required', [{ type: 'web_search' }]), 'tool_choice.tools', /at least one function/],
  ];
  for (const [change, param, message] of refusals) {
    const response = await post('/v1/responses', { ...request, ...change });
    t.equal(response.status, 400, param);
    t.match((await json(response)).error, { param, message });
  }
});

t.test('responses: the log probabilities are those of the content, in whatever pieces it comes', async (t) => {
  const { post, engine, server } = await startFakeServer({}, { reasoningParser: 'qwen3' });
  t.teardown(() => server.close());
  const include = ['message.output_text.logprobs'];
  const tools = [{ type: 'function', name: 'weather', parameters: { type: 'object', properties: {} } }];
  const call = '<tool_call>\n{"name": "weather", "arguments": {"of": "a < b 😀"}}\n</tool_call>';
  const cases: [text: string, content: string, more?: Json][] = [
    ['a😀b', 'a😀b'],
    ['a😀', 'a\ufffd', { max_output_tokens: 3 }],
    ['<think>a 😀</think>\n\na 😀', 'a 😀'],
    ['a <b> < c 😀', 'a <b> < c 😀', { tools }],
    [`<think>a <</think>a <b😀${call}`, 'a <b😀', { tools }],
    [`${call}${call}`, '', { tools }],
    ['<think>hm </</think>\n\n<b> bold', '<b> bold', { tools }],
    ['<think>hm</think><', '<', { tools }],
  ];
  for (const [text, content, more] of cases) {
    const body = { input: 'Hello', include, ...more };
    const answers: Json[] = [];
    for (const chunk of [1, 2, 3, 4, 5, 6, 7, 1000]) {
      engine.script = () => ({ text, chunk });
      const { output } = await json(await post('/v1/responses', body));
      const parts = output.flatMap((item: Json) => (item.type === 'message' ? item.content : []));
      const all = parts.flatMap((part: Json) => part.logprobs);
      t.equal(all.map((l: Json) => l.token).join(''), content, `${text} in steps of ${chunk}`);
      const events = await readEvents(await post('/v1/responses', { ...body, stream: true }));
      const deltas = events.filter((e) => e.type === 'response.output_text.delta');
      t.equal(deltas.map((e) => e.delta).join(''), content);
      t.same(
        deltas.flatMap((e) => e.logprobs),
        all,
        'streamed as well',
      );
      answers.push(all);
    }
    for (const other of answers.slice(1)) t.same(other, answers[0], 'whatever comes in one step');
  }
});

t.test('responses: log probabilities, and truncation of what is too long', async (t) => {
  const { post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  engine.script = () => ({ text: 'Hi!' });
  const body = { input: 'Hello', top_logprobs: 2, include: ['message.output_text.logprobs'] };
  const [part] = (await json(await post('/v1/responses', body))).output[0].content;
  t.equal(part.logprobs.map((l: Json) => l.token).join(''), 'Hi!');
  t.equal(part.logprobs[0].top_logprobs.length, 2);
  const events = await readEvents(await post('/v1/responses', { ...body, stream: true }));
  const deltas = events.filter((e) => e.type === 'response.output_text.delta');
  t.same(
    deltas.flatMap((e) => e.logprobs),
    part.logprobs,
    'streamed as well',
  );
  const none = await json(await post('/v1/responses', { input: 'Hello', top_logprobs: 2 }));
  t.same(none.output[0].content[0].logprobs, [], 'only where they are asked for');

  const turn = (i: number): Json[] => [
    { role: 'user', content: `question ${i} ${'x'.repeat(900)}` },
    { type: 'function_call', call_id: `c${i}`, name: 'f', arguments: '{}' },
    { type: 'function_call_output', call_id: `c${i}`, output: `result ${i}` },
  ];
  const long = { instructions: 'Be brief.', input: [1, 2, 3, 4, 5].flatMap(turn), max_output_tokens: 20 };
  t.equal((await post('/v1/responses', long)).status, 400);
  t.equal((await post('/v1/responses', { ...long, truncation: 'auto' })).status, 200);
  const prompt = engine.calls.at(-1)!.promptText;
  t.match(prompt, /Be brief\./, 'the instructions stay');
  t.match(prompt, /question 5[^]*result 5/);
  t.notMatch(prompt, /question 1/);
  const one = { input: 'x'.repeat(5000), truncation: 'auto' };
  const refused = await post('/v1/responses', one);
  t.match((await json(refused)).error, { code: 'context_length_exceeded' }, 'the last message is never dropped');
});

t.test('chat completions: refusals, and calls in the form from before tools', async (t) => {
  const { post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  const ask = (messages: Json[]): Promise<Response> => post('/v1/chat/completions', { messages, max_tokens: 10 });
  const hello = { role: 'user', content: 'Hello' };
  t.equal((await ask([hello, { role: 'assistant', content: null, refusal: 'I will not.' }, hello])).status, 200);
  t.match(engine.calls.at(-1)!.promptText, /<\|assistant\|>I will not\.<\|end\|>/);
  const legacy = [
    hello,
    { role: 'assistant', content: null, function_call: { name: 'weather', arguments: '{"city":"Rome"}' } },
    { role: 'function', name: 'weather', content: 'sunny' },
  ];
  t.equal((await ask(legacy)).status, 200);
  t.match(engine.calls.at(-1)!.promptText, /"name": "weather", "arguments": \{"city":"Rome"\}[^]*sunny/);
  for (const [messages, param] of [
    [[{ role: 'user', content: [] }], 'messages[0].content'],
    [[{ role: 'tool', tool_call_id: 'c', content: [] }], 'messages[0].content'],
    [[hello, { role: 'assistant', content: [] }], 'messages[1].content'],
  ] as const) {
    const response = await ask([...messages]);
    t.equal(response.status, 400);
    t.match((await json(response)).error, { param, message: /list is empty/ });
  }
  t.match((await json(await ask([{ role: 'assistant', content: null }]))).error, {
    param: 'messages[0].content',
    message: /tool_calls, function_call or refusal/,
  });
});

t.test('system messages where the template cannot show them', async (t) => {
  const head = '{% if messages[0].role == "system" %}S:{{ messages[0].content }};{% endif %}';
  const turns =
    '{% for m in messages %}{% if m.role == "system" %}{% if not loop.first %}{{ raise_exception("system first") }}{% endif %}' +
    '{% else %}{{ m.role[0] }}:{{ m.content }};{% endif %}{% endfor %}';
  const none =
    '{% for m in messages %}{% if m.role == "system" %}{{ raise_exception("no system") }}{% endif %}{{ m.role[0] }}:{{ m.content }};{% endfor %}';
  const prompts = async (templateSource: string, roles: readonly string[]): Promise<string> => {
    const { post, engine, server } = await startFakeServer({}, { templateSource });
    const messages = roles.map((role, i) => ({ role, content: `${role[0]}${i}` }));
    t.equal((await post('/v1/chat/completions', { messages })).status, 200, roles.join());
    await server.close();
    return engine.calls[0].promptText.replaceAll('\n\n', '+');
  };
  const late = ['system', 'developer', 'user', 'system', 'assistant', 'system', 'user', 'assistant', 'developer'];
  t.equal(await prompts(head + turns, late), 'S:s0+d1;u:u2+s3;a:a4;u:s5+u6;a:a7;u:d8;', 'one, at the start');
  const lastOnly =
    '{% set ns = namespace(s="") %}{% for m in messages %}{% if m.role == "system" %}{% set ns.s = m.content %}{% endif %}{% endfor %}' +
    'S:{{ ns.s }};{% for m in messages %}{% if m.role != "system" %}{{ m.role[0] }}:{{ m.content }};{% endif %}{% endfor %}';
  t.equal(
    await prompts(lastOnly, late),
    'S:s0+d1;u:u2+s3;a:a4;u:s5+u6;a:a7;u:d8;',
    'as above, where only the last is shown',
  );
  t.equal(await prompts(none, late), 'u:s0+d1+u2+s3;a:a4;u:s5+u6;a:a7;u:d8;', 'with the user’s words');
  t.equal(await prompts(none, ['system', 'assistant', 'user']), 'u:s0;a:a1;u:u2;');
  t.equal(
    await prompts('{% for m in messages %}{{ m.role[0] }}:{{ m.content }};{% endfor %}', late.slice(0, 4)),
    's:s0;s:d1;u:u2;s:s3;',
    'left in their places where they are shown',
  );
});
