/** Where reasoning begins and ends in a model's text: one table of tag pairs, of which `--reasoning_parser` picks one. */

interface Format {
  readonly open: string;
  readonly close: string;
  /** Where the prompt says nothing, the model reasons from its first token, whether or not it writes the opening tag. */
  readonly startsOpen: boolean;
}

const think: Format = { open: '<think>', close: '</think>', startsOpen: false };
const thinkFromStart: Format = { ...think, startsOpen: true };

/** Sources: the chat templates on the models' cards. */
const formats: Readonly<Record<string, Format>> = {
  qwen3: think,
  'qwen3-thinking': thinkFromStart,
  'deepseek-r1': thinkFromStart,
  'deepseek-v3': think,
  glm45: think,
  interns1: think,
  nano_v3: think,
  step3: thinkFromStart,
  minimax: thinkFromStart,
  kimi_k2: think,
  kimi: { open: '◁think▷', close: '◁/think▷', startsOpen: false },
  gemma4: { open: '<|channel>thought\n', close: '<channel|>', startsOpen: false },
};

export const reasoningParserNames = Object.keys(formats);

/** `deepseek_r1` and `deepseek-r1` alike; null when there is no such parser. */
function findFormat(name: string): Format | null {
  const plain = (n: string): string => n.replaceAll('_', '-');
  const key = reasoningParserNames.find((n) => plain(n) === plain(name));
  return key === undefined ? null : formats[key];
}

export function isReasoningParser(name: string): boolean {
  return findFormat(name) !== null;
}

export interface ReasoningTags {
  readonly open: string;
  readonly close: string;
  /**
   * Where the answer begins: inside the reasoning, behind it (thinking is off, or the answer goes on with a text), or, where
   * the prompt does not say, wherever the model's opening tag puts it.
   */
  readonly start: 'inside' | 'behind' | 'unsaid';
}

/**
 * @param prompt as rendered: what it ends with counts, so that a tag in a message opens nothing
 * @param continued the assistant's text at the prompt's end that the answer goes on with, if it does
 * @returns null when there is no such parser
 */
export function reasoningTags(name: string, prompt: string, continued: string | null = null): ReasoningTags | null {
  const format = findFormat(name);
  if (format === null) return null;
  const { open, close, startsOpen } = format;
  return { open, close, start: startOf() };

  function startOf(): ReasoningTags['start'] {
    if (continued !== null && continued.trim() !== '') {
      return continued.lastIndexOf(open.trimEnd()) > continued.lastIndexOf(close) ? 'inside' : 'behind';
    }
    const end = prompt.trimEnd();
    if (end.endsWith(close)) return 'behind';
    return startsOpen || end.endsWith(open.trimEnd()) ? 'inside' : 'unsaid';
  }
}
