// What of an answer is reasoning: by every parser, in every state that a prompt can end in, streamed and whole.
import t, { type Test } from 'tap';
import { AnswerParser } from '../../src/text/answer/answer-parser.ts';
import type { TextOutput } from '../../src/text/answer/generated-text.ts';
import { ReasoningParser } from '../../src/text/reasoning/reasoning-parser.ts';
import { reasoningParserNames, reasoningTags } from '../../src/text/reasoning/reasoning-tags.ts';
import { createToolCallParser, toolCallParserNames, watchCalls } from '../../src/text/tool-calls/create-parser.ts';
import { startFakeServer } from '../helpers/fake-server.ts';
import { caseTools, Merged, toolCallCases } from '../helpers/tool-call-cases.ts';
import { GrammarWalker } from '../helpers/walk-grammar.ts';
import { json, readEvents, type Json } from '../helpers/wire.ts';

const messages = [{ role: 'user' as const, content: 'Hi' }];
/** A template that thinks unless told otherwise, and then closes the thoughts itself (Qwen 3's and DeepSeek 3.1's way). */
const switchable =
  '{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>' +
  '{% if enable_thinking is defined and not enable_thinking %}OPEN\n\nCLOSE\n\n{% else %}OPEN\n{% endif %}{% endif %}';
const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }];
const call = '<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>';
const named = { type: 'function', function: { name: 'f' } };

/** A server whose model thinks between the tags of `name`; `ask` answers whole and streamed, which must agree. */
async function serve(t: Test, name: string) {
  const { open, close } = reasoningTags(name, '')!;
  const templateSource = switchable
    .replaceAll('OPEN\n', open.endsWith('\n') ? open : `${open}\n`)
    .replaceAll('CLOSE', close);
  const { engine, post, server } = await startFakeServer({}, { reasoningParser: name, templateSource });
  t.teardown(() => server.close());
  const ask = async (text: string, fields: object) => {
    engine.script = () => ({ text });
    const whole = await json(await post('/v1/chat/completions', { messages, ...fields }));
    const events = await readEvents(await post('/v1/chat/completions', { messages, stream: true, ...fields }));
    const deltas = events.flatMap((e: Json) => (e === '[DONE]' ? [] : [e.choices[0]]));
    const joined = (pick: (delta: Json) => string | undefined) => deltas.map((d) => pick(d.delta) ?? '').join('');
    const { message, finish_reason } = whole.choices[0];
    const streamed = {
      content: joined((d) => d.content),
      reasoning: joined((d) => d.reasoning_content),
      calls: joined((d) => d.tool_calls?.map((c: Json) => (c.function.name ?? '') + c.function.arguments).join('')),
      finish: deltas.at(-1).finish_reason,
    };
    const calls = (message.tool_calls ?? []).map((c: Json) => c.function.name + c.function.arguments).join('');
    const result = {
      content: message.content ?? '',
      reasoning: message.reasoning_content ?? '',
      calls,
      finish: finish_reason,
    };
    t.same(streamed, result, `${name}: streamed as whole`);
    return result;
  };
  return { engine, post, ask, open, close };
}

t.test('every reasoning parser, cut anywhere', async (t) => {
  t.ok(reasoningParserNames.length >= 12);
  for (const name of reasoningParserNames) {
    const tags = reasoningTags(name, '')!;
    const { open, close } = tags;
    const text = `${open}why < so ${close.slice(0, 2)}${close}\n\nanswer ${open}`;
    for (const size of [1, 3, text.length]) {
      const parser = new ReasoningParser(tags);
      let [reasoning, content] = ['', ''];
      const take = (delta: { reasoning: string; content: string }): void => {
        reasoning += delta.reasoning;
        content += delta.content;
      };
      for (let i = 0; i < text.length; i += size) take(parser.push(text.slice(i, i + size)));
      take(parser.end());
      t.same([reasoning, content], [`why < so ${close.slice(0, 2)}`, `answer ${open}`], `${name} by ${size}`);
    }
  }
});

t.test('reasoning is split out', async (t) => {
  const { client, engine, server } = await startFakeServer({}, { reasoningParser: 'qwen3' });
  t.teardown(() => server.close());
  engine.script = () => ({ text: '<think>\nlet me see </t\n</think>\n\nforty-two' });
  const answer = await client.chat.completions.create({ model: 'fake', messages });
  t.match(answer.choices[0]?.message, { content: 'forty-two', reasoning_content: 'let me see </t' });
  t.ok((answer.usage?.completion_tokens_details?.reasoning_tokens ?? 0) > 10);
  const stream = await client.chat.completions.create({ model: 'fake', messages, stream: true });
  let [reasoning, content] = ['', ''];
  for await (const chunk of stream) {
    reasoning += (chunk.choices[0]?.delta as Json).reasoning_content ?? '';
    content += chunk.choices[0]?.delta.content ?? '';
  }
  t.same([reasoning, content], ['let me see </t', 'forty-two']);
});

