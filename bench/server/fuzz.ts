/** Random requests to every endpoint of the real server, over a tiny model. */
import { fuzzEndpoints } from '../../test/helpers/fuzz-endpoints.ts';
import { ServerProcess } from './server-process.ts';
import { writeTinyModel } from './tiny-model.ts';

/** Short answers: what is looked at is their form. */
const flags = ['--max_req_total_len', '96', '--max_total_token_num', '8192', '--served_model_name', 'tiny'];

export async function fuzz(requests: number, seed: number) {
  const server = await ServerProcess.start(['--model_dir', writeTinyModel(), ...flags]);
  const start = performance.now();
  const report = await fuzzEndpoints(server.url, { requests, seed, model: 'tiny', parallel: 16 });
  const seconds = Math.round((performance.now() - start) / 1000);
  const slotsAfter = await server.untilIdle();
  const exitCode = await server.stop();
  const log = server.log.join('').slice(0, 4000);
  const passed = report.faults.length === 0 && exitCode === 0 && slotsAfter.used === 0;
  return { mode: 'fuzz', ...report, seconds, seed, slotsAfter, exitCode, serverLog: log, passed };
}
