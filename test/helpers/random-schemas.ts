/** Random JSON Schemas (draft 2020-12) with whatever a grammar can keep, and an independent validator for them. */
import { createRequire } from 'node:module';
import { random } from './random.ts';

type Schema = Readonly<Record<string, unknown>>;

interface Ajv {
  compile(schema: Schema): ((value: unknown) => boolean) & { readonly errors?: unknown };
  errorsText(errors: unknown): string;
}

// CommonJS both, whose types do not fit an import of theirs.
const require = createRequire(import.meta.url);
const { Ajv2020 } = require('ajv/dist/2020.js') as { Ajv2020: new (options: object) => Ajv };
const { default: addFormats } = require('ajv-formats') as { default: (ajv: Ajv) => void };

const names = ['name', 'id', 'city', 'tags', 'is_open', 'next', 'a', 'ab', 'abc', 'due-date', 'prix €', 'q"q'];
const words = ['red', 'green', 'a', 'ab', 'true', '', 'naïve', '"quoted"', 'back\\slash', '日本', 'line\nbreak', '😀'];
const patterns = [
  ...['^[a-z]{1,6}$', '^[A-Z]{2}-\\d{2,4}$', '^(foo|bar)+$', '^\\d+(\\.\\d+)?$', '^[^x"]{0,5}$', 'a.c', '^\\w+@\\w+$'],
  ...[
    '^(a|ab)(c|bcd)?$',
    '^#[0-9a-fA-F]{6}$',
    '^.{0,8}$',
    '^\\S+$',
    '[0-9]$',
    '^(é|[à-ç])+$',
    '^[α-ω一-龥 ]{1,4}$',
    '^[^\\d\\s]{2}$',
  ],
];
const knownFormats = [
  ...['date', 'time', 'date-time', 'duration', 'uuid', 'ipv4', 'ipv6', 'hostname', 'email', 'uri', 'uri-reference'],
  ...['uri-template', 'json-pointer', 'relative-json-pointer', 'regex', 'byte'],
];
const keyPatterns = ['^k[0-9]{1,2}$', '^[a-f]+$', '_id$'];

export interface RandomSchema {
  readonly schema: Schema;
  /** What it is made of, for counting. */
  readonly features: ReadonlySet<string>;
}

export function randomSchema(seed: number): RandomSchema {
  const maker = new Maker(seed);
  return { schema: maker.document(), features: maker.features };
}

/** A function that says what is wrong with a value, null when it is valid. @throws for a schema that is none */
export function independentValidator(schema: unknown): (value: unknown) => string | null {
  const ajv = new Ajv2020({ strict: false, allErrors: false, unicodeRegExp: true });
  addFormats(ajv);
  const validate = ajv.compile(schema as Schema);
  return (value) => (validate(value) ? null : ajv.errorsText(validate.errors));
}

class Maker {
  readonly features = new Set<string>();
  readonly #next: () => number;
  #usesTree = false;
  #usesList = false;

  constructor(seed: number) {
    this.#next = random(seed);
  }

