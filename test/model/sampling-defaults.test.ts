// How tokens are drawn where nobody says: which of the sources has its say, for files as users have them.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openModel } from '../../src/model/files/open-model.ts';
import { samplingDefaults } from '../../src/model/sampling-defaults.ts';
import type { GgufBuilder } from '../helpers/gguf-builder.ts';
import { smallGguf, writeSmallModel } from '../helpers/small-model.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const dir = tempDir(t);

function ofGguf(name: string, metadata?: (builder: GgufBuilder) => unknown) {
  const path = join(dir, name);
  writeFileSync(path, smallGguf(metadata ? { metadata } : {}).bytes);
  return of(path);
}

function of(path: string) {
  const model = openModel(path);
  model.close();
  return samplingDefaults(model);
}

const f32 = (value: number) => BigInt(new Uint32Array(Float32Array.of(value).buffer)[0]);

t.test('generation_config.json has its say first', async (t) => {
  const path = join(dir, 'SmolLM2-Instruct');
  writeSmallModel(path);
  t.same(of(path), { source: 'generation_config.json', values: { temperature: 0.5, topP: 0.9, topK: 5 } });
  writeFileSync(join(path, 'generation_config.json'), '{"eos_token_id": 0}');
  t.same(of(path).values, { temperature: 0.2, topP: 0.9 }, 'one that says nothing of sampling leaves it to the table');
});

t.test('then general.sampling of a GGUF, over llama.cpp’s own', async (t) => {
  const { source, values } = ofGguf('SmolLM2-Instruct.gguf', (b) =>
    b.scalar('general.sampling.temp', 6, f32(0.35)).scalar('general.sampling.top_k', 5, 0n),
  );
  t.match(source, /general\.sampling/);
  t.same(values, { temperature: 0.35, topK: 0, topP: 0.95, minP: 0.05 });
  t.throws(() => ofGguf('bad.gguf', (b) => b.scalar('general.sampling.temp', 6, f32(-1))), /general\.sampling.*temp/);
});

t.test('then known models, by the file’s name or the name inside; then llama.cpp’s', async (t) => {
  t.same(ofGguf('SmolLM2-135M-Instruct.Q4_1.gguf').values, { temperature: 0.2, topP: 0.9 });
  t.same(ofGguf('x.gguf', (b) => b.string('general.name', 'Smollm2 135M 8k')).values, { temperature: 0.2, topP: 0.9 });
  t.match(ofGguf('qwen2.5-0.5b-instruct-q4_k_m.gguf').values, { temperature: 0.7, repetitionPenalty: 1.1 });
  t.match(ofGguf('Qwen2.5-1.5B-Instruct.gguf').values, { temperature: 0.7, topK: 20, repetitionPenalty: 1.05 });
  t.match(ofGguf('Meta-Llama-3.1-8B-Instruct.gguf'), { source: /Llama 3/, values: { temperature: 0.6, topP: 0.9 } });
  const other = ofGguf('mine.gguf');
  t.same(other.values, { temperature: 0.8, topK: 40, topP: 0.95, minP: 0.05 });
  t.match(other.source, /llama\.cpp/);
});
