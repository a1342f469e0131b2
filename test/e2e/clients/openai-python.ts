// The official client for Python, in a process that client.py runs in.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { python } from '../../helpers/python.ts';
import {
  type Answer,
  type ClientLibrary,
  type Endpoint,
  type Question,
  requestBody,
  type TestClient,
  openaiErrorNames,
} from '../../helpers/test-client.ts';

class PythonError extends Error {
  readonly details: { name: string; status: number; message: string };

  constructor(details: PythonError['details']) {
    super(details.message);
    this.details = details;
  }
}

type Send = (request: object) => Promise<unknown>;

/** Starts the process; requests are answered one at a time, in order. */
function startPython(t: Test): Send {
  const file = fileURLToPath(new URL('client.py', import.meta.url));
  const child = spawn(python, [file], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => child.kill());
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async (request) => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await lines.next();
    if (done === true) throw new Error('client.py ended');
    const answer = JSON.parse(value) as { value?: unknown; error?: PythonError['details'] };
    if (answer.error !== undefined) throw new PythonError(answer.error);
    return answer.value;
  };
}

function connect(send: Send, { model, ...endpoint }: Endpoint): TestClient {
  const call = (method: string, question: Question): Promise<unknown> => {
    const { extra, ...known } = question;
    const body = { ...requestBody(model, known), ...(extra === undefined ? {} : { extra_body: extra }) };
    return send({ ...endpoint, method, body });
  };
  return {
    ask: async (question) => (await call('ask', question)) as Answer,
    giveUp: async (question) => {
      t.equal(await call('give_up', question), true);
    },
    structured: async (messages) =>
      (await call('structured', { messages, stream: false, maxTokens: 100 })) as unknown[],
    errorOf: (thrown) => (thrown instanceof PythonError ? thrown.details : (thrown as never)),
  };
}

/** The library in a process that is gone after the test. */
export function openaiPython(t: Test): ClientLibrary {
  const send = startPython(t);
  return {
    name: 'openai for Python',
    connect: (endpoint) => connect(send, endpoint),
    errorNames: openaiErrorNames,
  };
}
