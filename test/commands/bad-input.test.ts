// Bad models, flags and machines at the command line: one clear line and exit code 1, never a stack, a hang or a crash.
// What is wrong inside files is tested closer to the readers (test/model, test/tokenizer); here is one of each kind, end to end.
import { spawn } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { cliCommand } from '../helpers/cli.ts';
import { GgufBuilder } from '../helpers/gguf-builder.ts';
import { fixturePath } from '../helpers/model-exam.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const root = tempDir(t);

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function dawnlight(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  const child = spawn(process.execPath, [...cliCommand, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (err += data.toString()));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
}

/** A model directory that is whole, tokenizer included, before `spoil` changes it. */
function model(name: string, spoil: (directory: string) => void = () => undefined): string {
  const directory = join(root, name);
  cpSync(fixturePath('llama-tied'), directory, { recursive: true });
  const { tokenizer } = JSON.parse(readFileSync('test/fixtures/tokenizer/byte-level.json', 'utf8')) as {
    tokenizer: object;
  };
  writeFileSync(join(directory, 'tokenizer.json'), JSON.stringify(tokenizer));
  spoil(directory);
  return directory;
}

/** A safetensors header that claims ten gigabytes. */
function hugeHeader(directory: string): void {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(10_000_000_000n);
  writeFileSync(join(directory, 'model.safetensors'), Buffer.concat([length, Buffer.from('{"a":')]));
}

function cutGguf(): string {
  const path = join(root, 'cut.gguf');
  writeFileSync(path, readFileSync(fixturePath('qwen2-gguf')).subarray(0, -1));
  return path;
}

/** The second tensor of the file begins a float earlier, and ends one earlier too. */
function spoilRange(directory: string): void {
  const path = join(directory, 'model.safetensors');
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<string, { data_offsets: number[] }>;
  const [, second] = Object.values(header)
    .filter((entry) => 'data_offsets' in entry)
    .sort((a, b) => a.data_offsets[0] - b.data_offsets[0]);
  second.data_offsets = second.data_offsets.map((at) => at - 4);
  bytes.write(JSON.stringify(header).padEnd(length), 8);
  writeFileSync(path, bytes);
}

function config(directory: string, change: object): void {
  const path = join(directory, 'config.json');
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...change }));
}

function sharded(spoil: (directory: string) => void): string {
  const directory = join(root, 'sharded');
  cpSync(fixturePath('llama-biases-llama3'), directory, { recursive: true });
  spoil(directory);
  return directory;
}

function strangeGguf(): string {
  const path = join(root, 'strange.gguf');
  writeFileSync(path, new GgufBuilder().tensor('a', [256n], 15, 0n, 74).build());
  return path;
}

const serve = (path: string, ...flags: string[]) => ['serve', '--port', '0', '--model_dir', path, ...flags];
const noAdapter = { VK_DRIVER_FILES: '/dev/null' };
const template = join(root, 'template.jinja');
writeFileSync(template, '{% if %}');

const cases: [string, string[], RegExp, Record<string, string>?][] = [
  ['a file that is no model', serve(template), /neither a directory nor a \.gguf file/],
  [
    'a header of ten gigabytes',
    ['inspect', '--model_dir', model('huge', hugeHeader)],
    /model\.safetensors: .*10000000000/,
  ],
  ['a truncated GGUF', ['inspect', '--model_dir', cutGguf()], /cut\.gguf: tensor .* truncated/],
  [
    'ranges that overlap',
    ['inspect', '--model_dir', model('overlap', (d) => spoilRange(d))],
    /model\.safetensors: tensor .* overlaps the tensor before it/,
  ],
  [
    'a shard that is not there',
    ['inspect', '--model_dir', sharded((d) => rmSync(join(d, 'model-00002-of-00003.safetensors')))],
    /model-00002-of-00003\.safetensors: no such file/,
  ],
  [
    'an architecture that is not known',
    ['inspect', '--model_dir', model('gpt', (d) => config(d, { model_type: 'mamba' }))],
    /config\.json: model_type "mamba" is not supported; supported: llama, qwen2, /,
  ],
  [
    'a quantization that is not known',
    ['inspect', '--model_dir', model('hqq', (d) => config(d, { quantization_config: { quant_method: 'hqq' } }))],
    /config\.json: quantization_config\.quant_method "hqq" is not supported; supported: awq, gptq, .*; or use /,
  ],
  [
    'a tensor type that is not known',
    ['inspect', '--model_dir', strangeGguf()],
    /strange\.gguf: tensor a: type Q8_K is not supported; supported: F32, /,
  ],
  [
    'a tokenizer that lies',
    serve(model('lies', (d) => writeFileSync(join(d, 'tokenizer.json'), '{"model": {"vocab": {"a": 4e9}}}'))),
    /tokenizer\.json: model\.vocab/,
  ],
  [
    'a chat template that does not parse',
    serve(model('template', (d) => writeFileSync(join(d, 'chat_template.jinja'), '{% if %}'))),
    /the chat template does not parse/,
  ],
  [
    'another template that does not parse',
    serve(model('whole'), '--chat_template', template),
    /the chat template does not/,
  ],
  [
    'a context beyond the model’s',
    serve(model('long'), '--max_req_total_len', '99999'),
    /--max_req_total_len 99999 is longer/,
  ],
  [
    'a context beyond the KV cache',
    serve(model('pool'), '--max_req_total_len', '200', '--max_total_token_num', '100'),
    /--max_req_total_len 200 is longer than the KV cache of 100 tokens: lower it or raise --max_total_token_num/,
  ],
  ['no adapter', serve(model('adapter')), /no WebGPU adapter found: install a Vulkan driver/, noAdapter],
];

t.test('start-up', async (t) => {
  t.jobs = 2;
  for (const [what, args, message, env = {}] of cases) {
    t.test(what, async (t) => {
      const { code, out, err } = await dawnlight(args, env);
      t.equal(code, 1);
      t.match(err, message);
      t.match(lines(err), /^(loading [^\n]*\n)?dawnlight: [^\n]+\n$/, 'one line');
      t.equal(out, '');
    });
  }
});

t.test('a NaN among the weights: told by name, and the request fails', async (t) => {
  const spoiled = model('nan', (directory) => {
    const path = join(directory, 'model.safetensors');
    const bytes = readFileSync(path);
    // The last tensor's last value.
    bytes.writeFloatLE(NaN, bytes.length - 4);
    writeFileSync(path, bytes);
  });
  const { code, err } = await dawnlight(['generate', '--model_dir', spoiled, '--prompt', 'a', '--max_tokens', '2']);
  t.equal(code, 1);
  t.match(err, /^NaN or infinity in model\.[\w.]+: the checkpoint is damaged/m);
  t.match(err, /^dawnlight: The model computed logits that are NaN or infinite: /m);
});

/** Without what Dawn and Mesa write themselves, and the guess of a tool-call format. */
function lines(err: string): string {
  return err.replaceAll(/^(Warning: |tool calls: |MESA).*\n( +at .*\n)*\n?/gm, '');
}

t.test('a cache directory that cannot be written', async (t) => {
  const file = join(root, 'file');
  writeFileSync(file, '');
  const { code, err } = await dawnlight(['pull', 'default'], { DAWNLIGHT_HOME: file });
  t.equal(code, 1);
  t.match(err, /^cannot write [^\n]+: a part of the path is not a directory; [^\n]+\n$/);
});
