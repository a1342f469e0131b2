/** The syntax tree that `@huggingface/jinja` makes (its types are not exported); `body` is a list of statements. */
interface Operator {
  readonly value: string;
  readonly chained?: boolean;
}
export interface Identifier {
  readonly type: 'Identifier';
  readonly value: string;
}
export interface Call {
  readonly type: 'CallExpression';
  readonly callee: Node;
  readonly args: readonly Node[];
}
export interface Member {
  readonly type: 'MemberExpression';
  readonly object: Node;
  readonly property: Node;
  readonly computed: boolean;
}
interface TupleNode {
  readonly type: 'TupleLiteral';
  readonly value: readonly Node[];
}
export interface Filter {
  readonly type: 'FilterExpression';
  readonly operand: Node;
  readonly filter: Identifier | Call;
}
export interface Slice {
  readonly type: 'SliceExpression';
  readonly start?: Node;
  readonly stop?: Node;
  readonly step?: Node;
}
export interface Keyword {
  readonly type: 'KeywordArgumentExpression';
  readonly key: Identifier;
  readonly value: Node;
}
export interface Spread {
  readonly type: 'SpreadExpression' | 'KeywordSpreadExpression';
  readonly argument: Node;
}
export interface Binary {
  readonly type: 'BinaryExpression';
  readonly operator: Operator;
  readonly left: Node;
  readonly right: Node;
}
/** `a if test`; in a loop's head the items that pass the test. */
interface Select {
  readonly type: 'SelectExpression';
  readonly lhs: Node;
  readonly test: Node;
}

export type Expression =
  | Identifier
  | Call
  | Member
  | TupleNode
  | Filter
  | Slice
  | Keyword
  | Spread
  | Binary
  | Select
  | { readonly type: 'IntegerLiteral'; readonly value: number }
  | { readonly type: 'FloatLiteral'; readonly value: number }
  | { readonly type: 'StringLiteral'; readonly value: string }
  | { readonly type: 'ArrayLiteral'; readonly value: readonly Node[] }
  | { readonly type: 'ObjectLiteral'; readonly value: ReadonlyMap<Node, Node> }
  | { readonly type: 'UnaryExpression'; readonly operator: Operator; readonly argument: Node }
  | { readonly type: 'Ternary'; readonly condition: Node; readonly trueExpr: Node; readonly falseExpr: Node };

export interface If {
  readonly type: 'If';
  readonly test: Node;
  readonly body: readonly Node[];
  readonly alternate: readonly Node[];
}
export interface For {
  readonly type: 'For';
  readonly loopvar: Node;
  readonly iterable: Node;
  readonly body: readonly Node[];
  readonly defaultBlock: readonly Node[];
}
export interface SetNode {
  readonly type: 'Set';
  readonly assignee: Node;
  readonly value: Node | null;
  readonly body: readonly Node[];
}
export interface Macro {
  readonly type: 'Macro';
  readonly name: Identifier;
  readonly args: readonly (Identifier | Keyword)[];
  readonly body: readonly Node[];
}
export interface CallBlock {
  readonly type: 'CallStatement';
  readonly call: Call;
  readonly callerArgs: readonly (Identifier | Keyword)[] | null;
  readonly body: readonly Node[];
}
export interface FilterBlock {
  readonly type: 'FilterStatement';
  readonly filter: Identifier | Call;
  readonly body: readonly Node[];
}
/** Holds the line of the tag behind it (tokens.ts). */
export interface LineMark {
  readonly type: 'Comment';
  readonly value: string;
}

export type Node =
  | Expression
  | If
  | For
  | SetNode
  | Macro
  | CallBlock
  | FilterBlock
  | LineMark
  | { readonly type: 'Break' }
  | { readonly type: 'Continue' };
