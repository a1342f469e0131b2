/**
 * Prefix tree over token ids whose nodes hold KV slots. A path from the root spells a sequence of tokens whose keys and
 * values are on the device; a new request takes over the slots of its longest cached prefix instead of computing them.
 * Token resolution: a match may end in the middle of a node, which is then split. Nothing here is recursive.
 *
 * Sources: SGLang's RadixAttention (Zheng et al., 2024) and LightLLM's dynamic prompt cache.
 */
import { LruHeap } from './lru-heap.ts';

export class RadixNode {
  /** The tokens of the edge into this node, and the slot of each. Empty at the root only. */
  tokens: Uint32Array;
  slots: Uint32Array;
  parent: RadixNode | null;
  /** Children by the first token of their edge. */
  readonly children = new Map<number, RadixNode>();
  /** Requests whose locked prefix passes through this node. A node with any is never evicted. */
  refCount = 0;
  /** Logical time of the last use; a parent's is never older than its children's. */
  lastUse = 0;
  /** The row with the recurrent states at its end, if there is one (StateRows). */
  state: number | null = null;

  constructor(tokens: Uint32Array, slots: Uint32Array, parent: RadixNode | null) {
    this.tokens = tokens;
    this.slots = slots;
    this.parent = parent;
  }
}

/** A place in the tree: the path from the root to `node` spells the first `length` tokens of what was asked for. */
interface RadixMatch {
  readonly node: RadixNode;
  readonly length: number;
}

export class RadixCache {
  /** Of what the model computes alone. */
  readonly root = emptyRoot();
  /** Of what it computes with an adapter, by the adapter's id: the same tokens have other keys and values. */
  readonly #roots = new Map<number, RadixNode>();
  readonly #leaves = new LruHeap<RadixNode>((node) => node.lastUse, isFreeLeaf);
  readonly #onCut: (node: RadixNode) => void;
  #size = 0;
  #locked = 0;
  #clock = 0;

  /** @param onCut told of each node that loses its end, or is lost as a whole */
  constructor(onCut: (node: RadixNode) => void = () => {}) {
    this.#onCut = onCut;
  }

  /** Where the prefixes begin that are computed with an adapter; null: with none. */
  rootOf(adapter: number | null): RadixNode {
    if (adapter === null) return this.root;
    const root = this.#roots.get(adapter) ?? emptyRoot();
    this.#roots.set(adapter, root);
    return root;
  }

  /** Forgets what was computed with an adapter, of which no request holds anything. @returns its slots */
  forget(adapter: number): number[] {
    const root = this.#roots.get(adapter);
    if (!root) return [];
    this.#roots.delete(adapter);
    const nodes = [...below(root)];
    for (const node of nodes) {
      node.parent = null;
      this.#onCut(node);
    }
    const slots = nodes.flatMap((node) => Array.from(node.slots));
    this.#size -= slots.length;
    return slots;
  }

  /** Slots in the tree. */
  get size(): number {
    return this.#size;
  }

  /** Slots in nodes that no request refers to: all of them can be evicted, leaf by leaf. */
  get evictable(): number {
    return this.#size - this.#locked;
  }

  /**
   * The longest cached prefix of `ids[0 … limit-1]`, found by walking down from a place known to match (a root at
   * first). Splits the node where the match ends inside one, so that the result can be locked exactly.
   */
  match(ids: readonly number[], limit: number, from: RadixMatch = { node: this.root, length: 0 }): RadixMatch {
    const time = ++this.#clock;
    let { node, length } = from;
    while (length < limit) {
      const child = node.children.get(ids[length]);
      if (!child) break;
      const common = commonLength(child.tokens, ids, length, limit);
      node = common === child.tokens.length ? child : this.#split(child, common);
      node.lastUse = time;
      length += common;
    }
    this.#offerLeaf(node);
    return { node, length };
  }

  /**
   * Length of the longest cached prefix, and of the part of it that running requests hold, without touching the tree:
   * for admission, which may ask about the same request many times.
   */
  peek(ids: readonly number[], limit: number, root = this.root): { cached: number; locked: number } {
    let node = root;
    let cached = 0;
    let locked = 0;
    while (cached < limit) {
      const child = node.children.get(ids[cached]);
      if (!child) break;
      const common = commonLength(child.tokens, ids, cached, limit);
      cached += common;
      if (child.refCount > 0) locked = cached;
      if (common < child.tokens.length) break;
      node = child;
    }
    return { cached, locked };
  }

  /** Slots of the longest cached prefix, without touching the tree. */
  peekSlots(ids: readonly number[], limit: number, root = this.root): number[] {
    const slots: number[] = [];
    let node = root;
    while (slots.length < limit) {
      const child = node.children.get(ids[slots.length]);
      if (!child) break;
      const common = commonLength(child.tokens, ids, slots.length, limit);
      for (let i = 0; i < common; i++) slots.push(child.slots[i]);
      if (common < child.tokens.length) break;
      node = child;
    }
    return slots;
  }

