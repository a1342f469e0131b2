/** What each dtype of the KV cache takes, loses and costs, beside llama.cpp's. */
import { kvBytesPerToken } from '../../src/model/cache-plan.ts';
import type { RunBench } from '../helpers/declare.ts';
import { openDeviceModel } from '../helpers/device-model.ts';
import { describeMachine } from '../helpers/machine.ts';
import { modelPath } from '../helpers/model.ts';
import { loadPeer, type Peer } from '../helpers/peer.ts';
import {
  Comparison,
  comparisonHeading,
  readText,
  readTextByPeer,
  tokenizedText,
  type ComparedRow,
} from '../helpers/read-text.ts';
import type { FlagsOf } from '../helpers/declare.ts';
import { dtypes, peerDtypes } from './dtypes.ts';
import type { spec } from './flags.ts';
import { peerSteps, timeSteps } from './steps.ts';

type Flags = FlagsOf<typeof spec>;

export const run: RunBench<typeof spec> = async (flags) => {
  const path = await modelPath(flags.model);
  const peer = flags.peer === null ? null : await loadPeer(flags.peer, path);
  const { adapter, perplexity } = await perplexities(path, flags, peer);
  const steps = flags.rounds === 0 ? [] : [...(await timeSteps(path, flags)), ...(await peerSteps(peer, flags))];
  const model = path.split('/').at(-1);
  const machine = describeMachine(adapter);
  const { tokens, window, context, rounds } = flags;
  return { result: { model, machine, tokens, window, perplexity, context, rounds, steps } };
};

interface Quality {
  readonly adapter: string;
  readonly perplexity: readonly (ComparedRow & { readonly bytesPerToken?: number })[];
}

async function perplexities(path: string, flags: Flags, peer: Peer | null): Promise<Quality> {
  const text = tokenizedText(path, flags.text, flags.tokens, flags.window);
  const comparison = new Comparison(text);
  const perplexity = [];
  let adapter = '';
  console.log(comparisonHeading(text));
  for (const kvDtype of ['f32', ...dtypes] as const) {
    const options = { quant: flags.quant, activations: 'f32', kvDtype, rows: 1, maxLength: flags.window } as const;
    const m = await openDeviceModel(path, options);
    adapter = m.adapter;
    const bytesPerToken = kvBytesPerToken(m.kv.spec.layers);
    const name = `${kvDtype}, ${bytesPerToken} bytes a token`;
    if (text.ids.length > 0) perplexity.push({ ...(await comparison.add(name, readText(m, text))), bytesPerToken });
    else console.log(name);
    m.ops.destroy();
  }
  for (const kvType of peer && text.ids.length > 0 ? peerDtypes : []) {
    const context = await peer!.sequences(1, flags.window, kvType);
    const reading = readTextByPeer(context.sequences[0], text);
    perplexity.push(await comparison.add(`${peer!.name}, ${kvType}`, reading));
    await context.dispose();
  }
  return { adapter, perplexity };
}
