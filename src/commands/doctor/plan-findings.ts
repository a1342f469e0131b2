/** What `serve` would make of the default model here: the same plan, with the flags' defaults. */
import { existsSync } from 'node:fs';
import { defaultEngineConfig } from '../../config.ts';
import { planEngine } from '../../engine/running/plan-engine.ts';
import { toEngineError } from '../../errors.ts';
import { openModel } from '../../model/files/open-model.ts';
import { planLine } from '../memory-lines.ts';
import type { AdapterAnswer } from './adapter-report.ts';
import type { Finding } from './report.ts';

/** None where there is no model at `path` or no adapter for it. */
export function planFindings(path: string, answer: AdapterAnswer): Finding[] {
  if (!answer.ok || !existsSync(path)) return [];
  const what = 'memory plan';
  try {
    const model = openModel(path);
    try {
      const plan = planEngine(model, { ...defaultEngineConfig, modelDir: path }, answer.adapter.facts);
      return [{ what, value: planLine(plan), state: plan.notes.length === 0 ? 'ok' : 'note', advice: plan.notes }];
    } finally {
      model.close();
    }
  } catch (error) {
    return [
      { what, value: 'the default model cannot be served', state: 'bad', advice: [toEngineError(error).message] },
    ];
  }
}
