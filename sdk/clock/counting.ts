import { BackplaneError } from '../base/errors.ts';
import type { Json, JsonReader } from '../base/json-reader.ts';
import { ElapsedTicks, type TickingClock } from './elapsed-ticks.ts';
import { MICROSECOND } from './time.ts';
import type { Timer } from './timer.ts';

/** Calls of a counter that is not latched are no closer than this. What expired meanwhile is counted. */
const ShortestPause = 10 * MICROSECOND;
const WidestCounter = 52;

/** What counters need of a clock. */
export type CountingClock = TickingClock & { timer(name: string, callback: () => void): Timer };

/** What `clock.countdown` and `clock.counter` may be told. Everything but the frequency has a default. */
export interface CountingOptions {
  /** Ticks a second, in whole hertz, up to 1 GHz. 0 stands still. */
  readonly frequency: number;
  /** It counts each tick that this divides, 1 to 65536. Default: 1. */
  readonly prescaler?: number;
  /** Bits of the value, 1 to 52. Default: 32. */
  readonly width?: number;
  /**
   * Once expired, it does not call again before `acknowledge()`: `expired` is an interrupt flag. Default: true where there is no
   * callback. A counter that is not latched calls at each expiry, but not more than once in 10 us.
   */
  readonly latched?: boolean;
  /** The hardware keeps it over a reset. Default: `reset()` of the device makes it as it was at first. */
  readonly atReset?: 'kept';
}

/**
 * A value that changes with guest time by itself. No timer runs for its ticks: the value is computed when it is read. One timer
 * waits for the next expiry, unless a latched counter has expired already. The state is in snapshots by itself, as that of timers.
 */
export abstract class Counting {
  /** For a field with `@state`. */
  static readonly whyNoState = 'is a counter, which is state by itself. Leave @state out';
  readonly latched: boolean;
  readonly atReset: 'kept' | undefined;
  /** The value when `settle` was called last. */
  protected counted = 0;
  private isRunning = false;
  private hasExpired = false;
  /** How often it expired since the last call. */
  private due = 0;
  private bits: number;
  private readonly firstBits: number;
  private readonly ticks: ElapsedTicks;
  /** It waits for the next expiry. @internal */
  readonly timer: Timer;

  /** @internal */
  constructor(
    private readonly clock: CountingClock,
    readonly name: string,
    { frequency, prescaler = 1, width = 32, latched, atReset }: CountingOptions,
    private readonly callback: ((times: number) => void) | undefined,
  ) {
    this.ticks = new ElapsedTicks(clock, frequency, prescaler, `Counter '${name}'`);
    this.firstBits = this.checkWidth(width);
    this.bits = width;
    this.latched = latched ?? callback === undefined;
    this.atReset = atReset;
    this.timer = clock.timer(name, () => this.fire());
    this.timer.counting = this;
    this.timer.armedWhile = () => this.isWaiting;
  }

  /** What it shows at this instant. */
  get value(): number {
    this.settle();
    return this.counted;
  }

  /** Whether it counts. Set by `start` and `stop`, and by the end of a single run. */
  get running(): boolean {
    this.settle();
    return this.isRunning;
  }

  /** Whether it has expired since `acknowledge()` was called last. */
  get expired(): boolean {
    this.settle();
    return this.hasExpired;
  }

  /** Clears `expired`. A latched counter calls at its next expiry again. */
  acknowledge(): void {
    this.change(() => {
      this.hasExpired = false;
      if (this.latched) this.due = 0;
    });
  }

  /** Expires at once, as some chips do that are loaded with 0. It calls within this instant. */
  trigger(): void {
    this.change(() => this.note(1));
  }

  /** Counts on from where it stands. A running counter goes on. */
  start(): void {
    this.change(() => {
      this.isRunning = true;
    });
  }

  /** Stands still. The part of a tick that has passed is kept. */
  stop(): void {
    this.change(() => {
      this.isRunning = false;
    });
  }

  /** Sets the value, without an expiry; it loses bits beyond the width. A new tick begins. */
  load(value: number): void {
    this.change(() => {
      this.counted = this.masked(value);
      this.ticks.restart();
    });
  }

  /** Ticks a second, in whole hertz. A change keeps the part of a tick that has passed, unless it is to or from 0. */
  get frequency(): number {
    return this.ticks.frequency;
  }

  set frequency(frequency: number) {
    this.change(() => this.ticks.setRate(frequency, this.prescaler));
  }

  get prescaler(): number {
    return this.ticks.prescaler;
  }

  /** A change keeps the part of a tick that has passed. */
  set prescaler(prescaler: number) {
    this.change(() => this.ticks.setRate(this.frequency, prescaler));
  }

  /** Bits of the value. */
  get width(): number {
    return this.bits;
  }

  /** What is wider loses its upper bits. */
  set width(width: number) {
    this.change(() => {
      this.bits = this.checkWidth(width);
      this.narrow();
    });
  }

