/**
 * What a chat template can do, found out by rendering small examples and looking whether a needle comes out: templates
 * carry no version, and guessing from their text alone fails more often.
 */
export type RenderTemplate = (variables: Record<string, unknown>) => string;

export interface TemplateTraits {
  /** Shows the tools it is given. */
  readonly tools: boolean;
  /** Shows an assistant's earlier tool calls. */
  readonly toolCalls: boolean;
  /** Wants tool call arguments as an object (most do), not as JSON text. */
  readonly objectArguments: boolean;
  /** Shows tool calls only of messages whose content is null (DeepSeek), not empty. */
  readonly nullContent: boolean;
  /** Wants content as a list of parts and shows nothing for plain text. */
  readonly typedContent: boolean;
  /** Knows the developer role; otherwise such messages are sent as system. */
  readonly developerRole: boolean;
  /** Shows a system message at the start. */
  readonly systemRole: boolean;
  /** Shows further system messages, wherever they stand. */
  readonly lateSystem: boolean;
}

const needle = 'zqneedle';
const user = { role: 'user', content: 'hi' };

export function probeTemplate(source: string, render: RenderTemplate): TemplateTraits {
  const shows = (messages: unknown[], extra: Record<string, unknown> = {}, sought = needle): boolean => {
    try {
      return render({ messages, add_generation_prompt: true, ...extra }).includes(sought);
    } catch {
      return false;
    }
  };
  // A loop over text that prints its letters would print parts as Python prints a dict: that is no wish for parts.
  const inParts = [{ role: 'user', content: [{ type: 'text', text: needle }] }];
  const typedContent = !shows([{ role: 'user', content: needle }]) && shows(inParts) && !shows(inParts, {}, "{'type'");
  const plain = (text: string) => (typedContent ? [{ type: 'text', text }] : text);
  const ask = { ...user, content: plain(user.content) };

  const system = (text: string) => ({ role: 'system', content: plain(text) });

  // A call is shown when its argument's name comes out; as JSON text it comes out inside quotes of the template's own.
  const showsCall = (args: unknown, content: unknown, sought = needle) => {
    const call = { id: 'call00001', type: 'function', function: { name: 'look_up', arguments: args } };
    return shows([ask, { role: 'assistant', content, tool_calls: [call] }], {}, sought);
  };
  const [object, json] = [{ [needle]: 1 }, `{"${needle}": 1}`];
  const showsAnyCall = (args: unknown, sought = needle) =>
    showsCall(args, plain(''), sought) || showsCall(args, null, sought);
  // A template that prints the arguments as they are would print an object as Python does; text stays JSON there.
  const printsThem = showsAnyCall(object, `{'${needle}'`) && showsAnyCall(json, json);
  const objectArguments = !printsThem && (showsAnyCall(object) || !showsCall(json, null));
  const args = objectArguments ? object : json;
  const nullContent = showsCall(args, null);
  return {
    typedContent,
    objectArguments,
    nullContent: nullContent && !showsCall(args, plain('')),
    toolCalls: nullContent || showsCall(args, plain('')),
    tools: shows([ask], { tools: [tool] }),
    developerRole: /['"]developer['"]/.test(source) && shows([{ ...system(needle), role: 'developer' }, ask]),
    systemRole: shows([system(needle), ask]),
    // Some show the last one only, some the first.
    lateSystem: [needle, 'zqfirst'].every(
      (text) =>
        shows([system('zqfirst'), ask, system(needle)], {}, text) &&
        shows([system('zqfirst'), system(needle), ask], {}, text),
    ),
  };
}

const tool = {
  type: 'function',
  function: { name: needle, description: '', parameters: { type: 'object', properties: {}, required: [] } },
};
