/** The example of function calling on LightLLM's page of OpenAI's API, in several seeds, plain and streamed. */
import type { Answer, Case } from './cases.ts';

/** As it stands there. */
const weather = {
  name: 'get_current_weather',
  description: 'Get current weather information for a specified city',
  parameters: {
    type: 'object',
    properties: {
      city: { type: 'string', description: 'City name, e.g.: Beijing, Shanghai' },
      unit: { type: 'string', enum: ['celsius', 'fahrenheit'], description: 'Temperature unit' },
    },
    required: ['city'],
  },
};

/** The page's copy breaks off behind this tool; the question is ours. */
const calculate = {
  name: 'calculate',
  description: 'Perform mathematical calculations',
  parameters: {
    type: 'object',
    properties: { expression: { type: 'string', description: 'Mathematical expression' } },
    required: ['expression'],
  },
};

const user = (content: string) => ({ role: 'user', content });

export const exampleTools = { get_current_weather: weather, calculate };

export const examples: readonly Case[] = [
  {
    kind: 'weather',
    tools: ['get_current_weather'],
    messages: [user("What's the weather like in Beijing today?")],
    calls: [{ name: 'get_current_weather', arguments: { city: 'Beijing' } }],
  },
  {
    kind: 'calculate',
    tools: ['calculate'],
    messages: [user('Help me calculate 25 * 4 + 10')],
    calls: [{ name: 'calculate', arguments: { expression: '25 * 4 + 10' } }],
  },
];

/** One with other white space is as right. */
export function tidy(answer: Answer): Answer {
  const calls = answer.calls.map((call) => ({
    ...call,
    arguments: call.arguments.replace(/(?<=\d)\s*([+*])\s*(?=\d)/g, ' $1 '),
  }));
  return { ...answer, calls };
}
