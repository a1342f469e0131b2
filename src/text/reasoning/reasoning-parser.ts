/** Splits a model's text into reasoning and answer as it streams. One table of tag pairs; `--reasoning_parser` picks. */

interface Format {
  readonly open: string;
  readonly close: string;
  /** The model reasons from its first token, whether or not it writes the opening tag. */
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

/** The tags around reasoning, and whether the model is inside them where `prompt` ends. */
export function reasoningTags(name: string, prompt: string): { open: string; close: string; isOpen: boolean } | null {
  const format = findFormat(name);
  if (format === null) return null;
  const { open, close, startsOpen } = format;
  const end = prompt.trimEnd();
  return { open, close, isOpen: end.endsWith(open.trimEnd()) || (startsOpen && !end.endsWith(close)) };
}

export interface ReasoningDelta {
  readonly reasoning: string;
  readonly content: string;
}

export class ReasoningParser {
  readonly #format: Format;
  #state: 'start' | 'reasoning' | 'answerStart' | 'answer';
  #held = '';

  /** `prompt` is the rendered prompt: templates may have opened the reasoning already. */
  constructor(name: string, prompt: string) {
    this.#format = findFormat(name) ?? think;
    this.#state = prompt.trimEnd().endsWith(this.#format.open.trimEnd()) ? 'reasoning' : 'start';
  }

  get reasoning(): boolean {
    return this.#state === 'reasoning' || (this.#state === 'start' && this.#format.startsOpen);
  }

  push(text: string): ReasoningDelta {
    this.#held += text;
    let reasoning = '';
    if (this.#state === 'start') this.#decideStart();
    if (this.#state === 'reasoning') reasoning = this.#takeReasoning();
    if (this.#state === 'answerStart') this.#skipBlank();
    return { reasoning, content: this.#state === 'answer' ? this.#takeAll() : '' };
  }

  /** What was held back; an unclosed reasoning stays reasoning. */
  end(): ReasoningDelta {
    const rest = this.#takeAll();
    return this.reasoning ? { reasoning: rest.trimEnd(), content: '' } : { reasoning: '', content: rest };
  }

  #takeAll(): string {
    const all = this.#held;
    this.#held = '';
    return all;
  }

  #decideStart(): void {
    const { open, startsOpen } = this.#format;
    const text = this.#held.trimStart();
    if (text.startsWith(open)) {
      this.#held = text.slice(open.length);
      this.#state = 'reasoning';
    } else if (!open.startsWith(text)) {
      this.#state = startsOpen ? 'reasoning' : 'answer';
    }
  }

  /** White space at both ends of the reasoning belongs to the tags. */
  #takeReasoning(): string {
    const { close } = this.#format;
    const index = this.#held.indexOf(close);
    if (index >= 0) {
      const text = this.#held.slice(0, index).trimEnd();
      this.#held = this.#held.slice(index + close.length);
      this.#state = 'answerStart';
      return this.#trimFirst(text);
    }
    let keep = this.#held.length - this.#held.trimEnd().length;
    for (let n = Math.min(close.length - 1, this.#held.length); n > keep; n--) {
      if (close.startsWith(this.#held.slice(-n))) {
        const before = this.#held.slice(0, -n);
        keep = n + before.length - before.trimEnd().length;
        break;
      }
    }
    const text = this.#held.slice(0, this.#held.length - keep);
    this.#held = this.#held.slice(this.#held.length - keep);
    return this.#trimFirst(text);
  }

  #atFirst = true;
  #trimFirst(text: string): string {
    if (!this.#atFirst) return text;
    const trimmed = text.trimStart();
    if (trimmed !== '') this.#atFirst = false;
    return trimmed;
  }

  #skipBlank(): void {
    this.#held = this.#held.trimStart();
    if (this.#held !== '') this.#state = 'answer';
  }
}
