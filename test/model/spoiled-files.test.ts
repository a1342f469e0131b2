/**
 * Every way to cut a small file short, and every byte of its header changed: what a server does before it serves ends in a
 * model or in one line that names file and place; never in another exception, a long wait or much memory.
 */
import { closeSync, mkdirSync, openSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { EngineError } from '../../src/errors.ts';
import { ReferenceOps } from '../../src/kernels/reference-ops.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { loadModel } from '../../src/model/weights/load-weights.ts';
import { chatTemplateOf } from '../../src/text/chat-template/chat-template.ts';
import { loadTokenizer, tokenizerFromGguf } from '../../src/text/tokenizer/load-tokenizer.ts';
import { GgufBuilder } from '../helpers/gguf-builder.ts';
import { smallGguf, smallJson, smallSafetensors, smallTensorNames, writeSmallModel } from '../helpers/small-model.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const root = tempDir(t);

/** Opens the model, reads every weight and uses its tokenizer and template; the error's message, null when there is none. */
async function useModel(path: string): Promise<string | null> {
  const start = performance.now();
  try {
    const model = openModel(path);
    try {
      await loadModel(new ReferenceOps(), model, { quant: 'stored', maxLength: 8 });
      const tokenizer = model.metadata ? tokenizerFromGguf(Object.fromEntries(model.metadata)) : loadTokenizer(path);
      tokenizer.decode(tokenizer.encode('ab a'));
      chatTemplateOf(tokenizer)?.render([{ role: 'user', content: 'ab' }]);
    } finally {
      model.close();
    }
    return null;
  } catch (error) {
    if (!(error instanceof EngineError) || error.code === 'internal_error') throw error;
    return error.message;
  } finally {
    const ms = performance.now() - start;
    if (ms > 2000) throw new Error(`took ${ms.toFixed(0)} ms`);
  }
}

/** One line of a readable length that says where: a tensor, a key, a count, or what kind of file it is. */
const place = [
  'tensor',
  'metadata',
  'general\\.',
  'llama\\.',
  'head_dim',
  'num_\\w+',
  'GGUF',
  'header',
  'tokenizer',
  'template',
  '\\.json',
  'a file',
  'no such file',
];
const clear = new RegExp(`^(?=.{20,800}$).*(${place.join('|')})`);

async function ends(path: string, what: string): Promise<string | null> {
  try {
    const message = await useModel(path);
    if (message !== null && !clear.test(message)) throw new Error(`not clear: ${message}`);
    return message;
  } catch (error) {
    throw new Error(`${what}: ${String(error)}`, { cause: error });
  }
}

const files = [
  { name: 'GGUF', path: join(root, 'small.gguf'), model: join(root, 'small.gguf'), ...smallGguf() },
  {
    name: 'safetensors',
    path: join(root, 'small', 'model.safetensors'),
    model: join(root, 'small'),
    ...smallSafetensors(),
  },
];
writeSmallModel(join(root, 'small'));

for (const { name, path, model, bytes, headerBytes } of files) {
  t.test(`${name}: whole, it loads`, async (t) => {
    writeFileSync(path, bytes);
    t.equal(await useModel(model), null);
  });

  t.test(`${name}: cut anywhere, it says so`, async (t) => {
    for (let length = 0; length < bytes.length; length += length < headerBytes ? 1 : 97) {
      writeFileSync(path, bytes.subarray(0, length));
      const message = await ends(model, `cut at ${length}`);
      if (!message?.startsWith(path)) t.fail(`cut at ${length}: ${message}`);
    }
  });

  t.test(`${name}: each byte of the header changed`, async (t) => {
    const before = process.memoryUsage().rss;
    let refused = 0;
    for (let at = 0; at < headerBytes; at++) {
      for (const change of [1, 0x10, 0x80, 0xff]) {
        const spoiled = Buffer.from(bytes);
        spoiled[at] ^= change;
        writeFileSync(path, spoiled);
        if ((await ends(model, `byte ${at} ^ ${change}`)) !== null) refused++;
      }
    }
    t.ok(refused > headerBytes, `${refused} refused`);
    t.ok(process.memoryUsage().rss - before < 1e9, 'memory');
  });

  t.test(`${name}: several bytes changed and cut`, async () => {
    const edit = fc.tuple(fc.nat(headerBytes - 1), fc.integer({ min: 0, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { maxLength: 6 }), fc.nat(bytes.length), async (edits, length) => {
        const spoiled = Buffer.from(bytes);
        for (const [at, value] of edits) spoiled[at] = value;
        writeFileSync(path, spoiled.subarray(0, Math.max(length, headerBytes)));
        await ends(model, 'edits');
      }),
      { numRuns: 400 },
    );
  });
}

/** Whatever stands where something else should. */
const strange: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  3,
  2 ** 31,
  1e308,
  '',
  'x'.repeat(5000),
  '{{ 1 }}\n',
  [],
  [null, 'x'],
  {},
  { a: { b: [] } },
];

/** Every place in a JSON value, as a way to put something else there or to take it away. */
function places(value: unknown, path: readonly string[] = []): string[][] {
  const below = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return [[...path], ...below.flatMap(([key, inner]) => places(inner, [...path, key]))];
}

function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[key] = replaced(copy[key], rest, by);
  return copy;
}

