/** The adapters of a model on the device: reads their files, puts them into the room beside each linear layer. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Lora, Ops } from '../../kernels/ops.ts';
import { readAdapter, type AdaptedModel, type Adapter } from '../../model/lora/adapter.ts';
import type { AdapterDevice, HostAdapter } from './adapter-device.ts';

export class ModelAdapters implements AdapterDevice {
  readonly slots: number;
  readonly maxRank: number;
  readonly nothing: Adapter = { rank: 0, layers: new Map(), bytes: 0 };
  readonly #ops: Ops;
  readonly #model: AdaptedModel;
  readonly #loras: readonly Lora[];

  /** @param loras the room beside each layer (LoraRoom) */
  constructor(ops: Ops, model: AdaptedModel, loras: readonly Lora[], size: { slots: number; maxRank: number }) {
    this.#ops = ops;
    this.#model = model;
    this.#loras = loras;
    this.slots = size.slots;
    this.maxRank = size.maxRank;
  }

  read(path: string): Promise<Adapter> {
    return readAdapter(path, this.#model);
  }

  /** A layer in each turn of the event loop, so that steps go on. */
  async write(slot: number, adapter: HostAdapter): Promise<void> {
    const { layers } = adapter as Adapter;
    for (const lora of this.#loras) {
      this.#ops.writeLora(lora, slot, layers.get(lora.name) ?? lora.parts.map(() => null));
      await nextTurn();
    }
  }
}