t.test('thinking off: the answer is content, with every parser', async (t) => {
  for (const name of reasoningParserNames) {
    const { ask, open, close } = await serve(t, name);
    const answer = { content: 'Paris.', reasoning: '', calls: '', finish: 'stop' };
    for (const off of [{ reasoning_effort: 'none' }, { chat_template_kwargs: { enable_thinking: false } }]) {
      t.same(await ask('Paris.', off), answer, `${name} ${JSON.stringify(off)}`);
    }
    const reopened = await ask(`${open}hm${close}\n\nParis.`, { reasoning_effort: 'none' });
    t.same(reopened, { ...answer, reasoning: 'hm' }, `${name}: a model that thinks all the same`);
    t.same(await ask(`hm${close}\n\nParis.`, {}), { ...answer, reasoning: 'hm' }, `${name}: thinking on`);
  }
});

t.test('thinking off: forced calls and formats hold from the first token, and no thoughts begin', async (t) => {
  const walker = await GrammarWalker.create(3);
  for (const name of ['qwen3', 'deepseek-r1', 'step3', 'kimi']) {
    const { ask, engine, open, close } = await serve(t, name);
    const allows = async (text: string) => walker.accepts(engine.calls.at(-1)!.params.constraint!, text);
    for (const tool_choice of ['required', named]) {
      const fields = { tools, tool_choice, reasoning_effort: 'none' };
      t.same(await ask(call, fields), { content: '', reasoning: '', calls: 'f{}', finish: 'tool_calls' }, name);
      t.same(
        [await allows(call), await allows(`${open}hm${close}${call}`)],
        [true, false],
        `${name}: ${open} may not come`,
      );
      const on = await ask(`hm${close}\n${call}`, { ...fields, reasoning_effort: 'high' });
      t.same(on, { content: '', reasoning: 'hm', calls: 'f{}', finish: 'tool_calls' }, `${name}: thinking on`);
      t.same([await allows(`hm${close}\n${call}`), await allows(call)], [true, false], `${name}: thinking on`);
    }
    const format = { response_format: { type: 'json_object' }, reasoning_effort: 'none' };
    t.match(await ask('{}', format), { content: '{}', reasoning: '' }, name);
    t.same(
      [await allows('{}'), await allows(`${open}hm${close}{}`)],
      [true, false],
      `${name}: JSON from the first token`,
    );
  }
});

t.test('an answer that must follow a grammar or tag of the caller may be thought about first', async (t) => {
  const walker = await GrammarWalker.create(4);
  const tag = JSON.stringify({ type: 'structural_tag', format: { type: 'const_string', value: 'yes' } });
  for (const name of ['deepseek-r1', 'kimi']) {
    const { ask, engine, close } = await serve(t, name);
    const allows = async (text: string) => walker.accepts(engine.calls.at(-1)!.params.constraint!, text);
    for (const field of [{ guided_grammar: 'root ::= "yes"' }, { structural_tag: tag }, { guided_choice: ['yes'] }]) {
      const what = `${name}: ${Object.keys(field)[0]}`;
      t.match(await ask(`hm${close}\n\nyes`, field), { content: 'yes', reasoning: 'hm' }, what);
      t.same(
        [await allows(`h漢m${close}\n\nyes`), await allows('yes'), await allows(`hm${close}no`)],
        [true, false, false],
        what,
      );
      t.match(await ask('yes', { ...field, reasoning_effort: 'none' }), { content: 'yes', reasoning: '' }, what);
      t.same([await allows('yes'), await allows(`hm${close}yes`)], [true, false], `${what}, thinking off`);
    }
  }
});

