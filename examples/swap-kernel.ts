/**
 * One kernel replaced by your own: SiLU becomes the cheaper hard-swish, `x · clamp(x/6 + ½, 0, 1)`. What does it do to the
 * answer? To compare its speed with the built-in kernel's: `npm run bench -- kernels --variant` (docs/kernels.md).
 */
import { LLM, WebGPUOps, type Tensor } from 'dawnlight';

const source = /* wgsl */ `
struct Params { intermediate: u32 }
var<immediate> p: Params;
@group(0) @binding(0) var<storage, read> gateUp: array<f32>; // [T, 2·I]
@group(0) @binding(1) var<storage, read_write> y: array<f32>; // [T, I]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= p.intermediate) { return; }
  let row = id.y * 2u * p.intermediate;
  let gate = gateUp[row + id.x];
  let up = gateUp[row + p.intermediate + id.x];
  y[id.y * p.intermediate + id.x] = gate * clamp(gate / 6.0 + 0.5, 0.0, 1.0) * up;
}`;

class HardSwishOps extends WebGPUOps {
  override gatedMul(gateUp: Tensor): Tensor {
    const { context } = this;
    const [tokens, width] = gateUp.shape;
    const y = context.tensor([tokens, width / 2], 'f32');
    const kernel = context.pipelines.get('hard-swish', () => source);
    const buffers = [gateUp.storage as GPUBuffer, y.storage];
    context.recorder.dispatch(kernel, buffers, Uint32Array.of(width / 2), Math.ceil(width / 2 / 64), tokens);
    return y;
  }
}

// With int8 activations gatedMul would have to quantize its result too.
const settings = { maxTotalTokenNum: 2048, activationDtype: 'f32' } as const;
for (const ops of [WebGPUOps, HardSwishOps]) {
  const createOps = (...args: ConstructorParameters<typeof WebGPUOps>): WebGPUOps => new ops(...args);
  const llm = await LLM.load(process.argv[2] ?? 'path/to/model', { ...settings, createOps });
  process.stdout.write(`${ops.name}: `);
  for await (const { text } of llm.generate('The capital of France is', { temperature: 0, maxTokens: 24 })) {
    process.stdout.write(text);
  }
  console.log();
  await llm.close();
}
