// /v1/responses through the official client, /v1/messages as Anthropic's clients read it; tool calls in all three APIs.
import t from 'tap';
import { chatChunkSchema, chatResponseSchema } from '../../src/server/apis/chat-completions/schema.ts';
import { messagesResponseSchema } from '../../src/server/apis/messages/schema.ts';
import { responseSchema } from '../../src/server/apis/responses/schema.ts';
import { startFakeServer, until } from '../helpers/fake-server.ts';
import { json, type Json, readEvents } from '../helpers/wire.ts';

const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const chatTool = {
  type: 'function' as const,
  function: { name: 'weather', description: 'Weather of a city.', parameters },
};
const call = (city: string): string =>
  `<tool_call>\n{"name": "weather", "arguments": {"city": "${city}"}}\n</tool_call>`;
const messages = [{ role: 'user' as const, content: 'Weather?' }];

t.test('tool calls in chat completions', async (t) => {
  const { client, post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  engine.script = () => ({ text: `Let me look.\n${call('Paris')}\n${call('Rome')}` });
  const answer = await client.chat.completions.create({ model: 'fake', messages, tools: [chatTool] });
  t.doesNotThrow(() => chatResponseSchema.parse(answer));
  const [choice] = answer.choices;
  t.equal(choice?.finish_reason, 'tool_calls');
  t.match(choice?.message.content, /^Let me look\./);
  t.same(
    choice?.message.tool_calls?.map((c) => c.type === 'function' && c.function),
    ['Paris', 'Rome'].map((city) => ({ name: 'weather', arguments: `{"city": "${city}"}` })),
  );
  t.match(engine.calls[0]?.promptText, /<tools>\n\{"type":"function","function":\{"name":"weather"/);

  const stream = client.chat.completions.stream({ model: 'fake', messages, tools: [chatTool] });
  const final = (await stream.finalChatCompletion()).choices[0];
  t.equal(final.finish_reason, 'tool_calls');
  t.match(final.message.tool_calls, [
    { function: { arguments: '{"city": "Paris"}' } },
    { function: { name: 'weather' } },
  ]);

  const events = await readEvents(await post('/v1/chat/completions', { messages, tools: [chatTool], stream: true }));
  const deltas = events.flatMap((e) => e.choices?.[0].delta.tool_calls ?? []);
  t.equal(deltas.filter((d: Json) => d.id !== undefined).length, 2, 'id and name once a call');
  t.ok(deltas.every((d: Json) => Number.isInteger(d.index)));
  for (const event of events.slice(0, -1)) t.doesNotThrow(() => chatChunkSchema.parse(event));

  const single = { model: 'fake', messages, tools: [chatTool], parallel_tool_calls: false };
  t.equal((await client.chat.completions.create(single)).choices[0]?.message.tool_calls?.length, 1);
  const none = await client.chat.completions.create({
    model: 'fake',
    messages,
    tools: [chatTool],
    tool_choice: 'none',
  });
  t.equal(none.choices[0]?.message.tool_calls, undefined);
  t.match(none.choices[0]?.message.content, /<tool_call>/, 'without tools the text stays as it is');
  t.notMatch(engine.calls.at(-1)?.promptText, /<tools>/);

  engine.script = () => ({ text: call('Paris') });
  const cut = await client.chat.completions.create({ model: 'fake', messages, tools: [chatTool], max_tokens: 60 });
  t.equal(cut.choices[0]?.finish_reason, 'length', 'a call that was cut off is no tool_calls');
  const whole = await client.chat.completions.create({ model: 'fake', messages, tools: [chatTool] });
  t.equal(whole.choices[0]?.message.content, null);
});

t.test('a template that knows tools gets them as they are', async (t) => {
  const templateSource =
    '{% if tools %}[{{ tools | tojson }}]{% endif %}{% for m in messages %}{{ m.role }}:{{ m.content }}' +
    '{% for c in m.tool_calls or [] %}({{ c.function.name }} {{ c.function.arguments | tojson }}){% endfor %};{% endfor %}';
  const { post, engine, server } = await startFakeServer({}, { templateSource });
  t.teardown(() => server.close());
  const history = [
    ...messages,
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'a', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } }],
    },
    { role: 'tool', tool_call_id: 'a', content: 'sunny' },
  ];
  t.equal((await post('/v1/chat/completions', { messages: history, tools: [chatTool] })).status, 200);
  const prompt = engine.calls[0].promptText;
  t.match(prompt, /^\[\[\{"type": ?"function", ?"function": ?\{"name": ?"weather"/);
  t.match(prompt, /\(weather \{"city": ?"Rome"\}\);tool:sunny;/);
});

t.test('/v1/responses', async (t) => {
  const { client, post, engine, server } = await startFakeServer({}, { reasoningParser: 'qwen3' });
  t.teardown(() => server.close());
  engine.script = () => ({ text: `<think>hm</think>Looking.${call('Paris')}` });
  const tools = [{ type: 'function' as const, name: 'weather', parameters, strict: false }];
  const input = [
    { role: 'user' as const, content: 'Weather?' },
    { type: 'function_call' as const, call_id: 'c1', name: 'weather', arguments: '{"city":"Rome"}' },
    { type: 'function_call_output' as const, call_id: 'c1', output: 'sunny' },
  ];
  const request = { model: 'fake', instructions: 'Be brief.', input, tools };
  const answer = await client.responses.create(request);
  t.doesNotThrow(() => responseSchema.parse(answer));
  t.equal(answer.status, 'completed');
  t.equal(answer.output_text, 'Looking.');
  t.same(
    answer.output.map((item) => item.type),
    ['reasoning', 'message', 'function_call'],
  );
  t.match(answer.output[2], { name: 'weather', arguments: '{"city": "Paris"}', call_id: /^call_/ });
  t.match(engine.calls[0]?.promptText, /Be brief\.[^]*"name": "weather", "arguments": \{"city":"Rome"\}[^]*sunny/);

  const stream = await client.responses.create({ ...request, stream: true });
  const events: Json[] = [];
  for await (const event of stream) events.push(event);
  t.same(
    events.map((e) => e.sequence_number),
    [...events.keys()],
  );
  t.equal(events[0].type, 'response.created');
  t.equal(events.at(-1).type, 'response.completed');
  const joined = (type: string): string =>
    events
      .filter((e) => e.type === type)
      .map((e) => e.delta)
      .join('');
  t.equal(joined('response.output_text.delta'), 'Looking.');
  t.equal(joined('response.reasoning_text.delta'), 'hm');
  t.equal(joined('response.function_call_arguments.delta'), '{"city": "Paris"}');
  const added = events.filter((e) => e.type === 'response.output_item.added').length;
  t.equal(added, events.filter((e) => e.type === 'response.output_item.done').length);
  t.same(
    events.at(-1).response.output.map((i: Json) => i.type),
    ['reasoning', 'message', 'function_call'],
  );

  engine.script = () => ({ text: 'long text' });
  const cut = await client.responses.create({ model: 'fake', input: 'Hi', max_output_tokens: 4 });
  t.match(cut, { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' }, output_text: 'long' });
  const metadata = { run: '7' };
  t.same((await client.responses.create({ model: 'fake', input: 'Hi', metadata })).metadata, metadata);
  const counted = await json(await post('/v1/responses/input_tokens', request));
  t.same(counted, { object: 'response.input_tokens', input_tokens: engine.calls[0].promptIds.length });
  await t.rejects(client.responses.create({ model: 'fake', input: 'Hi', previous_response_id: 'resp_1' }), {
    message: /400 previous_response_id/,
  });
});

t.test('/v1/messages', async (t) => {
  const { post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  engine.script = () => ({ text: `Looking.${call('Paris')}` });
  const request = {
    model: 'fake',
    max_tokens: 200,
    system: [{ type: 'text', text: 'Be brief.' }],
    tools: [{ name: 'weather', input_schema: parameters }],
    messages: [
      { role: 'user', content: 'Weather?' },
      { role: 'assistant', content: [{ type: 'tool_use', id: 't1', name: 'weather', input: { city: 'Rome' } }] },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 't1', content: 'sunny' },
          { type: 'text', text: 'And Paris?' },
        ],
      },
    ],
  };
  const whole = await json(await post('/v1/messages', request));
  t.doesNotThrow(() => messagesResponseSchema.parse(whole));
  t.equal(whole.stop_reason, 'tool_use');
  t.match(whole.content, [
    { type: 'text', text: 'Looking.' },
    { type: 'tool_use', name: 'weather', input: { city: 'Paris' } },
  ]);
  t.match(engine.calls[0]?.promptText, /Be brief\.[^]*"arguments": \{"city":"Rome"\}[^]*sunny[^]*And Paris\?/);
  const { input_tokens } = await json(await post('/v1/messages/count_tokens', request));
  t.equal(input_tokens, engine.calls[0]?.promptIds.length);

  const events = await readEvents(await post('/v1/messages', { ...request, stream: true }));
  t.same(
    [...new Set(events.map((e) => e.type))],
    [
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ],
  );
  t.equal(events[0].message.usage.input_tokens, input_tokens);
  t.equal(events.flatMap((e) => e.delta?.text ?? []).join(''), 'Looking.');
  t.equal(events.flatMap((e) => e.delta?.partial_json ?? []).join(''), '{"city": "Paris"}');

  engine.script = () => ({ text: 'one two' });
  const stopped = await json(await post('/v1/messages', { ...request, stop_sequences: [' two'] }));
  t.match(stopped, { stop_reason: 'stop_sequence', stop_sequence: ' two', content: [{ text: 'one' }] });
  const bad = await post('/v1/messages', { ...request, max_tokens: 0 });
  t.equal(bad.status, 400);
  t.match(await json(bad), { type: 'error', error: { type: 'invalid_request_error', param: 'max_tokens' } });
});

t.test('an answer that /abort_request ends is not reported as whole', async (t) => {
  const { post, engine, server } = await startFakeServer();
  t.teardown(() => server.close());
  engine.script = () => ({ text: 'a'.repeat(4000), delay: 3 });
  const ask = async (path: string, body: Json): Promise<Response> => {
    const answer = post(path, body);
    const calls = engine.calls.length;
    await until(() => engine.calls.length > calls && engine.calls.at(-1)!.given > 1);
    t.match(await json(await post('/abort_request', { abort_all: true })), { aborted: 1 });
    return answer;
  };
  const response = {
    status: 'incomplete',
    incomplete_details: { reason: 'abort' },
    output: [{ status: 'incomplete' }],
  };
  const whole = await json(await ask('/v1/responses', { input: 'Hi' }));
  t.match(whole, response);
  t.match(whole.output[0].content[0].text, /^a+$/, 'what there was is given');
  t.ok(whole.usage.output_tokens > 0);
  t.doesNotThrow(() => responseSchema.parse(whole));
  const events = await readEvents(await ask('/v1/responses', { input: 'Hi', stream: true }));
  t.match(events.at(-1), { type: 'response.incomplete', response });

  const request = { model: 'fake', max_tokens: 4000, messages };
  const error = { type: 'error', error: { code: 'aborted', message: /abort_request/ } };
  const refused = await ask('/v1/messages', request);
  t.equal(refused.status, 499);
  t.match(await json(refused), error);
  const blocks = await readEvents(await ask('/v1/messages', { ...request, stream: true }));
  t.match(blocks.at(-1), error);
  t.notOk(
    blocks.some(({ type }) => type === 'message_delta' || type === 'message_stop'),
    'no end as if it were whole',
  );
});