  document(): Schema {
    const body = this.#below(5) === 0 ? this.#any(3) : this.#object(3);
    const tree = { type: 'object', properties: { value: this.#leaf(), children: this.#arrayOf('tree') } };
    const list = {
      type: 'object',
      properties: { head: this.#leaf(), tail: { anyOf: [{ type: 'null' }, { $ref: '#/$defs/list' }] } },
      required: ['head', 'tail'],
      additionalProperties: false,
    };
    const defs = { ...(this.#usesTree ? { tree } : {}), ...(this.#usesList ? { list } : {}) };
    return Object.keys(defs).length === 0 ? body : { ...body, $defs: defs };
  }

  #any(depth: number): Schema {
    if (depth <= 0) return this.#leaf();
    const kinds = [
      () => this.#leaf(),
      () => this.#leaf(),
      () => this.#object(depth - 1),
      () => this.#array(depth - 1),
      () => this.#union(depth - 1),
      () => this.#reference(),
    ];
    return this.#pick(kinds)();
  }

  #leaf(): Schema {
    return this.#pick([
      () => this.#string(),
      () => this.#string(),
      () => this.#number(),
      () => this.#number(),
      () => this.#listed(),
      () => this.#feature('boolean', { type: 'boolean' }),
      () => this.#feature('null', { type: 'null' }),
      () => this.#feature('several types', { type: ['string', 'integer', 'null'].slice(this.#below(2)) }),
    ])();
  }

  #string(): Schema {
    switch (this.#below(4)) {
      case 0:
        return this.#feature('pattern', {
          type: 'string',
          pattern: this.#pick(patterns),
          ...this.#pick([{}, {}, { maxLength: 8 }]),
        });
      case 1:
        return this.#feature('format', {
          type: 'string',
          format: this.#pick(knownFormats),
          ...this.#pick([{}, {}, { minLength: 1, maxLength: 60 }]),
        });
      case 2: {
        const minLength = this.#below(4);
        const lengths = this.#pick([
          { minLength },
          { maxLength: 1 + minLength },
          { minLength, maxLength: minLength + 9 },
        ]);
        return this.#feature('string length', { type: 'string', ...lengths });
      }
      default:
        return this.#feature('string', { type: 'string', description: 'Any text.' });
    }
  }

  #number(): Schema {
    const type = this.#pick(['integer', 'number']);
    const low = (this.#below(2001) - 1000) / (type === 'integer' ? 1 : this.#pick([1, 4, 10, 1000]));
    const high = low + 1 + this.#below(500);
    return this.#feature(`${type} bounds`, {
      type,
      ...this.#pick<Schema>([
        {},
        { minimum: low },
        { maximum: high },
        { minimum: low, maximum: high },
        { exclusiveMinimum: low, exclusiveMaximum: high },
        { minimum: 0, maximum: 100, ...(type === 'integer' ? { multipleOf: this.#pick([1, 5, 7]) } : {}) },
      ]),
    });
  }

  #listed(): Schema {
    const values: unknown[] = [...words, 0, -1, 2.5, 1e6, true, false, null, [], [1, 'x'], {}, { a: [null] }];
    const some = Array.from({ length: 1 + this.#below(5) }, () => this.#pick(values));
    const unique = some.filter((value, i) => some.indexOf(value) === i);
    return this.#below(3) === 0
      ? this.#feature('const', { const: unique[0] })
      : this.#feature('enum', { enum: unique });
  }

  #object(depth: number): Schema {
    if (this.#below(4) === 0) return this.#dictionary(depth);
    const count = 1 + this.#below(4);
    const keys = Array.from({ length: count }, () => this.#pick(names));
    const properties = Object.fromEntries(keys.map((key) => [key, this.#any(depth)]));
    const required = Object.keys(properties).filter(() => this.#below(3) > 0);
    const additional = this.#pick([{}, { additionalProperties: false }, { additionalProperties: this.#leaf() }]);
    if (this.#below(5) > 0) return this.#feature('object', { type: 'object', properties, required, ...additional });
    const extra = { properties: { extra: this.#leaf() }, required: ['extra'] };
    return this.#feature('allOf', { type: 'object', allOf: [{ properties, required }, extra] });
  }

  #dictionary(depth: number): Schema {
    const value = this.#any(depth - 1);
    const min = this.#below(2);
    return this.#feature('dictionary', {
      type: 'object',
      ...this.#pick<Schema>([
        { additionalProperties: value },
        { additionalProperties: value, minProperties: min, maxProperties: min + 2 },
        { patternProperties: { [this.#pick(keyPatterns)]: value }, additionalProperties: false },
        { propertyNames: { pattern: this.#pick(keyPatterns) }, additionalProperties: value },
      ]),
    });
  }

  #array(depth: number): Schema {
    const min = this.#below(3);
    if (this.#below(3) === 0) {
      const prefixItems = Array.from({ length: 1 + this.#below(3) }, () => this.#any(depth));
      return this.#feature('tuple', { type: 'array', prefixItems, items: this.#pick([false, this.#leaf()]) });
    }
    const counts = this.#pick([{}, { minItems: min }, { maxItems: min + 1 }, { minItems: min, maxItems: min + 2 }]);
    return this.#feature('array', { type: 'array', items: this.#any(depth), ...counts });
  }

  #union(depth: number): Schema {
    if (this.#below(3) > 0) {
      return this.#feature('anyOf', { anyOf: Array.from({ length: 2 + this.#below(2) }, () => this.#any(depth)) });
    }
    const kinds = ['circle', 'square', 'line'].slice(this.#below(2));
    const oneOf = kinds.map((kind) => ({
      type: 'object',
      properties: { kind: { const: kind }, size: this.#leaf() },
      required: ['kind'],
    }));
    return this.#feature('oneOf', { oneOf });
  }

  #reference(): Schema {
    if (this.#below(2) === 0) {
      this.#usesTree = true;
      return this.#feature('$ref', { $ref: '#/$defs/tree' });
    }
    this.#usesList = true;
    return this.#feature('$ref', { $ref: '#/$defs/list' });
  }

  #arrayOf(name: string): Schema {
    return { type: 'array', items: { $ref: `#/$defs/${name}` }, maxItems: 2 };
  }

  #feature(name: string, schema: Schema): Schema {
    this.features.add(name);
    return schema;
  }

  #below(n: number): number {
    return Math.floor(this.#next() * n);
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#below(values.length)];
  }
}