  /** Slots of the path from `node` up to, and without, `above` (its root unless given); in token order. */
  pathSlots(node: RadixNode, above?: RadixNode): number[] {
    const parts: Uint32Array[] = [];
    for (let n = node; n !== above && n.parent; n = n.parent) parts.push(n.slots);
    return parts.reverse().flatMap((part) => Array.from(part));
  }

  /** Adds a reference to every node from `node` up to, and without, `above` (which the caller already holds). */
  lock(node: RadixNode, above?: RadixNode): void {
    for (let n = node; n !== above && n.parent; n = n.parent) {
      if (n.refCount++ === 0) this.#locked += n.tokens.length;
    }
  }

  /** Takes back `lock(node)`. */
  unlock(node: RadixNode): void {
    const time = ++this.#clock;
    for (let n = node; n.parent; n = n.parent) {
      n.lastUse = time;
      if (--n.refCount === 0) this.#locked -= n.tokens.length;
    }
    this.#offerLeaf(node);
  }

  /**
   * Makes `ids[0 … length-1]` known with these slots. What is already known keeps the tree's own slots; the tree takes
   * ownership of `slots[known …]` only.
   * @returns the node at `length`, and how many tokens were known before: `slots[from.length … known-1]` are duplicates
   *   that still belong to the caller
   */
  insert(
    ids: readonly number[],
    slots: readonly number[],
    length: number,
    from?: RadixMatch,
  ): { node: RadixNode; known: number } {
    const found = this.match(ids, length, from);
    if (found.length === length) return { node: found.node, known: length };
    const node = new RadixNode(
      Uint32Array.from(ids.slice(found.length, length)),
      Uint32Array.from(slots.slice(found.length, length)),
      found.node,
    );
    node.lastUse = this.#clock;
    found.node.children.set(ids[found.length], node);
    this.#size += node.tokens.length;
    this.#offerLeaf(node);
    return { node, known: found.length };
  }

  /**
   * Gives up n slots (or all evictable ones, if fewer): least recently used leaves first, each from its end, so that no
   * more is forgotten than is needed.
   */
  evict(n: number): number[] {
    const freed: number[] = [];
    while (freed.length < n) {
      const leaf = this.#leaves.pop();
      if (!leaf) break;
      const keep = Math.max(0, leaf.tokens.length - (n - freed.length));
      this.#onCut(leaf);
      for (let i = keep; i < leaf.slots.length; i++) freed.push(leaf.slots[i]);
      this.#size -= leaf.tokens.length - keep;
      if (keep > 0) {
        leaf.tokens = shortened(leaf.tokens, keep);
        leaf.slots = shortened(leaf.slots, keep);
        this.#offerLeaf(leaf);
      } else {
        const parent = leaf.parent!;
        parent.children.delete(leaf.tokens[0]);
        leaf.parent = null;
        this.#offerLeaf(parent);
      }
    }
    return freed;
  }

  /** Every node but the roots, parents before children. */
  *nodes(): Generator<RadixNode> {
    for (const root of [this.root, ...this.#roots.values()]) yield* below(root);
  }

  /**
   * Cuts an edge after `at` tokens. A new node takes the upper part and `node` stays the lower one, so that whoever
   * locked `node` still holds the same path.
   */
  #split(node: RadixNode, at: number): RadixNode {
    const parent = node.parent!;
    const upper = new RadixNode(node.tokens.slice(0, at), node.slots.slice(0, at), parent);
    upper.refCount = node.refCount;
    upper.lastUse = node.lastUse;
    parent.children.set(upper.tokens[0], upper);
    node.tokens = node.tokens.slice(at);
    node.slots = node.slots.slice(at);
    node.parent = upper;
    upper.children.set(node.tokens[0], node);
    return upper;
  }

  #offerLeaf(node: RadixNode): void {
    if (isFreeLeaf(node)) this.#leaves.push(node);
  }
}

function emptyRoot(): RadixNode {
  return new RadixNode(new Uint32Array(0), new Uint32Array(0), null);
}

/** Every node below, parents before children. */
function* below(root: RadixNode): Generator<RadixNode> {
  const stack = [...root.children.values()];
  for (let node = stack.pop(); node; node = stack.pop()) {
    yield node;
    for (const child of node.children.values()) stack.push(child);
  }
}

/** Evictable right now: nobody refers to it, nothing hangs below it, and it is in the tree (the root has no parent). */
function isFreeLeaf(node: RadixNode): boolean {
  return node.refCount === 0 && node.children.size === 0 && node.parent !== null;
}

/** The first n, copied only when half of the memory would be left unused: a full pool evicts a token or two at a time. */
function shortened(array: Uint32Array, n: number): Uint32Array {
  const bytes = n * array.BYTES_PER_ELEMENT;
  return 2 * bytes < array.buffer.byteLength ? array.slice(0, n) : array.subarray(0, n);
}

/** How many tokens of an edge agree with `ids` from `start` on, looking at `ids[start … limit-1]` only. */
function commonLength(edge: Uint32Array, ids: readonly number[], start: number, limit: number): number {
  const most = Math.min(edge.length, limit - start);
  let n = 0;
  while (n < most && edge[n] === ids[start + n]) n++;
  return n;
}
