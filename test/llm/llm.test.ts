/**
 * The engine in a program: constraints, tools, stop strings and reasoning without a server. Over random weights what the
 * model writes is what its grammar leaves; where the text matters it is dictated by a logits processor.
 */
import t, { type Test } from 'tap';
import { writeTinyModel } from '../../bench/server/tiny-model.ts';
import { LLM, type LLMOptions } from '../../src/llm/llm.ts';
import type { ChatChunk, ChatParams, GenerateParams, TextChunk } from '../../src/llm/params.ts';

t.setTimeout(120_000);

const directory = writeTinyModel();
const small = { maxTotalTokenNum: 2048, runningMaxReqSize: 4 };
const question = [{ role: 'user', content: 'Weather?' }];
const city = { type: 'string', enum: ['Paris', 'Oslo'] };
const parameters = { type: 'object', properties: { city }, required: ['city'], additionalProperties: false };
const tools = ['weather', 'news'].map((name) => ({ function: { name, parameters } }));

async function load(t: Test, options: LLMOptions = {}): Promise<LLM> {
  const llm = await LLM.load(directory, { ...small, ...options });
  t.teardown(() => llm.close());
  return llm;
}

interface Answer {
  readonly content: string;
  readonly reasoning: string;
  readonly calls: readonly { readonly name: string; readonly arguments: string }[];
  readonly last: ChatChunk;
  readonly chunks: number;
}

async function chat(llm: LLM, params: ChatParams, signal?: AbortSignal): Promise<Answer> {
  let [content, reasoning, chunks] = ['', '', 0];
  const calls: { name: string; arguments: string }[] = [];
  let last: ChatChunk | undefined;
  for await (const chunk of llm.chat(question, params, signal ? { signal } : {})) {
    content += chunk.content;
    reasoning += chunk.reasoning;
    for (const { index, name = '', arguments: text = '' } of chunk.toolCalls) {
      const call = (calls[index] ??= { name: '', arguments: '' });
      call.name += name;
      call.arguments += text;
    }
    last = chunk;
    chunks++;
  }
  return { content, reasoning, calls, last: last!, chunks };
}

async function generate(
  llm: LLM,
  params: GenerateParams,
): Promise<{ text: string; last: TextChunk; tokens: string[] }> {
  let text = '';
  const tokens: string[] = [];
  let last: TextChunk | undefined;
  for await (const chunk of llm.generate('Say:', { temperature: 0, ...params })) {
    text += chunk.text;
    tokens.push(...chunk.tokens.map((token) => token.text));
    last = chunk;
  }
  return { text, last: last!, tokens };
}

t.test('the grammar decides what random weights write', async (t) => {
  const llm = await load(t);
  const outputs: [GenerateParams, RegExp][] = [
    [{ structuredOutputs: { choice: ['left', 'right'] } }, /^(left|right)$/],
    [{ structuredOutputs: { regex: '[ab]{3}-[0-9]{2}' } }, /^[ab]{3}-[0-9]{2}$/],
    [{ structuredOutputs: { grammar: 'root ::= "x" ("y" | "z") "!"' } }, /^x[yz]!$/],
    [{ structuredOutputs: { json: parameters } }, /^\{\s*"city":\s*"(Paris|Oslo)"\s*\}$/],
    [{ responseFormat: { type: 'json_schema', json_schema: { schema: { enum: [1, 2] } } } }, /^[12]$/],
  ];
  for (const [params, pattern] of outputs) {
    const { text, last } = await generate(llm, params);
    t.match(text, pattern, JSON.stringify(params));
    t.equal(last.finishReason, 'stop');
    t.match((await chat(llm, { temperature: 0, ...params })).content, pattern, 'and in a chat');
  }

  const forced = await chat(llm, { tools, toolChoice: 'required', parallelToolCalls: false, seed: 1 });
  t.equal(forced.calls.length, 1);
  t.match(forced.calls[0]?.name, /^(weather|news)$/);
  t.match(JSON.parse(forced.calls[0]?.arguments ?? ''), { city: /^(Paris|Oslo)$/ });
  t.match(forced, { content: '', last: { finishReason: 'tool_calls', stopReason: null } });
  const news = { type: 'function', function: { name: 'news' } } as const;
  t.equal((await chat(llm, { tools, toolChoice: news })).calls[0]?.name, 'news');

  const refused = (message: RegExp, param: string) => ({ code: 'invalid_value', message, param });
  await t.rejects(chat(llm, { toolChoice: 'required' }), refused(/^tool_choice: Needs `tools`/, 'tool_choice'));
  await t.rejects(
    chat(llm, { tools, toolChoice: { type: 'function', function: { name: 'other' } } }),
    refused(/No tool is named "other"/, 'tool_choice'),
  );
  await t.rejects(
    generate(llm, { structuredOutputs: { regex: '(' } }),
    refused(/^structured_outputs\.regex: /, 'structured_outputs.regex'),
  );
  await t.rejects(
    generate(llm, { structuredOutputs: { regex: 'a', choice: ['b'] } }),
    refused(/cannot be used together with/, 'structured_outputs.choice'),
  );
  await t.rejects(
    generate(llm, { structuredOutputs: { grammar: 'root ::= (' } }),
    refused(/^structured_outputs\.grammar: /, 'structured_outputs.grammar'),
  );
  t.match((await generate(llm, { maxTokens: 2 })).last, { finishReason: 'length', usage: { completionTokens: 2 } });
});

