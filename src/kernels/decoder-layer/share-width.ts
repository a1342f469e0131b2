/**
 * How many workgroups share a decoder layer. Together they are faster than one as long as each has a core for itself;
 * where something else wants the cores too, those that run burn whole time slices waiting for those that do not. So
 * steps are timed: when a run of them takes longer together than it would have taken one workgroup alone, one workgroup
 * does the next steps, and the others are tried again after twice as many each time.
 */

/** Steps together that are judged as one: the first ones after a change, and odd ones, are slow. */
const WINDOW = 16;
/** One step of so many times the time alone needs no further proof. */
const DISASTER = 10;
/** Steps alone after the first failure, and at most. */
const FIRST_PENALTY = 64;
const LONGEST_PENALTY = 8192;
/**
 * Steps alone whose median is the time alone; so many are timed before anything is tried. The first may compile kernels, and the
 * host may learn of two ends at once.
 */
const CALIBRATION = 7;

export class ShareWidth {
  readonly #most: number;
  /** Milliseconds of the last steps alone, and their median, with a little more for each good window since. */
  readonly #lastAlone: number[] = [];
  #alone = 0;
  #stepsAlone = CALIBRATION;
  #penalty = FIRST_PENALTY;
  #windowSteps = 0;
  #windowTime = 0;

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
    if (workgroups === 1) this.#observeAlone(milliseconds);
    else this.#observeTogether(milliseconds);
  }

  #observeAlone(milliseconds: number): void {
    this.#lastAlone.push(milliseconds);
    if (this.#lastAlone.length > CALIBRATION) this.#lastAlone.shift();
    this.#alone = this.#lastAlone.toSorted((a, b) => a - b)[this.#lastAlone.length >> 1];
    this.#stepsAlone = Math.max(0, this.#stepsAlone - 1);
  }

  #observeTogether(milliseconds: number): void {
    const alone = this.#alone;
    this.#windowSteps++;
    this.#windowTime += milliseconds;
    const isDisaster = milliseconds > DISASTER * alone;
    if (!isDisaster && this.#windowSteps < WINDOW) return;
    if (isDisaster || this.#windowTime > alone * this.#windowSteps) {
      this.#stepsAlone = this.#penalty;
      this.#penalty = Math.min(2 * this.#penalty, LONGEST_PENALTY);
    } else {
      this.#penalty = FIRST_PENALTY;
      // Contexts grow, and steps with them, by about a quarter in a thousand tokens.
      this.#alone = alone * (1 + WINDOW / 4000);
    }
    this.#windowSteps = 0;
    this.#windowTime = 0;
  }
}