t.test('an answer that goes on with a text goes on where that text ends', async (t) => {
  for (const name of ['qwen3', 'deepseek-r1', 'qwen3-thinking', 'minimax', 'step3']) {
    const { ask } = await serve(t, name);
    const goOn = (content: string, text: string) =>
      ask(text, { continue_final_message: true, messages: [...messages, { role: 'assistant', content }] });
    t.match(await goOn('The capital is', ' Paris.'), { content: ' Paris.', reasoning: '' }, name);
    t.match(await goOn('<think>\nhm\n</think>\n\nIt', ' is.'), { content: ' is.', reasoning: '' }, name);
    t.match(await goOn('<think>\nLet me', ' see</think>\n\nYes.'), { content: 'Yes.', reasoning: 'see' }, name);
  }
  const { ask } = await serve(t, 'qwen3');
  const asked = [{ role: 'user', content: 'What does <think> mean?' }];
  const tagged = await ask('x</think>It opens.', { messages: asked, reasoning_effort: 'none' });
  t.match(tagged, { content: 'x</think>It opens.', reasoning: '' }, 'a tag in a question opens nothing');
});

t.test('a tool call inside thoughts that are never closed ends them; a tag that is no call does not', async (t) => {
  const { ask } = await serve(t, 'qwen3');
  const hm = { content: '', reasoning: 'hm', calls: 'f{}', finish: 'tool_calls' };
  t.same(await ask(`hm\n${call}`, { tools }), hm);
  t.same(await ask(`hm\n${call}\n</think>\n`, { tools }), hm, 'the closing tag behind the call');
  t.same(await ask(`hm\n${call}${call}</think>`, { tools }), { ...hm, calls: 'f{}f{}' }, 'two calls');
  const prose = await ask('I could write <tool_call> and </tool_call>.\n</think>\n\nNo.', { tools });
  t.same(prose, {
    content: 'No.',
    reasoning: 'I could write <tool_call> and </tool_call>.',
    calls: '',
    finish: 'stop',
  });
  const then = await ask(`A <tool_call>{"a": 1}</tool_call>? No: ${call}`, { tools });
  t.same(then, { ...hm, reasoning: 'A <tool_call>{"a": 1}</tool_call>? No:' }, 'a false one before');
  t.match(await ask(`hm\n${call}\n</think>\n\nDone.`, {}), { content: 'Done.', calls: '' }, 'no tools, no calls');
});

t.test('calls of every family are found in thoughts, wherever the text is cut', async (t) => {
  const tags = reasoningTags('deepseek-r1', '')!;
  for (const name of toolCallParserNames) {
    const watch = watchCalls(name, caseTools);
    const found = toolCallCases[name]?.find(
      (c) => c.calls?.length === 1 && (watch?.marks ?? []).some((m) => c.text.startsWith(m)),
    );
    if (found === undefined) continue;
    for (const size of [1, 7, Infinity]) {
      const parser = new AnswerParser({
        reasoning: tags,
        toolCallParser: createToolCallParser(name, caseTools, { alsoClosing: [tags.close] }),
        callWatch: watchCalls(name, caseTools),
        parallelToolCalls: true,
      });
      const text = `Let me see.\n\n${found.text}`;
      const pieces = text.match(new RegExp(`[^]{1,${size === Infinity ? text.length : size}}`, 'g')) ?? [];
      const merged = new Merged();
      let reasoning = '';
      for (const [i, piece] of pieces.entries()) {
        const finishReason = i === pieces.length - 1 ? 'stop' : null;
        const delta = parser.push({ ...output, text: piece, finishReason });
        reasoning += delta.reasoning;
        merged.add(delta.toolCalls.length === 0 ? null : { toolCalls: [...delta.toolCalls] });
      }
      t.equal(reasoning, 'Let me see.', `${name} by ${size}`);
      t.same(
        merged.calls.map((c) => [c.name, c.arguments]),
        found.calls?.map(([n, a]) => [n, a]),
        `${name} by ${size}`,
      );
    }
  }
});

const output: TextOutput = {
  ...{ index: 0, text: '', tokens: [], stopToken: null, promptLogprobs: null, finishReason: null, stopReason: null },
  usage: { promptTokens: 1, completionTokens: 1, cachedTokens: 0 },
};

t.test('a forced call that is cut off leaves no markup in the content', async (t) => {
  const { ask } = await serve(t, 'qwen3');
  const forced = { tools, tool_choice: 'required', reasoning_effort: 'none' };
  for (let max_tokens = 1; max_tokens < call.length; max_tokens++) {
    const { content, finish, calls } = await ask(call, { ...forced, max_tokens });
    t.same([content, finish], ['', 'length'], `${max_tokens} tokens: ${calls}`);
  }
  t.match(await ask(call, { ...forced, stop: ['name'] }), { content: '', calls: '' }, 'a stop string cuts as well');
  const free = await ask('<tool_call>\n{"na', { tools, reasoning_effort: 'none', max_tokens: 16 });
  t.equal(free.content, '<tool_call>\n{"na', 'text that need not be a call stays');
});
