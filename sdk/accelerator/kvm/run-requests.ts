/** What was asked of the run loop, from device handlers and timers too; it acts between two instructions. */
export class RunRequests {
  /** A reset ends the drain that caused it: what is queued behind it comes later than the reset. */
  reset = false;
  pause = false;
  /** Coalesced zones have come: whether the machine may run with them is to be looked at again. */
  mapChanged = false;

  get any(): boolean {
    return this.reset || this.pause || this.mapChanged;
  }
}
