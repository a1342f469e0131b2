/** What a router is for: it passes everything on, keeps what shares a prefix together, and survives a dead replica. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions';
import { type Fleet, MODEL, type Replica } from './fleet.ts';

const greedy = { model: MODEL, temperature: 0 };
const user = (content: string): ChatCompletionMessageParam[] => [{ role: 'user', content }];
const weather = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    description: 'The weather in a city',
    parameters: { type: 'object', properties: { city: { type: 'string', maxLength: 20 } }, required: ['city'] },
  },
};

/** Chat, stream and a forced tool call, plain and streamed: whether each answer is whole. */
export async function forwarded({ client }: Fleet): Promise<Record<string, boolean>> {
  const { completions } = client.chat;
  const chat = { ...greedy, messages: user('What is the capital of France?'), max_tokens: 24 };
  const tools = { ...greedy, max_tokens: 100, tools: [weather], tool_choice: 'required' as const };
  const call = { ...tools, messages: user('What is the weather in Paris?'), parallel_tool_calls: false };
  const [plain, called] = [await completions.create(chat), await completions.create(call)];
  const options = { stream: true as const, stream_options: { include_usage: true } };
  const streamed = await completions.stream({ ...chat, ...options }).finalChatCompletion();
  const calledInStream = await completions.stream({ ...call, ...options }).finalChatCompletion();
  const isCall = ({ choices: [{ message, finish_reason }] }: typeof called): boolean => {
    const [first] = message.tool_calls ?? [];
    if (first?.type !== 'function' || finish_reason !== 'tool_calls') return false;
    return typeof (JSON.parse(first.function.arguments) as { city?: unknown }).city === 'string';
  };
  return {
    chat: plain.choices[0].message.content?.includes('Paris') ?? false,
    stream: streamed.choices[0].message.content === plain.choices[0].message.content && streamed.usage != null,
    tools: isCall(called),
    streamedTools: isCall(calledInStream),
  };
}

const topics = ['Whales', 'Bridges', 'Glaciers', 'Violins', 'Deserts', 'Clocks'];

/** Conversations that go on, one request of each in turn: does each stay with the replica that it began on? */
export async function affinity({ client, replicas }: Fleet) {
  const home = new Map<string, number>();
  const perReplica = [0, 0];
  let [followUps, atHome, prompt, cached] = [0, 0, 0, 0];
  for (let turn = 0; turn < 3; turn++) {
    for (const topic of topics) {
      const before = await replicas[0].requests();
      const messages = user(`${`${topic} interest me. `.repeat(12)}Question ${turn}: why?`);
      const { usage } = await client.chat.completions.create({ ...greedy, messages, max_tokens: 2 });
      const where = (await replicas[0].requests()) > before ? 0 : 1;
      perReplica[where]++;
      if (turn === 0) {
        home.set(topic, where);
        continue;
      }
      followUps++;
      if (home.get(topic) === where) atHome++;
      prompt += usage?.prompt_tokens ?? 0;
      cached += usage?.prompt_tokens_details?.cached_tokens ?? 0;
    }
  }
  return { followUps, atHome, cachedShare: Number((cached / prompt).toFixed(2)), perReplica };
}

/** Kills one replica while eight answers are streamed through the router, and asks for four more at once. */
export async function killUnderLoad({ client, replicas }: Fleet) {
  const streams = 8;
  const tokens = 80;
  let begun = 0;
  const answers = Array.from({ length: streams }, async (_, i) => {
    const messages = user(`${i * 7919} is my number. Tell me a story.`);
    const extra = { ignore_eos: true };
    const stream = await client.chat.completions.create({
      ...greedy,
      ...extra,
      messages,
      max_tokens: tokens,
      stream: true,
    });
    let [first, finished] = [true, false];
    for await (const { choices } of stream) {
      if (first && choices[0]?.delta.content) begun++;
      if (choices[0]?.delta.content) first = false;
      finished ||= choices[0]?.finish_reason === 'length';
    }
    return finished;
  });
  const outcomes = Promise.allSettled(answers);
  while (begun < streams) await sleep(50);
  const running = await Promise.all(replicas.map((replica) => replica.running()));
  const victim: Replica = replicas[0];
  victim.kill('SIGKILL');
  const more = await Promise.allSettled(
    Array.from({ length: 4 }, (_, i) =>
      client.chat.completions.create({
        ...greedy,
        messages: user(`${i}: what is the capital of France?`),
        max_tokens: 4,
      }),
    ),
  );
  const whole = (await outcomes).filter((o) => o.status === 'fulfilled' && o.value).length;
  const answered = more.filter((o) => o.status === 'fulfilled').length;
  return {
    streams,
    onVictim: running[0],
    onOther: running[1],
    whole,
    lost: streams - whole,
    begunAfter: more.length,
    answered,
  };
}
