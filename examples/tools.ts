/** Tool calls, and an answer of a given form: the model calls a function, reads its result and answers as JSON. */
import { LLM, type ChatMessage, type ChatParams } from 'dawnlight';

const llm = await LLM.load(process.argv[2] ?? 'path/to/model', { maxTotalTokenNum: 4096 });

const city = { type: 'string', enum: ['Paris', 'Oslo', 'Rome'] };
const weather = {
  function: {
    name: 'get_weather',
    description: 'The weather in a city now.',
    parameters: { type: 'object', properties: { city }, required: ['city'], additionalProperties: false },
  },
};

/** The whole answer. Its pieces come as they are made; those of a call's arguments are joined like those of the text. */
async function ask(messages: readonly ChatMessage[], params: ChatParams) {
  let content = '';
  const calls: { id: string; type: 'function'; function: { name: string; arguments: string } }[] = [];
  for await (const chunk of llm.chat(messages, { temperature: 0, maxTokens: 200, ...params })) {
    content += chunk.content;
    for (const { index, id = '', name = '', arguments: text = '' } of chunk.toolCalls) {
      const call = (calls[index] ??= { id, type: 'function', function: { name, arguments: '' } });
      call.function.arguments += text;
    }
  }
  return { content, calls };
}

const messages: ChatMessage[] = [{ role: 'user', content: 'What is the weather like in Oslo?' }];

// 'required' lets it write nothing but a call; with 'auto' it decides.
const { calls } = await ask(messages, { tools: [weather], toolChoice: 'required', parallelToolCalls: false });
const [call] = calls;
console.log(`${call.function.name}(${call.function.arguments})`);

const result = { degrees: -3, sky: 'snow' };
messages.push({ role: 'assistant', content: null, tool_calls: calls });
messages.push({ role: 'tool', tool_call_id: call.id, content: JSON.stringify(result) });

// JSON of this schema and nothing else; `regex`, `choice` and `grammar` are the other forms.
const json = {
  type: 'object',
  properties: { city, sky: { enum: ['sun', 'clouds', 'rain', 'snow'] }, cold: { type: 'boolean' } },
  required: ['city', 'sky', 'cold'],
  additionalProperties: false,
};
const { content } = await ask(messages, { structuredOutputs: { json } });
console.log(JSON.parse(content));
await llm.close();
