/** OpenAI's `truncation: "auto"`: a conversation that is too long loses its oldest messages, not its system prompt. */
import { EngineError } from '../../errors.ts';
import type { ChatMessage } from '../apis/schema/messages.ts';
import type { ChatBody } from './answer-stream.ts';

/**
 * Runs `start` with ever fewer messages until their prompt fits: one is dropped, then two, four, … and never the last.
 * @throws EngineError context_length_exceeded when that alone is too long
 */
export async function dropOldest<T>(body: ChatBody, start: (body: ChatBody) => Promise<T>): Promise<T> {
  for (let count = 0; ; count = Math.max(1, 2 * count)) {
    const messages = withoutOldest(body.messages, count);
    try {
      return await start({ ...body, messages });
    } catch (error) {
      const tooLong = error instanceof EngineError && error.code === 'context_length_exceeded';
      if (!tooLong || withoutOldest(body.messages, Infinity).length === messages.length) throw error;
    }
  }
}

/** The system prompt stays; a result whose call is gone goes too. */
function withoutOldest(messages: readonly ChatMessage[], count: number): ChatMessage[] {
  const isSystem = ({ role }: ChatMessage): boolean => role === 'system' || role === 'developer';
  const start = Math.max(
    0,
    messages.findIndex((m) => !isSystem(m)),
  );
  let end = Math.min(start + count, messages.length - 1);
  while (count > 0 && end < messages.length - 1 && messages[end].role === 'tool') end++;
  return [...messages.slice(0, start), ...messages.slice(Math.max(start, end))];
}
