/** Expressions to functions that compute them. */
import { TemplateError } from './errors.ts';
import type { Environment } from './environment.ts';
import { filterOf } from './filters.ts';
import { getAttribute, getItem, getSlice } from './members.ts';
import type { Binary, Call, Expression, Identifier, Keyword, Member, Node, Slice, Spread } from './nodes.ts';
import { binaryOperators, unaryOperators } from './operators.ts';
import { str } from './print.ts';
import type { Scope } from './scope.ts';
import { testOf } from './tests.ts';
import { afterTrailingComma, emptyTuple } from './tokens.ts';
import {
  Callable,
  Float,
  iterate,
  keyOf,
  plain,
  truthy,
  Tuple,
  typeName,
  Undefined,
  type Dict,
  type Value,
} from './values.ts';

export type Evaluate = (scope: Scope) => Value;

const environment: Environment = { filters: filterOf, tests: testOf };

type ExpressionNode = Exclude<Expression, Keyword | Spread | Slice>;
type Compilers = { [T in ExpressionNode['type']]: (node: Extract<ExpressionNode, { type: T }>) => Evaluate };

const compilers: Compilers = {
  Identifier: ({ value }) => compileName(value),
  StringLiteral: ({ value }) => constant(value),
  IntegerLiteral: ({ value }) => constant(value),
  FloatLiteral: ({ value }) => constant(new Float(value)),
  ArrayLiteral: ({ value }) => {
    const items = value.map(compileExpression);
    return (scope) => items.map((item) => item(scope));
  },
  TupleLiteral: ({ value }) => {
    const items = value.filter((item) => !isName(item, afterTrailingComma)).map(compileExpression);
    return (scope) => new Tuple(items.map((item) => item(scope)));
  },
  ObjectLiteral: ({ value }) => {
    const entries = Array.from(value, ([key, item]) => [compileExpression(key), compileExpression(item)]);
    return (scope): Dict => new Map(entries.map(([key, item]) => [keyOf(key(scope)), item(scope)]));
  },
  MemberExpression: (node) => compileMember(node),
  CallExpression: (node) => compileCall(node),
  FilterExpression: (node) => compileFilter(compileExpression(node.operand), node.filter),
  BinaryExpression: (node) => compileBinary(node),
  UnaryExpression: (node) => {
    const argument = compileExpression(node.argument);
    if (node.operator.value === 'not') return (scope) => !truthy(argument(scope));
    const operator = unaryOperators[node.operator.value];
    return (scope) => operator(argument(scope));
  },
  Ternary: (node) => compileChoice(node.condition, compileExpression(node.trueExpr), compileExpression(node.falseExpr)),
  SelectExpression: (node) =>
    compileChoice(node.test, compileExpression(node.lhs), () => new Undefined('an if without else was false')),
};

/** @throws TemplateError for nodes that are no expression */
export function compileExpression(node: Node): Evaluate {
  const compile = (compilers as Record<string, ((node: Node) => Evaluate) | undefined>)[node.type];
  if (compile === undefined) throw new TemplateError(`${node.type} cannot stand here`);
  return compile(node);
}

function constant(value: Value): Evaluate {
  return () => value;
}

export function isName(node: Node, name: string): boolean {
  return node.type === 'Identifier' && node.value === name;
}

const constants: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['none', null],
  ['None', null],
  [emptyTuple, new Tuple([])],
]);

function compileName(name: string): Evaluate {
  const value = constants.get(name);
  return value === undefined ? (scope) => scope.get(name) : constant(value);
}

function compileChoice(test: Node, ifTrue: Evaluate, ifFalse: Evaluate): Evaluate {
  const condition = compileExpression(test);
  return (scope) => (truthy(condition(scope)) ? ifTrue(scope) : ifFalse(scope));
}

function compileMember({ object, property, computed }: Member): Evaluate {
  const owner = compileExpression(object);
  if (property.type === 'SliceExpression') {
    const compileBound = (bound: Node | undefined): ((scope: Scope) => Value | undefined) =>
      bound === undefined ? () => undefined : compileExpression(bound);
    const [start, stop, step] = [property.start, property.stop, property.step].map(compileBound);
    return (scope) => getSlice(owner(scope), start(scope), stop(scope), step(scope));
  }
  if (!computed && property.type === 'Identifier') {
    const name = property.value;
    return (scope) => getAttribute(owner(scope), name);
  }
  const key = compileExpression(property);
  return (scope) => getItem(owner(scope), key(scope));
}

