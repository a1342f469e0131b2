/**
 * First come, first served with no thought of memory: a request starts as soon as there is a row and a token of budget
 * for it. The baseline that shows what admission control is for.
 */
import type { AdmissionPolicy, PolicyKind } from './policy.ts';

export class FcfsPolicy implements AdmissionPolicy {
  begin(): void {
    // Looks at nothing.
  }

  admit(): boolean {
    return true;
  }

  observe(): void {
    // Learns nothing.
  }
}

export const fcfs: PolicyKind = { create: () => new FcfsPolicy() };
