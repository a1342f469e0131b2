/**
 * Self-test of a model's other ops: its own program, op by op, each once for each way in which it is called, with random
 * inputs. Matrices are replaced by small ones; head sizes, widths, formats of the cache and options are the model's.
 */
import type { CacheLayer, KVCache, KVCacheSpec, Ops, StepBatch } from '../ops.ts';
import type { Node } from '../program/recording.ts';
import { checkOp, withChoicesOf, type Backends, type Wrong } from './check.ts';
import { checkFused } from './check-fused.ts';
import { isObject, isTensor, NodeInputs, SMALL, type CacheAndStep } from './node-inputs.ts';

/** Tokens of the first request; a second one has one more. */
const PROMPT = 10;

/** A cache in which both requests have room. */
export function smallCache(spec: KVCacheSpec): KVCacheSpec {
  const groups = spec.groups.map(({ window }) => ({ window, slots: SMALL }));
  return { ...spec, groups, maxRequests: 2, maxLength: SMALL, ...(spec.stateRows !== undefined && { stateRows: 4 }) };
}

/** A piece of a prompt and a single token, both from position 0. */
export function smallBatch({ groups, stateRows }: KVCacheSpec): StepBatch {
  const all = Array.from({ length: PROMPT + 1 }, (_, i) => i);
  const runs = [
    { first: 0, count: PROMPT, before: null, behind: 0, keeps: [] },
    { first: PROMPT, count: 1, before: null, behind: 1, keeps: [] },
  ];
  return {
    tokenIds: Uint32Array.from(all),
    positions: Uint32Array.from(all, (i) => i % PROMPT),
    tableRows: Uint32Array.from(all, (i) => Math.floor(i / PROMPT)),
    slots: groups.map(() => Uint32Array.from(all)),
    logitIndices: Uint32Array.of(PROMPT - 1, PROMPT),
    ...(stateRows !== undefined && { stateRuns: runs }),
  };
}

/**
 * @param nodes recorded with a step of `smallBatch`
 * @param recorded the cache and the step that stand in their arguments
 */
export async function checkProgram(
  backends: Backends,
  nodes: readonly Node[],
  recorded: CacheAndStep,
): Promise<Wrong[]> {
  const { spec } = recorded.kv;
  const inputs = new Map<Ops, NodeInputs>();
  for (const ops of [backends.device, backends.reference]) {
    const kv = ops.createKVCache(spec);
    inputs.set(ops, new NodeInputs(ops, recorded, { kv, step: ops.beginStep(smallBatch(spec), kv) }));
  }
  const steps = new Map([...inputs].map(([ops, { step }]) => [ops, step]));
  const wrong: Wrong[] = await checkFused(backends, nodes, steps);
  const check = async (group: readonly Node[]): Promise<void> => {
    for (const each of inputs.values()) await each.prepare(group);
    const name = group.map(({ op }) => op).join(', ');
    const found = await withChoicesOfGroup(backends, group, () =>
      checkOp(name, backends, (ops) => inputs.get(ops)!.run()),
    );
    if (found) wrong.push(found);
  };
  for (const group of distinct(nodes, recorded.kv)) {
    for (const node of group) await check([node]);
    // Together too: there may be a kernel for some of them.
    if (group.length > 1) await check(group);
  }
  backends.device.endStep();
  for (const each of inputs.values()) each.release();
  return wrong;
}

function withChoicesOfGroup<T>(backends: Backends, group: readonly Node[], run: () => Promise<T>): Promise<T> {
  const product = group.find((node) => node.op === 'expertMatmul' || node.op === 'headMatmul');
  return product ? withChoicesOf(backends, product.args[1], run) : run();
}

/** Ops that are called alike come once, and those of layers that do the same with their caches, in one of them. */
function distinct(nodes: readonly Node[], { layers }: KVCache): Node[][] {
  const groups = new Map<unknown, Node[]>();
  for (const node of nodes) {
    // check-products.ts; and adapters are no part of the model.
    if (node.op === 'matmul' || node.op === 'addLora') continue;
    const group = node.args.map(layerOf).find((layer) => layers.includes(layer as CacheLayer)) ?? node;
    groups.set(group, [...(groups.get(group) ?? []), node]);
  }
  const byCall = new Map([...groups.values()].map((group) => [JSON.stringify(group.map(callOf)), group]));
  return [...byCall.values()];
}

/** The layer of a cache, given as itself or with the part of it that an op has. */
const layerOf = (arg: unknown): unknown => (isObject(arg) && 'layer' in arg ? arg['layer'] : arg);

/** All that matters of a call, as data. */
function callOf({ op, args }: Node): unknown {
  const told = (_: string, value: unknown): unknown => {
    if (isTensor(value)) return [value.dtype, ...value.shape];
    if (isObject(value) && ('storage' in value || 'batch' in value)) return { ...value, name: null, batch: null };
    return value;
  };
  return [op, JSON.stringify(args, told)];
}