t.test('what a model writes is split as the server splits it', async (t) => {
  let [script, end]: [number[], number] = [[], 0];
  const dictate = (logits: Float32Array, _: unknown, index: number): void => {
    logits.fill(-1e4);
    logits[script[index] ?? end] = 0;
  };
  const llm = await load(t, { logitsProcessors: [dictate], reasoningParser: 'deepseek-r1' });
  end = llm.tokenizer.eosTokenIds[0];
  const say = (text: string): void => void (script = llm.tokenizer.encode(text));
  const call = '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>';

  say(`Let me see.\n</think>\n\nIt rains.`);
  const thought = await chat(llm, {});
  t.match(thought, { reasoning: 'Let me see.', content: 'It rains.', calls: [], last: { finishReason: 'stop' } });
  t.ok(thought.chunks > 10, 'streamed');
  t.ok(thought.last.reasoningTokens > 10 && thought.last.reasoningTokens < thought.last.usage.completionTokens);
  t.match(await chat(llm, { separateReasoning: false }), {
    reasoning: '',
    content: 'Let me see.\n</think>\n\nIt rains.',
  });

  say(`Hm.</think>${call}${call.replace('Oslo', 'Paris')}`);
  const both = [
    { name: 'weather', arguments: '{"city": "Oslo"}' },
    { name: 'weather', arguments: '{"city": "Paris"}' },
  ];
  t.match(await chat(llm, { tools }), { reasoning: 'Hm.', content: '', calls: both });
  t.same((await chat(llm, { tools, parallelToolCalls: false })).calls, both.slice(0, 1));
  t.match(await chat(llm, { tools, toolChoice: 'none' }), { calls: [], content: /^<tool_call>/ });

  say('one, two, three – über.');
  t.match(await generate(llm, { stop: ', three' }), {
    text: 'one, two',
    last: { finishReason: 'stop', stopReason: ', three', usage: { completionTokens: 15 } },
  });
  t.match(await generate(llm, { stop: ['two', 'x'], includeStop: true }), { text: 'one, two' });
  const whole = await generate(llm, { logprobs: 0 });
  t.equal(whole.text, 'one, two, three – über.');
  t.equal(whole.tokens.join(''), whole.text, 'tokens come with their text');
  t.type(whole.last.stopToken?.logprobs?.logprob, 'number');
  const comma = llm.tokenizer.encode(',')[0];
  t.match(await generate(llm, { stopTokenIds: [comma] }), { text: 'one', last: { stopReason: comma } });
});

t.test('a conversation needs a template, which may be given', async (t) => {
  await t.rejects(LLM.load(directory, { toolCallParser: 'nothing' }), {
    code: 'bad_flag',
    message: /no parser 'nothing'/,
  });
  await t.rejects(LLM.load(directory, { reasoningParser: 'nothing' }), { code: 'bad_flag' });
  const llm = await load(t, { chatTemplate: '{{ messages[0].content }}{{ 1 / 0 if enable_thinking is defined }}' });
  await t.rejects(chat(llm, { reasoningEffort: 'none' }), { code: 'invalid_request', message: /chat template/ });
  const { last } = await chat(llm, { maxTokens: 1 });
  t.equal(last.usage.promptTokens, 'Weather?'.length, 'a token is a byte here');
  const signal = AbortSignal.abort();
  t.equal((await chat(llm, {}, signal)).last.finishReason, 'abort');
});
