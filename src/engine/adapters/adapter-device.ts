/** Where adapters are read from and put: on the device's side of the engine, or a stand-in in tests. */

/** An adapter in host memory, as the device takes it. */
export interface HostAdapter {
  /** The highest of any layer. */
  readonly rank: number;
}

export interface AdapterDevice {
  /** Adapters that lie on the device at a time. */
  readonly slots: number;
  /** The highest rank of one. */
  readonly maxRank: number;
  /** An adapter that changes nothing. */
  readonly nothing: HostAdapter;
  /** Reads an adapter's files, between other work. @throws EngineError model_not_readable, unsupported_model */
  read(path: string): Promise<HostAdapter>;
  /**
   * Puts an adapter into a slot, between other work, for the steps that are launched when the promise is fulfilled. No step that is
   * launched meanwhile may use the slot.
   */
  write(slot: number, adapter: HostAdapter): Promise<void>;
}