for (const [name, whole] of Object.entries(smallJson)) {
  t.test(`${name}: each value missing or replaced by others`, async (t) => {
    const directory = join(root, name);
    writeSmallModel(directory);
    t.equal(await useModel(directory), null);
    for (const place of places(whole)) {
      for (const by of [undefined, ...strange]) {
        writeFileSync(join(directory, name), JSON.stringify(replaced(whole, place, by)) ?? '');
        await ends(directory, `${place.join('.')} is ${JSON.stringify(by)?.slice(0, 50)}`);
      }
    }
    const text = JSON.stringify(whole);
    for (let length = 0; length < text.length; length += 7) {
      writeFileSync(join(directory, name), text.slice(0, length));
      t.match(await ends(directory, `cut at ${length}`), name);
    }
  });
}

t.test('files of a gigabyte where kilobytes belong are not read', async (t) => {
  const directory = join(root, 'bloated');
  const names = [...Object.keys(smallJson), 'special_tokens_map.json', 'chat_template.jinja'];
  for (const name of [...names, 'model.safetensors.index.json']) {
    writeSmallModel(directory);
    const path = join(directory, name);
    // The index stands for the weights, which would else be two models.
    if (name.includes('safetensors')) rmSync(join(directory, 'model.safetensors'));
    closeSync(openSync(path, 'a'));
    truncateSync(path, 2 ** 30);
    t.match(await ends(directory, name), new RegExp(`${name}: has 1073741824 bytes; at most \\d+ are read`));
    rmSync(path);
    mkdirSync(path);
    t.match(await ends(directory, name), new RegExp(`${name}: is not a file`));
    rmSync(directory, { recursive: true });
  }
});

t.test('counts that the file has room for and memory has not', async (t) => {
  const path = join(root, 'many.gguf');
  const bytes = new GgufBuilder().bytes('pad', 8_000_000).build();
  const claim = (at: number): Buffer => {
    const claiming = Buffer.from(bytes);
    claiming.writeBigUInt64LE(300_000n, at);
    return claiming;
  };
  for (const [at, what] of [
    [8, 'tensors'],
    [16, 'metadata keys'],
  ] as const) {
    writeFileSync(path, claim(at));
    t.match(await ends(path, what), new RegExp(`claims 300000 ${what}; at most`));
  }
});

t.test('an index: shards that are missing, empty, folders or elsewhere', async (t) => {
  const directory = join(root, 'sharded');
  writeSmallModel(directory);
  const names = smallTensorNames;
  const shard = 'model-00001-of-00001.safetensors';
  renameSync(join(directory, 'model.safetensors'), join(directory, shard));
  const index = (map: unknown) =>
    writeFileSync(join(directory, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
  const whole = Object.fromEntries(names.map((name) => [name, shard]));
  index(whole);
  t.equal(await useModel(directory), null);
  mkdirSync(join(directory, 'folder'));
  writeFileSync(join(directory, 'empty.safetensors'), '');
  const one = names[3];
  // The tensor's file comes first, and so is read first.
  const putInto = (file: unknown) => ({
    [one]: file,
    ...Object.fromEntries(names.filter((n) => n !== one).map((n) => [n, shard])),
  });
  for (const [file, message] of [
    ['model-00002-of-00002.safetensors', /model-00002-of-00002\.safetensors: no such file$/],
    ['folder', /folder: is not a file$/],
    ['empty.safetensors', /empty\.safetensors: is 0 bytes long/],
    ['../config.json', /weight_map: "\.\.\/config\.json" is not a file name/],
    ['..', /weight_map: "\.\." is not a file name/],
    ['', /weight_map: "" is not a file name/],
    ['config.json', /config\.json: safetensors header claims/],
    [`${'x'.repeat(300)}.safetensors`, /weight_map: "x+.*is not a file name/],
    ['a\0b', /weight_map: "a\\u0000b" is not a file name/],
  ] as const) {
    index(putInto(file));
    t.match(await ends(directory, file), message, JSON.stringify(file));
  }
  for (const by of strange) {
    index(by);
    await ends(directory, `weight_map is ${JSON.stringify(by).slice(0, 50)}`);
    index(putInto(by));
    t.type(await ends(directory, `one is ${JSON.stringify(by).slice(0, 50)}`), 'string');
  }
});

t.test('what a flipped byte cannot do', async (t) => {
  const path = join(root, 'made.gguf');
  const message = async (builder: GgufBuilder) => {
    writeFileSync(path, builder.build());
    return ends(path, 'made');
  };
  // 64-bit integers that no double holds come out as bigints, which are no JSON.
  t.match(
    await message(new GgufBuilder().raw('general.architecture', 10, 2n ** 63n)),
    /general.architecture 9223372036854775808 is/,
  );
  t.match(await message(new GgufBuilder().string('general.architecture', 'x'.repeat(1e6))), /^.{300,600}$/);
  const twice = smallGguf({ extra: ['model.norm.weight', [32n]] }).bytes;
  writeFileSync(path, twice);
  t.match(await ends(path, 'twice'), /tensor model\.norm\.weight is there under two names/);
  writeFileSync(path, smallGguf({ extra: ['rope_freqs.weight', [8n, 4n]] }).bytes);
  t.match(await ends(path, 'factors'), /tensor rope_freqs\.weight is \[4, 8\]; a head dimension of 16 needs \[8\]/);
  // A hundred million elements of JavaScript's own numbers would be a gigabyte.
  writeFileSync(path, smallGguf({ metadata: (b) => b.bytes('general.bytes', 30_000_000) }).bytes);
  const before = process.memoryUsage();
  t.equal(await useModel(path), null);
  const after = process.memoryUsage();
  t.ok(after.heapUsed - before.heapUsed < 50e6, `${after.heapUsed - before.heapUsed} bytes of heap`);
});
