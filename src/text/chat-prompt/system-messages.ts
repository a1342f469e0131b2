/**
 * System messages where a chat template can show them. Agents send several, and some in the midst of the conversation;
 * many templates know one at the start only, some none: they leave the others out or refuse them.
 */
import type { TemplateTraits } from '../chat-template/template-traits.ts';
import type { PromptMessage } from './tool-prompt.ts';

/** Several at the start become one; where the template shows none, the text goes to the user's message at that place. */
export function placeSystem(
  messages: readonly PromptMessage[],
  { systemRole, lateSystem }: TemplateTraits,
): readonly PromptMessage[] {
  if (lateSystem) return messages;
  const placed: PromptMessage[] = [];
  let held = '';
  for (const message of messages) {
    const last = placed.at(-1);
    if (!isSystem(message)) {
      const heldFirst = held !== '' && message.role !== 'user' ? [{ role: 'user', content: held }] : [];
      placed.push(
        ...heldFirst,
        message.role === 'user' ? { ...message, content: join(held, message.content) } : message,
      );
      held = '';
    } else if (systemRole && last === undefined) placed.push(message);
    else if (last !== undefined && (last.role === 'user' || isSystem(last))) {
      placed[placed.length - 1] = { ...last, content: join(last.content, message.content) };
    } else held = join(held, message.content);
  }
  return held === '' ? placed : [...placed, { role: 'user', content: held }];
}

function isSystem({ role }: PromptMessage): boolean {
  return role === 'system' || role === 'developer';
}

function join(...texts: (string | null)[]): string {
  return texts.filter((text) => text !== null && text !== '').join('\n\n');
}
