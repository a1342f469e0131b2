import type { Scope } from './scope.ts';

/** What a template has printed so far. */
export interface Output {
  text: string;
}

/** What ends a round of a loop early. */
type Signal = 'break' | 'continue' | undefined;
export type Emit = (scope: Scope, out: Output) => Signal;
