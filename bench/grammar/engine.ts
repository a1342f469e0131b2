/** The engine as the server runs it, with the tokenizer's vocabulary for grammars. */
import { defaultEngineConfig, type EngineConfig } from '../../src/config.ts';
import { RestartingEngineClient } from '../../src/engine/client/restarting-engine-client.ts';
import { inWorker } from '../../src/engine/client/engine-transport.ts';
import type { EngineClient } from '../../src/engine/core/types.ts';
import { openModel } from '../../src/model/files/open-model.ts';
import { tokenVocabulary } from '../../src/text/structured-output/token-vocabulary.ts';
import { tokenizerFromGguf } from '../../src/text/tokenizer/load-tokenizer.ts';
import type { Tokenizer } from '../../src/text/tokenizer/tokenizer.ts';

export interface BenchEngine {
  readonly engine: EngineClient & { readonly info: { readonly adapter: string } };
  readonly tokenizer: Tokenizer;
}

export async function startEngine(modelPath: string): Promise<BenchEngine> {
  const model = openModel(modelPath);
  const tokenizer = tokenizerFromGguf(Object.fromEntries(model.metadata ?? []));
  model.close();
  const config: EngineConfig = {
    ...defaultEngineConfig,
    modelDir: modelPath,
    maxTotalTokenNum: 32768,
    tieredStart: false,
  };
  const loader = new URL('../../src/engine/running/load-engine.js', import.meta.url).href;
  const vocabulary = tokenVocabulary(tokenizer, '');
  const engine = await RestartingEngineClient.start(
    inWorker({ config, loader, faultInjection: false, tokens: { endTokenIds: [], vocabulary } }),
  );
  return { engine, tokenizer };
}
