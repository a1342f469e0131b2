// `--peer` alone installs the peer into Dawnlight's cache, once.
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import t from 'tap';
import { importPeer } from '../../bench/helpers/peer.ts';
import { tempDir } from '../helpers/temp-dir.ts';

t.test('the peer is installed with npm where it is missing', { skip: process.platform === 'win32' }, async (t) => {
  const [bin, home] = [tempDir(t), tempDir(t)];
  const { PATH, DAWNLIGHT_HOME } = process.env;
  t.teardown(() => Object.assign(process.env, { PATH, DAWNLIGHT_HOME: DAWNLIGHT_HOME ?? '' }));
  Object.assign(process.env, { PATH: `${bin}${delimiter}${PATH}`, DAWNLIGHT_HOME: home });
  const npm = (script: string): void => {
    writeFileSync(join(bin, 'npm'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, 'npm'), 0o755);
  };
  npm('echo no network >&2; exit 1');
  await t.rejects(importPeer('partial-json', ''), {
    message: /^--peer: npm could not install partial-json: no network$/,
  });
  npm(`mkdir -p node_modules/partial-json && cd node_modules/partial-json &&
    echo '{"version": "9.9.9", "main": "index.cjs"}' > package.json && echo 'exports.parse = () => 42' > index.cjs`);
  const { library, version } = await importPeer<{ parse(): number }>('partial-json', '');
  t.equal(version, '9.9.9');
  t.equal(library.parse(), 42);
  npm('exit 1');
  t.equal((await importPeer('partial-json', '')).version, '9.9.9', 'the second time it is there');
  t.ok(existsSync(join(home, 'peers')));
  await t.rejects(importPeer('partial-json', bin), { message: /^--peer: .*partial-json does not exist/ });
});
