import { EngineError } from '../../errors.ts';
import type { LoraSpec } from '../ops.ts';

/** Out features of the parts, as the kernels take them: three, 0 where there are fewer. */
export function partRows({ name, parts }: LoraSpec): [number, number, number] {
  const [first, second = 0, third = 0, ...more] = parts;
  if (more.length > 0) throw new EngineError('internal_error', `${name}: adapters of more than three stacked parts`);
  return [first, second, third];
}
