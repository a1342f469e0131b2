// serve --profile: every dispatch of every step is in the file, beside the parts of the steps on the host.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { defaultEngineConfig, type EngineConfig } from '../../src/config.ts';
import { EngineCore } from '../../src/engine/core/engine-core.ts';
import { loadEngine } from '../../src/engine/running/load-engine.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { WebGPUOps } from '../../src/kernels/webgpu-ops.ts';
import { Book, request } from '../helpers/engine-driver.ts';
import { fixturePath } from '../helpers/model-exam.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const base: EngineConfig = {
  ...defaultEngineConfig,
  modelDir: fixturePath('llama-tied'),
  maxTotalTokenNum: 500,
  runningMaxReqSize: 2,
  batchMaxTokens: 48,
  chunkedPrefillSize: 24,
};

interface Event {
  readonly name: string;
  readonly ph: string;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
}
interface TraceFile {
  readonly otherData: {
    readonly steps: number;
    readonly kernels: readonly { readonly name: string; readonly dispatches: number; readonly share: number | null }[];
  };
  readonly traceEvents: readonly Event[];
}

t.test('a profiled engine', async (t) => {
  const file = join(tempDir(t), 'trace.json');
  let ops: WebGPUOps | null = null;
  const createOps = (gpu: Gpu, options: object): WebGPUOps => (ops = new WebGPUOps(gpu, options));
  const { info, runner } = await loadEngine({ ...base, profile: file }, () => undefined, { createOps });
  const core = new EngineCore({ config: base, info, runner });
  const before = ops!.context.recorder.dispatches;
  for (const id of ['a', 'b']) core.add(request(id, [5, 6, 7, id.length + 8], { maxTokens: 4, ignoreEos: true }));
  const book = await new Book().finishAll(core);
  t.equal(book.tokens('a')?.length, 4);
  const dispatched = ops!.context.recorder.dispatches - before;
  await core.close();
  const { otherData, traceEvents } = JSON.parse(readFileSync(file, 'utf8')) as TraceFile;
  const complete = traceEvents.filter(({ ph }) => ph === 'X');
  const device = complete.filter(({ tid }) => tid === 2);
  t.equal(device.length, dispatched, 'every dispatch');
  t.equal(
    otherData.kernels.reduce((n, { dispatches }) => n + dispatches, 0),
    dispatched,
  );
  t.ok(
    otherData.kernels.every(({ share }) => share !== null && share >= 0),
    'each with its work',
  );
  const host = complete.filter(({ tid }) => tid === 1);
  for (const part of ['schedule', 'launch', 'wait', 'update'])
    t.ok(host.filter(({ name }) => name === part).length >= otherData.steps, part);
  t.ok(complete.every(({ ts, dur }) => Number.isFinite(ts) && dur >= 0));
});

t.test('what cannot be profiled is said at the start', async (t) => {
  const file = join(tempDir(t), 'nowhere', 'trace.json');
  await t.rejects(
    loadEngine({ ...base, profile: file }, () => undefined),
    { code: 'bad_flag', message: /^--profile: ENOENT/ },
  );
});
