import { UsableSlots } from '../../accelerator/kvm/coalesced-ring.ts';
import { MILLISECOND } from '../../clock/index.ts';
import { AccessOutcome, type ObservedReplay } from './observation.ts';
import type { Prediction } from './suggestion.ts';

/** A write waits at most this long in the ring, as the accelerator has it. */
const LongestWait = 10 * MILLISECOND;
/** With an ioeventfd somewhere, the accelerator looks for signals after so many accesses. */
const AccessesBetweenSignals = 64;

/** Which writes something new in the kernel takes: for each target 1 or 0, and the one value that it takes if not all. */
interface Taken {
  readonly targets: Uint8Array;
  /** 'already': the machine has it; the writes are only told apart from others. */
  readonly by: 'zone' | 'ioeventfd' | 'already';
  readonly match?: number;
}

/**
 * Counts exits by KVM's rules. A write that lies wholly in a zone takes a slot of the ring while one is free. Every exit, every
 * expired timer and a write that has waited 10 ms empty the ring. Without `added` the zones are those of the machine.
 */
export function predict(observed: ObservedReplay, added?: Taken): Prediction {
  const { outcome, target, timer, splits, trace } = observed;
  const { at, value, length } = trace;
  const { targets, match } = added ?? {};
  const taking = added?.by === 'ioeventfd' ? AccessOutcome.Signalled : AccessOutcome.Queued;
  const ring = new Ring();
  let signals = 0;
  let signalled = false;
  for (let index = 0; index < length; index++) {
    const now = at[index]!;
    // Whenever control is back for another reason, the signals are looked at too.
    if (timer[index]! <= now) signalled = false;
    if (ring.count > 0 && ring.expire(now, timer[index]!)) signalled = false;
    const exits = ring.exits;
    let own = outcome[index]!;
    const which = target[index]!;
    const isChosen = which >= 0 && targets?.[which] === 1 && (match === undefined || match === value[index]);
    if (isChosen && added?.by !== 'already') own = taking;
    if (own === AccessOutcome.Exits) ring.exit(now);
    else if (own === AccessOutcome.Queued) {
      if (!ring.queue(now, isChosen)) ring.exit(now);
    } else if (own === AccessOutcome.Signalled) {
      signals++;
      signalled = true;
    } else if (own === AccessOutcome.Split) {
      let left = 0;
      for (const part of splits.get(index)!) {
        const taken = part.target >= 0 && targets?.[part.target] === 1 && added?.by === 'zone';
        const partOutcome = taken ? taking : part.outcome;
        if (partOutcome === AccessOutcome.Exits || (partOutcome === AccessOutcome.Queued && !ring.queue(now, taken)))
          left++;
      }
      for (let exit = 0; exit < left; exit++) ring.exit(now);
    }
    if (ring.exits > exits) signalled = false;
    if (signalled && (index + 1) % AccessesBetweenSignals === 0) {
      ring.drain(now);
      signalled = false;
    }
  }
  ring.drain(at[length - 1] ?? 0);
  return ring.result(signals);
}

/** The ring between kernel and userspace, as far as counting needs it. */
class Ring {
  count = 0;
  private readonly since = new Float64Array(UsableSlots);
  private readonly own = new Uint8Array(UsableSlots);
  exits = 0;
  private queued = 0;
  private full = 0;
  private kicks = 0;
  private taken = 0;
  private longest = 0;
  private waited = 0;

  queue(now: number, isOwn: boolean): boolean {
    if (this.count === UsableSlots) {
      this.full++;
      return false;
    }
    this.since[this.count] = now;
    this.own[this.count] = isOwn ? 1 : 0;
    this.count++;
    this.queued++;
    return true;
  }

  exit(now: number): void {
    this.exits++;
    this.drain(now);
  }

  /** Up to `now`: a timer that expires, or a write that has waited enough, brings control back before that. */
  expire(now: number, timer: number): boolean {
    const kick = this.since[0]! + LongestWait;
    const due = Math.min(kick, timer);
    if (due > now) return false;
    if (kick < timer) this.kicks++;
    this.drain(due);
    return true;
  }

  drain(now: number): void {
    for (let slot = 0; slot < this.count; slot++) {
      if (this.own[slot] === 0) continue;
      const wait = now - this.since[slot]!;
      this.taken++;
      this.waited += wait;
      if (wait > this.longest) this.longest = wait;
    }
    this.count = 0;
  }

  result(signals: number): Prediction {
    const { taken } = this;
    return {
      userspaceExits: this.exits,
      coalescedWrites: this.queued,
      ringFullExits: this.full,
      kicks: this.kicks,
      signals,
      taken,
      longestWait: this.longest,
      meanWait: taken === 0 ? 0 : this.waited / taken,
    };
  }
}
