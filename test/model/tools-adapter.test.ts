// The adapter for tools that this package brings: which model it is for, and the room that it takes.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { defaultEngineConfig } from '../../src/config.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { adapterRank } from '../../src/model/lora/adapter.ts';
import { toolsAdapterOf, withToolsAdapter } from '../../src/model/tools-adapter.ts';
import { defaultModel } from '../helpers/default-model.ts';

const model = defaultModel();
const other = new URL('../fixtures/models/llama-tied/', import.meta.url).pathname;

t.test('the default model has one, of the size that was promised', { skip: model.unavailable }, (t) => {
  const opened = openModel(model.path);
  t.teardown(() => opened.close());
  const adapter = toolsAdapterOf(opened);
  t.equal(adapter?.name, 'smollm2-135m-instruct-tools');
  t.match(adapter?.chatTemplate, /<tools>/);
  t.equal(adapterRank(adapter?.path ?? '', opened), adapter?.rank);
  t.ok(statSync(join(adapter?.path ?? '', 'adapter_model.safetensors')).size <= 5_000_000);
  // A finetune of the same shapes: its norms are others.
  const norm = opened.tensors.get('model.embed_tokens.weight')!;
  const tensors = new Map([...opened.tensors, ['model.norm.weight', norm]]);
  t.equal(toolsAdapterOf({ config: opened.config, tensors }), null);
  t.end();
});

t.test('other models have none', (t) => {
  const opened = openModel(other);
  t.teardown(() => opened.close());
  t.equal(toolsAdapterOf(opened), null);
  t.end();
});

t.test('it takes the room of one adapter, or stands beside those that were asked for', (t) => {
  const adapter = { name: 'tools', path: '/adapters/tools', rank: 12, chatTemplate: '' };
  t.equal(withToolsAdapter(defaultEngineConfig, null), defaultEngineConfig);
  t.match(withToolsAdapter(defaultEngineConfig, adapter), { lora: ['tools=/adapters/tools'], maxLoras: 1 });
  t.match(
    withToolsAdapter({ ...defaultEngineConfig, maxLoras: 3 }, adapter),
    { maxLoras: 3 },
    'what was asked for holds',
  );
  t.match(withToolsAdapter({ ...defaultEngineConfig, enableLora: true }, adapter), { maxLoras: null }, 'the default');
  const given = { ...defaultEngineConfig, lora: ['mine=/x'], maxLoras: 4, maxLoraRank: 8 };
  t.match(withToolsAdapter(given, adapter), {
    lora: ['mine=/x', 'tools=/adapters/tools'],
    maxLoras: 4,
    maxLoraRank: 12,
  });
  t.end();
});
