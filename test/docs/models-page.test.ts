/** The table of docs/models.md says what the registry and the exam say. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { modelsPage } from '../../scripts/models-page.ts';

t.test('docs/models.md is as `npx tsx scripts/models-page.ts` writes it', async (t) => {
  const committed = readFileSync('docs/models.md', 'utf8');
  t.equal(await modelsPage(committed), committed);
});

t.test('a row that is missing is written anew, and another keeps what it covers', async (t) => {
  const committed = readFileSync('docs/models.md', 'utf8');
  const without = committed
    .split('\n')
    .filter((line) => !line.startsWith('| `phi` '))
    .join('\n');
  const page = await modelsPage(without.replace('Qwen2, Qwen2.5 (dense)', 'Qwen2 of all sizes'));
  t.match(page, /^\| `phi` +\| `phi2` +\| `phi.ts` +\| 5\S+ +\| safetensors +\| Phi-1, 1\.5 and 2 /m);
  t.match(page, /^\| `qwen2` .* Qwen2 of all sizes /m);
});
