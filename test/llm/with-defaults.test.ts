import t from 'tap';
import { defaultEngineConfig } from '../../src/config.ts';
import { defaultSamplingParams } from '../../src/engine/core/types.ts';
import { withDefaults } from '../../src/llm/with-defaults.ts';

t.test('what is given as undefined leaves the default, null and 0 do not', async (t) => {
  const given = { temperature: undefined, maxTokens: undefined, topK: 0, seed: null, minTokens: 3 };
  t.same(withDefaults({ ...defaultSamplingParams, seed: 7 }, given), {
    ...defaultSamplingParams,
    topK: 0,
    minTokens: 3,
  });
  t.same(withDefaults(defaultEngineConfig, { maxTotalTokenNum: undefined }), defaultEngineConfig);
  t.same(withDefaults(defaultEngineConfig, { maxTotalTokenNum: 2048 }).maxTotalTokenNum, 2048);
});
