/** What a router is for: it passes everything on, keeps what shares a prefix together, and survives a dead replica. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions';
import { median } from '../helpers/machine.ts';
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

/**
 * Six conversations that begin at once (so the router spreads them over the replicas) and go on in turn: does each request
 * find its conversation's prefix in the cache of the replica that it comes to?
 */
export async function affinity({ client, replicas }: Fleet) {
  const ask = async (topic: string, question: string) => {
    const messages = user(`${`${topic} interest me. `.repeat(12)}${question}`);
    const { usage } = await client.chat.completions.create({ ...greedy, messages, max_tokens: 2 });
    return { prompt: usage!.prompt_tokens, cached: usage!.prompt_tokens_details?.cached_tokens ?? 0 };
  };
  const before = await Promise.all(replicas.map((replica) => replica.requests()));
  await Promise.all(topics.map((topic) => ask(topic, 'Where?')));
  const begunOn = await Promise.all(replicas.map(async (replica, i) => (await replica.requests()) - before[i]));
  const goneOnTo = [0, 0];
  const shares: number[] = [];
  for (const question of ['Why?', 'When?']) {
    for (const topic of topics) {
      const before = await replicas[0].requests();
      const { prompt, cached } = await ask(topic, question);
      goneOnTo[(await replicas[0].requests()) > before ? 0 : 1]++;
      shares.push(cached / prompt);
    }
  }
  const atHome = shares.filter((share) => share > 0.5).length;
  return { begunOn, goneOnTo, followUps: shares.length, atHome, cachedShare: median(shares) };
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
  for (const o of more) if (o.status === 'rejected') console.error('after the kill:', String(o.reason));
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
