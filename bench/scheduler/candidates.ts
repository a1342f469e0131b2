/** Each policy of the registry at each of its settings: what is compared is a policy at its best one. */
import { policies } from '../../src/engine/scheduling/policies/registry.ts';
import type { PolicyKind, PolicySetting } from '../../src/engine/scheduling/policies/policy.ts';

export interface Candidate extends Pick<PolicySetting, 'create'> {
  readonly policy: string;
  /** '' for a policy that has none. */
  readonly setting: string;
  readonly published: boolean;
}

export function candidatesOf(all: Readonly<Record<string, PolicyKind>>): Candidate[] {
  return Object.entries(all).flatMap(([policy, { create, settings = [{ name: '', create }] }]) =>
    settings.map((one) => ({ policy, setting: one.name, published: one.published ?? false, create: one.create })),
  );
}

export const candidates: readonly Candidate[] = candidatesOf(policies);
