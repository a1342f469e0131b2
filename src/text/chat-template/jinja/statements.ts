/** Statements to functions that write what they print. */
import type { Emit, Output } from './emit.ts';
import { atLine, TemplateError } from './errors.ts';
import { callValue, compileArguments, compileExpression, compileFilter, isName, type Evaluate } from './expressions.ts';
import { Loop } from './loop.ts';
import { compileMacro } from './macros.ts';
import type { CallBlock, Expression, FilterBlock, For, If, LineMark, Node, SetNode } from './nodes.ts';
import { str } from './print.ts';
import { Scope } from './scope.ts';
import { afterTrailingComma, recursiveLoop, withBlock } from './tokens.ts';
import { iterate, Namespace, truthy, type Value } from './values.ts';

/** `line` is where the block starts; marks in it say where its tags are. */
export function compileBlock(nodes: readonly Node[], line: number): Emit {
  const parts: Emit[] = [];
  let current = line;
  for (const node of nodes) {
    if (node.type === 'Comment') current = Number(node.value);
    else parts.push(compileAt(node, current));
  }
  return (scope, out) => {
    for (const part of parts) {
      const signal = part(scope, out);
      if (signal !== undefined) return signal;
    }
    return undefined;
  };
}

/** What a block prints, in a scope of its own. */
function compileBody(nodes: readonly Node[], line: number): (scope: Scope) => string {
  const block = compileBlock(nodes, line);
  return (scope) => {
    const out: Output = { text: '' };
    block(new Scope(scope), out);
    return out.text;
  };
}

function compileAt(node: Node, line: number): Emit {
  try {
    const emit = compileStatement(node, line);
    return (scope, out) => {
      try {
        return emit(scope, out);
      } catch (error) {
        throw atLine(error, line);
      }
    };
  } catch (error) {
    throw atLine(error, line);
  }
}

type StatementNode = Exclude<Node, Expression | LineMark>;
type Compilers = { [T in StatementNode['type']]: (node: Extract<StatementNode, { type: T }>, line: number) => Emit };

const compilers: Compilers = {
  If: compileIf,
  For: compileFor,
  Set: compileSet,
  Macro: (node, line) => {
    const macro = compileMacro(node.name.value, node.args, node.body, compileBlock(node.body, line));
    return (scope) => {
      scope.set(node.name.value, macro(scope));
      return undefined;
    };
  },
  CallStatement: compileCallBlock,
  FilterStatement: compileFilterBlock,
  Break: () => () => 'break',
  Continue: () => () => 'continue',
};

function compileStatement(node: Node, line: number): Emit {
  const compile = (compilers as Record<string, ((node: Node, line: number) => Emit) | undefined>)[node.type];
  return compile === undefined ? compilePrint(compileExpression(node)) : compile(node, line);
}

function compilePrint(value: Evaluate): Emit {
  return (scope, out) => {
    out.text += str(value(scope));
    return undefined;
  };
}

function compileIf({ test, body, alternate }: If, line: number): Emit {
  const condition = compileExpression(test);
  const whenTrue = compileBlock(body, line);
  // The last mark of the body is that of the elif, else or endif behind it.
  const marks = body.filter((node) => node.type === 'Comment');
  const whenFalse = compileBlock(alternate, Number(marks.at(-1)?.value ?? line));
  return (scope, out) => (truthy(condition(scope)) ? whenTrue(scope, out) : whenFalse(scope, out));
}

function compileFor(node: For, line: number): Emit {
  const head = node.iterable.type === 'SelectExpression' ? node.iterable : { lhs: node.iterable, test: null };
  const isRecursive = head.lhs.type === 'FilterExpression' && isName(head.lhs.filter, recursiveLoop);
  const source = compileExpression(isRecursive ? head.lhs.operand : head.lhs);
  const test = head.test === null ? null : compileExpression(head.test);
  const assign = compileTarget(node.loopvar);
  const body = compileBlock(node.body, line);
  const otherwise = compileBlock(node.defaultBlock, line);

  const passes = (scope: Scope, item: Value) => {
    if (test === null) return true;
    const inner = new Scope(scope);
    assign(inner, item);
    return truthy(test(inner));
  };
  const run = (scope: Scope, out: Output, all: Value, depth: number): ReturnType<Emit> => {
    const items = Array.from(iterate(all)).filter((item) => passes(scope, item));
    const below = (value: Value): string => {
      const printed: Output = { text: '' };
      run(scope, printed, value, depth + 1);
      return printed.text;
    };
    const loop = new Loop(items, depth, isRecursive ? below : null);
    let hasFinishedRound = false;
    for (; loop.index < items.length; loop.index++) {
      const inner = new Scope(scope);
      inner.set('loop', loop);
      assign(inner, items[loop.index]);
      const signal = body(inner, out);
      if (signal === 'break') break;
      if (signal === undefined) hasFinishedRound = true;
    }
    return hasFinishedRound ? undefined : otherwise(new Scope(scope), out);
  };
  return (scope, out) => run(scope, out, source(scope), 0);
}

type Assign = (scope: Scope, value: Value) => void;

function compileTarget(target: Node): Assign {
  if (target.type === 'Identifier') return (scope, value) => scope.set(target.value, value);
  if (target.type === 'TupleLiteral') {
    const parts = target.value.filter((part) => !isName(part, afterTrailingComma)).map(compileTarget);
    return (scope, value) => {
      const items = [...iterate(value)];
      if (items.length !== parts.length) {
        throw new TemplateError(`cannot unpack ${items.length} values into ${parts.length} names`);
      }
      parts.forEach((assign, i) => assign(scope, items[i]));
    };
  }
  if (target.type === 'MemberExpression' && !target.computed && target.property.type === 'Identifier') {
    const [object, name] = [compileExpression(target.object), target.property.value];
    return (scope, value) => {
      const namespace = object(scope);
      if (!(namespace instanceof Namespace)) {
        throw new TemplateError('cannot assign attribute on non-namespace object');
      }
      namespace.values.set(name, value);
    };
  }
  throw new TemplateError(`cannot assign to ${target.type}`);
}

function compileSet({ assignee, value, body }: SetNode, line: number): Emit {
  let computed: Evaluate = value === null ? compileBody(body, line) : compileExpression(value);
  let target = assignee;
  if (value === null && target.type === 'FilterExpression') {
    computed = compileFilters(target, computed);
    while (target.type === 'FilterExpression') target = target.operand;
  }
  const assign = compileTarget(target);
  return (scope) => {
    assign(scope, computed(scope));
    return undefined;
  };
}

/** `{% set x | a | b %}`: the filters go over the block's text. */
function compileFilters(node: Node, text: Evaluate): Evaluate {
  return node.type === 'FilterExpression' ? compileFilter(compileFilters(node.operand, text), node.filter) : text;
}

function compileCallBlock({ call, callerArgs, body }: CallBlock, line: number): Emit {
  const args = compileArguments(call.args);
  const block = compileBlock(body, line);
  if (isName(call.callee, withBlock)) {
    return (scope, out) => {
      const inner = new Scope(scope);
      for (const [name, value] of args(scope).keywords) inner.set(name, value);
      return block(inner, out);
    };
  }
  const callee = compileExpression(call.callee);
  const caller = compileMacro('caller', callerArgs ?? [], body, block);
  return compilePrint((scope) => {
    const given = args(scope);
    given.keywords.set('caller', caller(scope));
    return callValue(callee(scope), given);
  });
}

function compileFilterBlock({ filter, body }: FilterBlock, line: number): Emit {
  return compilePrint(compileFilter(compileBody(body, line), filter));
}
