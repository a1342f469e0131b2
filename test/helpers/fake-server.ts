/** The whole HTTP server on a free port, over a FakeEngine. */
import OpenAI from 'openai';
import { defaultServerConfig, type ServerConfig } from '../../src/config.ts';
import { ConstraintMaker } from '../../src/server/constraints/constraint-maker.ts';
import { makeConstraint, type ConstraintTask } from '../../src/text/answer/make-constraint.ts';
import { createApp } from '../../src/server/http/app.ts';
import type { ServerContext } from '../../src/server/http/context.ts';
import { listen } from '../../src/server/http/listen.ts';
import { TextService } from '../../src/server/text-workers/text-service.ts';
import { doTextTask, type LoadedText, type TextDescription } from '../../src/server/text-workers/text-tasks.ts';
import { Metrics } from '../../src/server/http/metrics.ts';
import { RequestRegistry } from '../../src/server/http/request-registry.ts';
import { compileChatTemplate } from '../../src/text/chat-template/chat-template.ts';
import { FakeEngine } from './fake-engine.ts';
import { fakeChatTemplate, fakeTokenizer } from './fake-tokenizer.ts';

export async function startFakeServer(
  settings: Partial<ServerConfig> = {},
  overrides: Partial<ServerContext> & {
    templateSource?: string | null;
    toolsTemplateSource?: string;
    reasoningParser?: string;
  } = {},
) {
  const engine = new FakeEngine();
  const { templateSource: source = fakeChatTemplate, reasoningParser = null } = overrides;
  const compile = (text: string) => compileChatTemplate(text, fakeTokenizer.specialTokens);
  const template = source === null ? null : compile(source);
  const toolsTemplate = overrides.toolsTemplateSource === undefined ? null : compile(overrides.toolsTemplateSource);
  const ctx: ServerContext = {
    engine,
    tokenizer: fakeTokenizer,
    text: inThisThread({ tokenizer: fakeTokenizer, chatTemplate: () => template, toolsTemplate: () => toolsTemplate }),
    settings: { ...defaultServerConfig, servedModelName: ['fake', 'org/fake'], port: 0, ...settings },
    modelNames: ['fake', 'org/fake'],
    maxRequests: 1088,
    modelPath: '/models/fake',
    version: '0.0.0',
    samplingDefaults: {},
    samplingSource: 'the test',
    toolsAdapter: null,
    formats: { toolCallParser: 'qwen25', reasoningParser },
    constraints: new ConstraintMaker({
      run: async (task) => makeConstraint(JSON.parse(task) as ConstraintTask, fakeTokenizer.chatTemplate ?? ''),
    }),
    requests: new RequestRegistry(),
    metrics: new Metrics(engine, 'fake'),
    startedAt: 1_700_000_000,
    ...overrides,
  };
  const server = await listen(createApp(ctx), ctx.settings);
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: settings.apiKeys?.[0] ?? 'none', maxRetries: 0 });
  const post = (path: string, body: unknown, init: RequestInit = {}): Promise<Response> =>
    fetch(server.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...init,
    });
  return { engine, ctx, server, client, post, url: server.url };
}

/** What text workers do, without them. */
function inThisThread(loaded: LoadedText): TextService {
  const describe = doTextTask(loaded, { type: 'describe' }) as TextDescription;
  return new TextService({ run: async (task) => doTextTask(loaded, task) }, describe);
}

/** Waits until `condition` holds; fails after five seconds. */
export async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('The condition did not come true within five seconds.');
}
