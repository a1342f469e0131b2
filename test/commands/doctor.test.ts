import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { askAdapter } from '../../src/commands/doctor/adapter-report.ts';
import { adapterFindings, cacheFindings, doctor, nodeFinding } from '../../src/commands/doctor/doctor.ts';
import { planFindings } from '../../src/commands/doctor/plan-findings.ts';
import { parseOsRelease, vulkanInstallPlan, vulkanManifests } from '../../src/commands/doctor/vulkan-driver.ts';
import { defaultModelPath } from '../../src/commands/pull/cache.ts';
import { startCli } from '../helpers/cli.ts';
import { fixturePath } from '../helpers/model-exam.ts';

const bookworm = parseOsRelease('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_CODENAME=bookworm\nID=debian\n');

t.test('doctor reports the adapter, its driver, features and limits, and what to do', async (t) => {
  let text = '';
  const code = await doctor({ home: t.testdir(), write: (part) => void (text += part) });
  t.equal(code, 0, text);
  for (const what of ['Node', 'adapter', 'driver', 'features', 'subgroups', 'limits', 'memory', 'models', 'disk'])
    t.match(text, new RegExp(`^[✓·] ${what} `, 'm'));
  t.match(text, /maxStorageBufferBindingSize \d+ MiB/);
  t.match(text, /default model +not there yet\n.*dawnlight pull default/);
});

t.test('a machine without a driver gets a reason, not a crash', async (t) => {
  const answer = await askAdapter({
    ...process.env,
    VK_DRIVER_FILES: '/nonexistent',
    VK_ICD_FILENAMES: '/nonexistent',
  });
  if (process.platform === 'linux') t.match(answer, { ok: false, reason: /no WebGPU adapter/ });
  const [finding] = adapterFindings({ ok: false, reason: 'the driver crashed (SIGSEGV)' });
  t.match(finding, { state: 'bad', value: 'the driver crashed (SIGSEGV)' });
  t.ok((finding.advice ?? []).length > 0, 'and advice');
});

t.test('the commands that install a driver fit the system', async (t) => {
  const debian = vulkanInstallPlan(bookworm, 'URIs: http://mirror.example/debian\nSuites: bookworm\n');
  t.equal(debian.automatic, true);
  t.match(debian.commands[0], /^echo 'deb http:\/\/mirror\.example\/debian bookworm-backports main' > \/etc\/apt/);
  t.match(debian.commands.at(-1), /apt-get install.*-t bookworm-backports mesa-vulkan-drivers/);
  const enabled = vulkanInstallPlan(bookworm, 'deb http://mirror.example/debian bookworm-backports main\n');
  t.equal(enabled.commands[0], 'apt-get update', 'backports are not added twice');
  const off = vulkanInstallPlan(bookworm, '# deb http://mirror.example/debian bookworm-backports main\n');
  t.match(off.commands[0], /^echo/, 'a commented line does not count');
  const snapshot = '# http://snapshot.example/debian/1\nURIs: http://mirror.example/debian\n';
  t.match(vulkanInstallPlan(bookworm, snapshot).commands[0], /mirror\.example/, 'nor does a commented mirror');

  const plan = (text: string) => vulkanInstallPlan(parseOsRelease(text), '');
  t.match(
    plan('ID=ubuntu\nVERSION_CODENAME=noble\nID_LIKE=debian').commands.at(-1),
    /install -y.* mesa-vulkan-drivers/,
  );
  t.notMatch(plan('ID=debian\nVERSION_CODENAME=trixie').commands.join(), /backports/);
  t.match(plan('ID=ubuntu\nVERSION_CODENAME=jammy').note, /22\.04/);
  t.match(plan('ID=fedora'), { automatic: false, commands: [/^dnf install/] });
  t.match(plan('ID=alpine'), { commands: [], note: /glibc/ });
  t.match(plan(''), { commands: [], automatic: false, note: /Vulkan/ });
  t.same(vulkanManifests({ VK_DRIVER_FILES: '/a.json:/b.json' }), ['/a.json', '/b.json']);
});

t.test('an old Node and a damaged model are named', async (t) => {
  t.equal(nodeFinding('20.19.0').state, 'ok');
  t.equal(nodeFinding('24.1.0').state, 'ok');
  t.match(nodeFinding('18.20.0'), { state: 'bad', advice: [/20\.19/] });
  const home = t.testdir();
  const path = defaultModelPath(home);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, 'not a model');
  const findings = await cacheFindings(home);
  t.match(
    findings.find(({ what }) => what === 'default model'),
    { state: 'bad', advice: [/Delete.*pull default/] },
  );
  t.match(findings[0].advice, [/Q4_1\.gguf +11 B/]);
});

t.test('links to nothing, loops and folders in the model cache', async (t) => {
  const link = (to: string) => t.fixture('symlink', to);
  const home = t.testdir({
    elsewhere: { 'm.gguf': 'ab' },
    models: {
      'real.gguf': 'abc',
      '.real.gguf.verified': '{}',
      'gone.gguf': link('nowhere'),
      'loop.safetensors': link('loop.safetensors'),
      'folder.gguf': {},
      org: { repo: { 'model.safetensors': 'abcde', 'config.json': '{}', 'm.part': link('x/y'), up: link('..') } },
      linked: link('../elsewhere'),
    },
  });
  const [models] = await cacheFindings(home);
  t.match(models.value, /^10 B in /);
  const safetensors = join('org', 'repo', 'model.safetensors');
  t.same(models.advice?.toSorted(), [`${join('linked', 'm.gguf')}  2 B`, `${safetensors}  5 B`, 'real.gguf  3 B']);
});

t.test('the memory plan is the one that inspect prints, or the reason why there is none', async (t) => {
  const path = fixturePath('llama-tied');
  const inspected = startCli(['inspect', '--model_dir', path]);
  const answer = await askAdapter();
  t.equal(await inspected.code, 0);
  const [finding] = planFindings(path, answer);
  t.equal(finding?.value, /^memory +(.*)$/m.exec(inspected.output.out)?.[1]);
  t.equal(finding?.state, 'ok');
  if (!answer.ok) return;
  const facts = { ...answer.adapter.facts, memory: { bytes: 1000, source: 'test' } };
  t.match(planFindings(path, { ok: true, adapter: { ...answer.adapter, facts } }), [
    { state: 'bad', advice: [/leave no room for the KV cache/] },
  ]);
  t.same(planFindings(path, { ok: false, reason: 'no adapter' }), []);
  t.same(planFindings('/nonexistent', answer), []);
});
