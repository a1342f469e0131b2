/** What a template does wrong or refuses. `line` counts from 1 and is filled in where the failing tag is known. */
export class TemplateError extends Error {
  line: number | null = null;
  /** True for the template's own `raise_exception(…)`: the message is then the template's words and stands alone. */
  readonly raisedByTemplate: boolean;

  constructor(message: string, { raisedByTemplate = false, line = null as number | null } = {}) {
    super(message);
    this.raisedByTemplate = raisedByTemplate;
    this.line = line;
  }
}

/** The error with the line, if it has none yet: the innermost tag wins. */
export function atLine(error: unknown, line: number): unknown {
  if (error instanceof RangeError) {
    return new TemplateError('macros or recursive loops call each other without end', { line });
  }
  if (error instanceof TemplateError) error.line ??= line;
  return error;
}

/** The message for people: the template's own words, or the line and what is wrong there. */
export function templateMessage(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof TemplateError) || error.raisedByTemplate || error.line === null) return message;
  return `line ${error.line} of the template: ${message}`;
}
