// Where the server's keys come from.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { withApiKeys } from '../../src/commands/api-keys.ts';
import { defaultServerConfig } from '../../src/config.ts';
import { tempDir } from '../helpers/temp-dir.ts';

t.test('keys from the flag, a file and the environment', (t) => {
  const dir = tempDir(t);
  const write = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const settings = defaultServerConfig;
  const keys = (given: Partial<typeof settings>, env: NodeJS.ProcessEnv = {}): string[] =>
    withApiKeys({ ...settings, ...given }, env).apiKeys;
  const file = write('keys', 'two\r\n\n  three \n');
  t.same(keys({}), []);
  t.same(keys({}, { DAWNLIGHT_API_KEY: 'four' }), ['four']);
  t.same(keys({ apiKeyFile: file }), ['two', 'three']);
  t.same(keys({ apiKeys: ['one', 'two'], apiKeyFile: file }, { DAWNLIGHT_API_KEY: 'four\n' }), [
    'one',
    'two',
    'three',
    'four',
  ]);
  // A key that was meant and is not there must not leave the server open.
  const refuses = (given: Partial<typeof settings>, env: NodeJS.ProcessEnv, message: RegExp): void => {
    t.throws(() => keys(given, env), { code: 'bad_flag', message });
  };
  refuses({}, { DAWNLIGHT_API_KEY: ' ' }, /DAWNLIGHT_API_KEY is set but empty/);
  refuses({ apiKeyFile: write('empty', '\n') }, {}, /--api_key_file: there is no key in/);
  refuses({ apiKeyFile: join(dir, 'nowhere') }, {}, /--api_key_file: cannot read .*nowhere/);
  t.end();
});
