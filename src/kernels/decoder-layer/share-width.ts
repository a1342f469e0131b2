/**
 * How many workgroups share a decoder layer. Together they are faster than one as long as each has a core for itself;
 * where something else wants the cores too, those that run burn whole time slices waiting for those that do not. So
 * steps are timed: when one takes much longer than it would have taken one workgroup alone, one workgroup does the next
 * steps, and the others are tried again after twice as many each time.
 */

/** Steps done alone after the first failure, and at most. */
const FIRST_PENALTY = 64;
const LONGEST_PENALTY = 8192;
/** Together must not take longer than this share of the time alone. */
const TOLERANCE = 1.25;
/** Steps alone that are timed before anything is tried. */
const CALIBRATION = 3;

export class ShareWidth {
  readonly #most: number;
  /** Milliseconds a step takes one workgroup: the best lately, drifting up so that it follows longer contexts. */
  #alone = Infinity;
  #stepsAlone = CALIBRATION;
  #penalty = FIRST_PENALTY;

  /** @param most workgroups that the device runs together */
  constructor(most: number) {
    this.#most = most;
  }

  /** Workgroups for the next step. */
  get current(): number {
    return this.#stepsAlone > 0 ? 1 : this.#most;
  }

  /** A step of `workgroups` took this long. */
  observe(workgroups: number, milliseconds: number): void {
    if (this.#most === 1) return;
    if (workgroups === 1) {
      this.#alone = Math.min(this.#alone * 1.02, milliseconds);
      this.#stepsAlone = Math.max(0, this.#stepsAlone - 1);
    } else if (milliseconds > TOLERANCE * this.#alone) {
      this.#stepsAlone = this.#penalty;
      this.#penalty = Math.min(2 * this.#penalty, LONGEST_PENALTY);
    } else {
      this.#alone *= 1.0005;
      this.#penalty = Math.max(FIRST_PENALTY, this.#penalty * 0.99);
    }
  }
}
