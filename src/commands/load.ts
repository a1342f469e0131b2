/** From settings to what answers requests: tokenizer, chat template and engine of one model. */
import { existsSync, readFileSync } from 'node:fs';
import type { EngineConfig, ServerConfig } from '../config.ts';
import { RestartingEngineClient } from '../engine/client/restarting-engine-client.ts';
import { namedAdapters } from '../engine/adapters/plan-adapters.ts';
import { inWorker, type TokenFacts } from '../engine/client/engine-transport.ts';
import { EngineError } from '../errors.ts';
import { moduleUrl } from '../module-url.ts';
import { samplingDefaults, type SamplingDefaults } from '../model/sampling-defaults.ts';
import { openModel } from '../model/files/open-model.ts';
import { type ToolsAdapter, toolsAdapterOf, withToolsAdapter } from '../model/tools-adapter.ts';
import { ConstraintMaker, constraintPool } from '../server/constraints/constraint-maker.ts';
import type { ServerContext } from '../server/http/context.ts';
import { Metrics } from '../server/http/metrics.ts';
import { describeText, textPool, TextService } from '../server/text-workers/text-service.ts';
import { RequestRegistry } from '../server/http/request-registry.ts';
import { answerFormats, answerVocabulary, checkParserNames } from '../text/answer/answer-formats.ts';
import { mistypedEndTokens } from '../text/tokenizer/gguf-vocabulary.ts';
import { detokenizerFromGguf, loadDetokenizer } from '../text/tokenizer/load-tokenizer.ts';
import type { Detokenizer } from '../text/tokenizer/tokenizer.ts';
import type { TextSource } from './text-worker.ts';
import { packageVersion } from './package-version.ts';
import { terminalProgress } from './pull/progress.ts';
import { printable } from './terminal-text.ts';
import { chooseSampling } from './sampling.ts';
import { namedModel, pullNamed } from './pull/named-models.ts';
import { resolveModelPath } from './pull/pull.ts';
import { pullDefaultModel } from './pull/pull-default.ts';

/** Everything about the model that the server's thread needs; the weights are the engine's. */
interface Described {
  readonly name: string;
  /** Takes a while with a large vocabulary. */
  readonly openTokenizer: () => Detokenizer;
  readonly sampling: SamplingDefaults;
  /** What this package brings for requests with tools. */
  readonly adapter: ToolsAdapter | null;
}

/** @throws EngineError for anything wrong with flags, files or device; nothing is left running then */
export async function loadContext(engineConfig: EngineConfig, settings: ServerConfig): Promise<ServerContext> {
  const config = { ...engineConfig, modelDir: await modelPath(engineConfig.modelDir) };
  const { name, openTokenizer, sampling, adapter } = describe(config.modelDir);
  checkParserNames(settings);
  const override = settings.chatTemplate === null ? null : readTemplateFile(settings.chatTemplate);
  const maxWaiting = config.maxQueuedRequests;
  // Who brings a template of his own wants its form of tools.
  const toolsAdapter = settings.toolsAdapter && override === null ? adapter : null;
  const data: TextSource = {
    modelDir: config.modelDir,
    chatTemplate: override,
    toolsTemplate: toolsAdapter?.chatTemplate ?? null,
  };
  const limits = { size: settings.textWorkers, seconds: settings.textTimeout, maxWaiting };
  const texts = textPool(moduleUrl('./text-worker.ts', import.meta.url), data, limits);
  const readText = async () => {
    const [described, tokenizer] = await Promise.all([describeText(texts), Promise.resolve().then(openTokenizer)]);
    const template = override ?? tokenizer.toolUseTemplate ?? tokenizer.chatTemplate;
    const showsTools = described.traits?.tools === true ? template : null;
    const formats = answerFormats(showsTools, settings);
    return { described, tokenizer, template, formats, vocabulary: answerVocabulary(tokenizer, formats, showsTools) };
  };
  // The weights are read at the same time.
  const reading = readText();
  const tokens = reading.then(({ tokenizer, vocabulary }) => ({ endTokenIds: tokenizer.eosTokenIds, vocabulary }));
  const starting = startEngine(withToolsAdapter(config, toolsAdapter), name, tokens);
  const [engine, { described, tokenizer, template, formats: read }] = await Promise.all([starting, reading]);
  const { why, ...formats } = read;
  if (why !== null) {
    process.stderr.write(`tool calls: read as ${formats.toolCallParser} since ${why}; --tool_call_parser overrides\n`);
  }
  for (const note of engine.info.notes ?? []) process.stderr.write(`${printable(note)}\n`);
  const constraints = constraintPool(template ?? '', maxWaiting);
  constraints.warm();
  const modelNames = settings.servedModelName.length > 0 ? settings.servedModelName : [name];
  return {
    engine,
    tokenizer,
    text: new TextService(texts, described),
    settings,
    modelNames,
    maxRequests: config.runningMaxReqSize + config.maxQueuedRequests,
    modelPath: config.modelDir,
    version: packageVersion(),
    ...chooseSampling(sampling, settings),
    toolsAdapter: toolsAdapter?.name ?? null,
    formats,
    constraints: new ConstraintMaker(constraints),
    requests: new RequestRegistry(),
    metrics: new Metrics(engine, modelNames[0]),
    startedAt: Math.floor(Date.now() / 1000),
  };
}

/** Loads the model in a worker, with a progress bar. */
export async function startEngine(
  config: EngineConfig,
  name: string,
  tokens: TokenFacts | Promise<TokenFacts>,
): Promise<RestartingEngineClient> {
  const progress = terminalProgress();
  let started = false;
  let loaded = false;
  const onProgress = (done: number, total: number): void => {
    if (!started) progress.start(`loading ${name}`, total);
    started = true;
    progress.update(done);
    if (done < total || loaded) return;
    loaded = true;
    progress.stop();
    // Nothing more is said of a model whose text cannot be read.
    Promise.resolve(tokens).then(
      () => progress.log('compiling kernels'),
      () => undefined,
    );
  };
  try {
    const start = inWorker({ config, loader: loaderUrl, faultInjection: false, tokens });
    const adapters = namedAdapters(config.lora);
    return await RestartingEngineClient.start(start, { onProgress, stepTimeout: config.stepTimeout, adapters });
  } finally {
    progress.stop();
  }
}

const loaderUrl = moduleUrl('../engine/running/load-engine.ts', import.meta.url).href;

/** The path or pulled model that was named, or a model with a short name or the default model, fetched when not there yet. */
export async function modelPath(modelDir: string): Promise<string> {
  const progress = terminalProgress();
  if (modelDir === '') return pullDefaultModel({ progress });
  const named = existsSync(modelDir) ? null : namedModel(modelDir);
  return named === null ? resolveModelPath(modelDir) : pullNamed(modelDir, named, { progress });
}

function describe(path: string): Described {
  const model = openModel(path);
  try {
    const { name } = model;
    const [sampling, adapter] = [samplingDefaults(model), toolsAdapterOf(model)];
    if (model.metadata === null) return { name, sampling, adapter, openTokenizer: () => loadDetokenizer(model.path) };
    const metadata = Object.fromEntries(model.metadata);
    for (const token of mistypedEndTokens(metadata)) {
      process.stderr.write(`${name}: ${token} ends turns but is no control token in the file: it is taken for one\n`);
    }
    return { name, sampling, adapter, openTokenizer: () => detokenizerFromGguf(metadata) };
  } finally {
    model.close();
  }
}

function readTemplateFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EngineError('bad_flag', `--chat_template: cannot read ${file}: ${reason}`, { cause });
  }
}
