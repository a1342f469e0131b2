import t from 'tap';
import { defaultEngineConfig } from '../../src/config.ts';
import { stepBudget } from '../../src/engine/scheduling/step-budget.ts';

t.test('a slow adapter computes fewer tokens at a time, unless told otherwise', async (t) => {
  t.same(stepBudget(defaultEngineConfig, 'gpu'), { batchMaxTokens: 1024, chunkedPrefillSize: 512 });
  t.same(stepBudget(defaultEngineConfig, 'lavapipe'), { batchMaxTokens: 256, chunkedPrefillSize: 256 });
  const told = { ...defaultEngineConfig, batchMaxTokens: 2048, chunkedPrefillSize: 1024 };
  t.same(stepBudget(told, 'lavapipe'), { batchMaxTokens: 2048, chunkedPrefillSize: 1024 });
});

t.test('what is left open has room for a token of every running request', async (t) => {
  const many = { ...defaultEngineConfig, runningMaxReqSize: 600 };
  t.equal(stepBudget(many, 'lavapipe').batchMaxTokens, 600);
  t.equal(stepBudget(many, 'gpu').batchMaxTokens, 1024);
});
