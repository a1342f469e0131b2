import t from 'tap';
import { streamToTerminal } from '../../src/commands/local-request.ts';
import { printable } from '../../src/commands/terminal-text.ts';
import { fakeTokenizer } from '../helpers/fake-tokenizer.ts';
import { startFakeServer } from '../helpers/fake-server.ts';

/** A screen is cleared, a clipboard written, a line overwritten. */
const hostile = 'é🙂\tok\n\u001b[2J\u001b]52;c;AAAA\u0007 a\rb \u009b31m\u007f\0';

t.test('a terminal obeys nothing that a model wrote; a pipe gets what it wrote', async (t) => {
  const { ctx, engine, server } = await startFakeServer();
  t.teardown(() => server.close(1));
  engine.script = () => ({ text: hostile });
  const written = async (isTTY: boolean): Promise<string> => {
    let out = '';
    const stdout = {
      isTTY,
      write: (text: string) => (out += text) !== '',
      once: () => stdout,
      off: () => stdout,
    };
    const io = { stdout: stdout as unknown as NodeJS.WriteStream, stderr: { write: () => true } };
    const settings = { maxTokens: null, seed: null };
    const { signal } = new AbortController();
    const text = await streamToTerminal(ctx, fakeTokenizer.encode('x'), settings, signal, '\u001bprompt', io);
    t.equal(text, hostile, 'the conversation goes on with what the model wrote');
    return out;
  };
  t.equal(await written(false), `\u001bprompt${hostile}\n`);
  t.equal(await written(true), '␛prompté🙂\tok\n␛[2J␛]52;c;AAAA␇ a␍b \ufffd31m␡␀\n');
});

t.test('lines end as they did', async (t) => {
  t.equal(printable('a\r\nb\n'), 'a\nb\n');
});