interface CallArguments {
  readonly args: Value[];
  readonly keywords: Map<string, Value>;
}

export function compileArguments(nodes: readonly Node[]): (scope: Scope) => CallArguments {
  const add = nodes.map((node): ((call: CallArguments, scope: Scope) => unknown) => {
    if (node.type === 'KeywordArgumentExpression') {
      const [name, value] = [node.key.value, compileExpression(node.value)];
      return ({ keywords }, scope) => keywords.set(name, value(scope));
    }
    if (node.type === 'SpreadExpression') {
      const items = compileExpression(node.argument);
      return ({ args }, scope) => {
        for (const item of iterate(items(scope))) args.push(item);
      };
    }
    if (node.type === 'KeywordSpreadExpression') {
      const dict = compileExpression(node.argument);
      return (call, scope) => addKeywords(call, dict(scope));
    }
    const value = compileExpression(node);
    return ({ args }, scope) => args.push(value(scope));
  });
  return (scope) => {
    const call: CallArguments = { args: [], keywords: new Map() };
    for (const addOne of add) addOne(call, scope);
    return call;
  };
}

function addKeywords({ keywords }: CallArguments, dict: Value): void {
  if (!(dict instanceof Map)) throw new TemplateError(`argument after ** must be a mapping, not ${typeName(dict)}`);
  for (const [name, value] of dict) keywords.set(str(name), value);
}

export function callValue(callee: Value, { args, keywords }: CallArguments): Value {
  if (callee instanceof Callable) return callee.call(args, keywords);
  if (callee instanceof Undefined) throw new TemplateError(callee.message);
  throw new TemplateError(`'${typeName(callee)}' object is not callable`);
}

function compileCall(node: Call): Evaluate {
  const [callee, args] = [compileExpression(node.callee), compileArguments(node.args)];
  return (scope) => callValue(callee(scope), args(scope));
}

/** A filter, or a test that tokens.ts wrote as a filter. Names are looked up when the template gets there, as in jinja2. */
export function compileFilter(operand: Evaluate, filter: Identifier | Call): Evaluate {
  const callee = filter.type === 'Identifier' ? filter : filter.callee;
  const args = compileArguments(filter.type === 'Identifier' ? [] : filter.args);
  if (callee.type !== 'Identifier') throw new TemplateError('a filter is a name with or without arguments');
  const name = callee.value;
  const [, negated, test] = /^is (not )?(.+)$/.exec(name) ?? [];
  if (test !== undefined) {
    return (scope) => {
      const value = operand(scope);
      const call = args(scope);
      return testOf(test)(plain(value), call.args, call.keywords) !== (negated !== undefined);
    };
  }
  const keepsMarkup = /^(string|safe|e|escape)$/.test(name);
  return (scope) => {
    const value = keepsMarkup ? operand(scope) : plain(operand(scope));
    const call = args(scope);
    return filterOf(name)(value, call.args, call.keywords, environment);
  };
}

/** `(a + b) ~ c`, as the library reads `a + b ~ c`, becomes `a + (b ~ c)`. */
function bindConcatenation(node: Binary): Binary {
  if (node.operator.value !== '~' || !node.operator.chained || node.left.type !== 'BinaryExpression') return node;
  const sum = bindConcatenation(node.left);
  if (sum.operator.value !== '+' && sum.operator.value !== '-') return node;
  const joined: Binary = { type: 'BinaryExpression', operator: { value: '~' }, left: sum.right, right: node.right };
  return { ...sum, right: joined };
}

function compileBinary(node: Binary): Evaluate {
  const { operator, left, right } = bindConcatenation(node);
  const [first, second] = [compileExpression(left), compileExpression(right)];
  if (operator.value === 'and' || operator.value === 'or') {
    const goesOn = operator.value === 'and';
    return (scope) => {
      const value = first(scope);
      return truthy(value) === goesOn ? second(scope) : value;
    };
  }
  const apply = binaryOperators[operator.value];
  if (operator.chained && left.type === 'BinaryExpression') {
    const middle = compileExpression(left.right);
    return (scope) => {
      const soFar = first(scope);
      return truthy(soFar) ? apply(middle(scope), second(scope)) : soFar;
    };
  }
  return (scope) => apply(first(scope), second(scope));
}