  /** As it was made: stopped, and nothing has expired. */
  reset(): void {
    this.isRunning = false;
    this.hasExpired = false;
    this.due = 0;
    this.bits = this.firstBits;
    this.ticks.reset();
    this.resetOptions();
    this.timer.cancel();
  }

  /** The largest value. */
  protected get mask(): number {
    return 2 ** this.bits - 1;
  }

  /** Ticks until it expires next; Infinity if it never does. */
  protected abstract untilExpiry(): number;
  /** Ticks from one expiry to the next, while nothing is changed. */
  protected abstract period(): number;
  /** Counts fewer ticks than are left to an expiry. */
  protected abstract countOn(ticks: number): void;
  /** It has expired: sets the value. Answers whether it counts on. */
  protected abstract expire(): boolean;
  /** Its options are as it was made. */
  protected abstract resetOptions(): void;
  /** What a class adds to the state in snapshots. @internal */
  protected abstract saveOptions(): { readonly [name: string]: Json };
  /** @internal */
  protected abstract readOptions(saved: JsonReader): () => void;

  /** The width has changed. */
  protected narrow(): void {
    this.counted = this.masked(this.counted);
  }

  /** Changes what the next expiry depends on. */
  protected change(body: () => void): void {
    this.settle();
    body();
    this.arm(0);
  }

  /** A value as its bits show it. */
  protected masked(value: number): number {
    if (!Number.isInteger(value))
      throw new BackplaneError('invalid-count', `Counter '${this.name}' counts whole numbers, and ${value} is none.`);
    const values = this.mask + 1;
    return ((value % values) + values) % values;
  }

  private checkWidth(width: number): number {
    if (Number.isInteger(width) && width >= 1 && width <= WidestCounter) return width;
    throw new BackplaneError(
      'invalid-count',
      `Counter '${this.name}' cannot have ${width} bits. Give a whole number from 1 to ${WidestCounter}.`,
    );
  }

  /** Counts the ticks that have passed. It changes nothing that can be observed. */
  private settle(): void {
    const ticks = this.ticks.take(this.isRunning);
    if (typeof ticks === 'number') this.pass(ticks);
    else {
      // Periods beyond 2^53 ticks are alike: nothing can tell them apart.
      this.pass(Number.MAX_SAFE_INTEGER);
      if (this.isRunning) this.pass(Number((ticks - BigInt(Number.MAX_SAFE_INTEGER)) % BigInt(this.period())));
    }
  }

  private pass(ticks: number): void {
    const first = this.untilExpiry();
    if (ticks < first) {
      if (ticks > 0) this.countOn(ticks);
      return;
    }
    const isOn = this.expire();
    const after = ticks - first;
    // From here on periods are alike, if it expires again at all.
    const rest = this.untilExpiry() === Number.POSITIVE_INFINITY ? after : after % this.period();
    const times = isOn ? 1 + (after - rest) / this.period() : 1;
    this.note(times);
    this.isRunning = isOn;
    if (!isOn) this.ticks.restart();
    else if (rest > 0) this.countOn(rest);
  }

  private note(times: number): void {
    if (!this.latched || !this.hasExpired) this.due = Math.min(this.due + times, Number.MAX_SAFE_INTEGER);
    this.hasExpired = true;
  }

  /** Whether a call is due or will be. */
  private get isWaiting(): boolean {
    if (this.due > 0) return true;
    const isDone = this.latched ? this.hasExpired : this.callback === undefined;
    return this.isRunning && !isDone && !this.ticks.stands && this.untilExpiry() !== Number.POSITIVE_INFINITY;
  }

  /** Call it settled. */
  private arm(pause: number): void {
    const { timer, clock } = this;
    if (!this.isWaiting) timer.cancel();
    else if (this.due === 0) timer.arm(Math.max(this.ticks.timeOf(this.untilExpiry()), Math.floor(clock.now) + pause));
    else if (!timer.pending) timer.arm(clock.now);
  }

  private fire(): void {
    this.settle();
    const { due } = this;
    this.due = 0;
    try {
      if (due > 0) this.callback?.(due);
    } finally {
      this.settle();
      this.arm(due > 0 && !this.latched ? ShortestPause : 0);
    }
  }

  /** Its state as plain data. @internal */
  save(): { readonly [name: string]: Json } {
    this.settle();
    const { counted: value, isRunning: running, hasExpired: expired, due, bits: width } = this;
    return { value, running, expired, due, width, ...this.ticks.save(), ...this.saveOptions() };
  }

  /** Reads what `save` answered, from an untrusted source. Answers how to put it in place; its timer is armed elsewhere. @internal */
  read(saved: JsonReader): () => void {
    const width = saved.member('width').integer(1, WidestCounter);
    const value = saved.member('value').integer(0, 2 ** width - 1);
    const due = saved.member('due').integer(0);
    const [running, expired] = [saved.member('running').boolean(), saved.member('expired').boolean()];
    const [ticks, own] = [this.ticks.read(saved), this.readOptions(saved)];
    return () => {
      this.bits = width;
      this.counted = value;
      this.isRunning = running;
      this.hasExpired = expired;
      this.due = due;
      ticks();
      own();
    };
  }
}
