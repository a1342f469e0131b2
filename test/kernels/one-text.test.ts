/**
 * A kernel has one text: what somebody edits in an op's functions is edited in every kernel that does the same, alone and
 * fused, and the fused layer has no formula of its own.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import t from 'tap';
import { setWgslVariant } from '../../src/gpu/wgsl.ts';
import { smallAdapters, smallLayer, type LayerShape } from '../helpers/decoder-layers.ts';
import { layerTexts } from '../helpers/kernel-texts.ts';

const kernels = new URL('../../src/kernels/', import.meta.url);
const layer = { ...smallLayer, headNorms: true };

/** Files of functions → the kernels of a layer op by op that have them, on both sets. */
const functions = {
  'rms-norm/rms.wgsl': {
    lavapipe: ['rms-norm.lavapipe', 'rms-norm.q8.lavapipe', 'head-norm.lavapipe'],
    gpu: ['rms-norm', 'head-norm'],
  },
  'head-norm/head-normed.wgsl': { lavapipe: ['head-norm.lavapipe'], gpu: ['head-norm'] },
  'rotary-embedding/rotate.wgsl': { lavapipe: ['rotary-store-kv'], gpu: ['rotary-store-kv'] },
  'kv-cache/store-slot.wgsl': { lavapipe: ['rotary-store-kv'], gpu: ['rotary-store-kv'] },
  ...Object.fromEntries(
    ['head', 'half', 'cache.f16', 'cache.quantized', 'codes.int8', 'codes.int4'].map((name) => [
      `kv-cache/${name}.wgsl`,
      { lavapipe: ['attention.lavapipe', 'rotary-store-kv'], gpu: ['attention.flash', 'rotary-store-kv'] },
    ]),
  ),
  'activation/activation.wgsl': { lavapipe: ['gated-mul.q8.lavapipe'], gpu: ['gated-mul'] },
  'gated-mul/gated.wgsl': { lavapipe: ['gated-mul.q8.lavapipe'], gpu: ['gated-mul'] },
  'quantize/q8.wgsl': {
    lavapipe: ['rms-norm.q8.lavapipe', 'quantize.lavapipe', 'gated-mul.q8.lavapipe'],
    gpu: ['quantize'],
  },
  'quantize/q8-block.lavapipe.wgsl': {
    lavapipe: ['rms-norm.q8.lavapipe', 'quantize.lavapipe', 'gated-mul.q8.lavapipe'],
    gpu: [],
  },
  'lora/slot.wgsl': { lavapipe: ['lora.lavapipe'], gpu: ['lora.expand', 'lora.shrink'] },
  'lora/eight.wgsl': { lavapipe: ['lora.lavapipe'], gpu: [] },
  'lora/lora-sums.lavapipe.wgsl': { lavapipe: ['lora.lavapipe'], gpu: [] },
};

const EDIT = '/* edited */';
/** The text with something else at the beginning of each function's body. */
const edited = (text: string) => text.replace(/^fn \w+\([^{]*\{/gm, (head) => `${head} ${EDIT}`);
const editsIn = (text: string) => text.split(EDIT).length - 1;

for (const [path, { lavapipe, gpu }] of Object.entries(functions)) {
  t.test(`${path}: an edit comes to the fused layer and to each of its op's kernels`, async (t) => {
    const file = basename(path);
    const text = edited(readFileSync(new URL(path, kernels), 'utf8'));
    setWgslVariant({ file, text, used: false });
    t.teardown(() => setWgslVariant(null));
    const layer = layerWith(path);
    const fused = await layerTexts('lavapipe', layer, { fused: true });
    t.same([...fused.keys()], ['decoder-layer.lavapipe'], 'a layer is one kernel');
    t.equal(editsIn(fused.get('decoder-layer.lavapipe') ?? ''), editsIn(text), 'each function is in it');
    for (const [set, wanted] of Object.entries({ lavapipe, gpu })) {
      const texts = await layerTexts(set as 'lavapipe' | 'gpu', layer, { fused: false });
      const found = [...texts].filter(([, text]) => editsIn(text) > 0).map(([name]) => name);
      t.same([...new Set(found.map(familyOf))].sort(), [...wanted].sort(), set);
    }
  });
}

/** Files of functions → the kernels of a layer on GPUs that have them, where products are fused with what is around them. */
const fusedOnGpus = {
  'rms-norm/rms.wgsl': ['norm', 'norm-gated'],
  'rms-norm/squares.wgsl': ['norm', 'norm-gated'],
  'activation/activation.wgsl': ['norm-gated'],
  'gated-mul/gated.wgsl': ['norm-gated'],
};

for (const [path, wanted] of Object.entries(fusedOnGpus)) {
  t.test(`${path}: an edit comes to the fused products for GPUs`, async (t) => {
    const text = edited(readFileSync(new URL(path, kernels), 'utf8'));
    setWgslVariant({ file: basename(path), text, used: false });
    t.teardown(() => setWgslVariant(null));
    const texts = await layerTexts('gpu', smallLayer, { fused: true, activations: 'f32' });
    const found = [...texts].filter(([, source]) => editsIn(source) > 0);
    t.same(found.map(([name]) => name.replace(/^matmul\.gemv\.int4-32-f32-\w+-/, '')).sort(), wanted);
    for (const [name, source] of found) t.equal(editsIn(source), editsIn(text), `${name}: each function is in it`);
    t.notOk(
      [...texts.keys()].some((name) => /^(rms-norm|gated-mul)/.test(name)),
      'no other kernel does it',
    );
  });
}

/** `attention.lavapipe.decode-2x32-…`, `rotary-store-kv.f16-32`: named after their shapes. */
const familyOf = (name: string) => name.replace(/^(attention\.\w+|rotary-store-kv|lora\.\w+)\..*/, '$1');

/** A layer with the cache that the file is for, or with adapters. */
function layerWith(path: string): LayerShape {
  if (path.startsWith('lora/')) return { ...layer, adapters: smallAdapters };
  const dtype = (['int8', 'int4'] as const).find((name) => path.includes(name));
  return { ...layer, kvDtype: dtype ?? (path.endsWith('cache.quantized.wgsl') ? 'int4' : layer.kvDtype) };
}

t.test('what is fused has no formula of its own', async (t) => {
  for (const file of ['decoder-layer', 'fused-matmul'].flatMap((folder) => filesOf(folder))) {
    const name = basename(file.pathname);
    const code = readFileSync(file, 'utf8').replace(/\/\*[^]*?\*\/|\/\/.*/g, '');
    t.notMatch(code, /\b(exp|exp2|tanh|sqrt|inverseSqrt|pow|sin|cos|abs|round)\(/, `${name}: functions of reals`);
    t.notMatch(code, /\b(un)?pack\w*\(|\bf16\(/, `${name}: forms of numbers`);
    t.notMatch(
      code,
      /[*/] *(scale|cosine|sine|weight)\b|\b(scale|cosine|sine|weight) *[*/]/,
      `${name}: norms and rotations`,
    );
  }
});

function filesOf(folder: string): URL[] {
  const url = new URL(`${folder}/`, kernels);
  return readdirSync(url).map((name) => new URL(name, url));
}
