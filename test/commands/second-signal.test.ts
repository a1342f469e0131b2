// `serve` finishes what runs after a signal; a second one ends it at once, with the device in the middle of its work.
import t from 'tap';
import { writeTinyModel } from '../../bench/server/tiny-model.ts';
import { serve } from '../helpers/cli.ts';

t.test('a second signal leaves no noise of the device behind', { skip: process.platform === 'win32' }, async (t) => {
  const { url, child, output, code } = await serve(t, ['--port', '0', '--model_dir', writeTinyModel()]);
  const body = { prompt: 'a', max_tokens: 4000, ignore_eos: true, stream: true };
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${url}/v1/completions`, { method: 'POST', headers, body: JSON.stringify(body) });
  const reader = answer.body!.getReader();
  await reader.read();
  child.kill('SIGINT');
  // The stream goes on while what runs is finished, also where the same signal comes twice, as it does through npm.
  while (!output.err.includes('a second signal')) await reader.read();
  child.kill('SIGINT');
  const begin = performance.now();
  let ended = false;
  while (!ended && performance.now() - begin < 600) ended = (await reader.read()).done;
  t.equal(ended, false);
  child.kill('SIGINT');
  t.equal(await code, null);
  t.equal(child.signalCode, 'SIGINT', 'as if it had never listened');
  t.notMatch(output.err, /Promise not resolved|FATAL ERROR|stack trace/);
  await reader.cancel().catch(() => undefined);
});
