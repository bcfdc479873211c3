import { guestTime, guestTimeOrNever, shape, state, type VirtualClock } from '../../sdk/index.ts';
import { pulseAt, timeOf } from './clk.ts';
import { cycleOf, edgeAfter, highHalf, Mode, needsTrigger, type Run, repeats, strobes } from './edges.ts';
import { fromDecimal, toDecimal } from './registers.ts';

const Never = Number.POSITIVE_INFINITY;
const Largest = 0x1_0000;

/**
 * The counting element (CE) of a counter with its count register (CR), GATE and OUT. No timer runs: the count is computed from the
 * pulses of CLK since `since`. Modes 2 and 3 repeat; the others count through zero, and on with the largest count.
 *
 * @see Intel 8254 datasheet, order number 231164, "Mode Definitions" and "Operation Common to All Modes"
 */
export class CountingElement {
  @state({ as: shape.integer(0, 5) }) protected mode = 0;
  @state protected isDecimal = false;
  @state protected gate: boolean;
  protected readonly clk = { pulseAt, timeOf };
  /** CR. */
  @state({ as: shape.bits(16) }) private register = 0;
  /** The null count flag: what was written is not in CE yet. */
  @state private isNull = true;
  /** The count is complete, since the control word. */
  @state protected isWritten = false;
  /** The pulse of CLK at which CR goes to CE. */
  @state({ as: guestTimeOrNever }) protected load = Never;
  @state protected isCounting = false;
  /** The pulse of CLK at which CE had `start`; in mode 3 the half cycle begins there. */
  @state({ as: guestTime }) private since = 0;
  @state({ as: shape.integer(0, Largest) }) private start = 0;
  /** The half cycle of mode 3. */
  @state protected isHigh = true;
  /** CE has been at zero. */
  @state protected isExpired = false;

  constructor(
    protected readonly clock: VirtualClock,
    /** The level of GATE after a reset. */
    private readonly firstGate: boolean,
  ) {
    this.gate = firstGate;
  }

  /** What a read of the count shows. */
  get value(): number {
    this.settle();
    const count = this.isCounting ? this.counted() : this.start;
    const values = this.isDecimal ? 10_000 : Largest;
    const shown = ((count % values) + values) % values;
    return this.isDecimal ? toDecimal(shown) : shown;
  }

  get nullCount(): boolean {
    this.settle();
    return this.isNull;
  }

  get out(): boolean {
    this.settle();
    const { mode, isCounting } = this;
    if (mode === Mode.TerminalCount || (mode === Mode.OneShot && isCounting)) return this.isExpired;
    if (!isCounting) return true;
    if (mode === Mode.RateGenerator) return this.counted() !== 1;
    if (mode === Mode.SquareWave) return this.isHigh;
    return this.isExpired || this.counted() !== 0;
  }

  /** What is reported of OUT when it has changed: of a pulse of one CLK the end. */
  get reportedLevel(): boolean {
    return this.out || this.mode === Mode.RateGenerator || strobes(this.mode);
  }

  /** A control word resets the control logic. OUT has the first level of the mode at once. Modes 6 and 7 are 2 and 3. */
  program(mode: number, isDecimal: boolean): void {
    this.freeze();
    this.load = Never;
    this.mode = mode > Mode.HardwareStrobe ? mode & 3 : mode;
    this.isDecimal = isDecimal;
    this.isNull = true;
    this.isWritten = false;
    this.isExpired = false;
  }

  /** @see Intel 8254 datasheet, "Mode 0": writing the first byte disables counting, and OUT is low at once */
  writeFirstByte(): void {
    if (this.mode !== Mode.TerminalCount) return;
    this.freeze();
    this.load = Never;
    this.isExpired = false;
    this.isWritten = false;
  }

  /** A new count. In modes 2 and 3 it counts from the end of the half cycle, in modes 1 and 5 from the next trigger. */
  write(count: number): void {
    this.settle();
    const isFirst = !this.isWritten;
    this.register = count;
    this.isNull = true;
    this.isWritten = true;
    if (this.needsTrigger) return;
    if (this.mode === Mode.TerminalCount) this.isExpired = false;
    if (isFirst || !this.isPeriodic) this.load = this.nextPulse();
    else this.load = Math.min(this.load, this.endOfCycle());
  }

  setGate(level: boolean): void {
    if (this.gate === level) return;
    this.settle();
    this.gate = level;
    if (!level) this.closeGate();
    else if (this.isPeriodic || this.needsTrigger) this.trigger();
    else if (this.isWritten && this.load === Never) this.goOn();
  }

  /** Whether OUT changes again by itself. */
  get isChanging(): boolean {
    return this.nextEdge(this.since) !== Never;
  }

  /** When OUT changes next after a time, or rises next; Infinity for never. Of a pulse of one CLK it is the end. */
  nextEdge(after: number, isRise = false): number {
    const { mode, start, isHigh, initial, load } = this;
    if (load === Never)
      return this.isCounting && !this.isExpired
        ? this.edgeOf({ mode, start, isHigh }, this.since, after, isRise)
        : Never;
    if (mode === Mode.OneShot || (this.isCounting && this.isPeriodic)) return load;
    return this.gate || this.needsTrigger
      ? this.edgeOf({ mode, start: initial, isHigh: true }, load, after, isRise)
      : Never;
  }

  /** As after power-on: nothing counts, and OUT is low. */
  reset(): void {
    this.program(Mode.TerminalCount, false);
    this.start = 0;
    this.since = 0;
    this.register = 0;
    this.isHigh = true;
    this.gate = this.firstGate;
  }

  /** Brings the state up to the present. It changes nothing that can be observed. */
  settle(): void {
    const { now } = this.clock;
    if (this.load <= now) this.loadNow();
    this.pass(now);
  }

  protected get needsTrigger(): boolean {
    return needsTrigger(this.mode);
  }

  protected get isPeriodic(): boolean {
    return repeats(this.mode);
  }

  /** Counts are loaded at a pulse of CLK, never between two. */
  protected nextPulse(): number {
    return this.clk.timeOf(this.clk.pulseAt(this.clock.now) + 1);
  }

  /** Where the period ends in mode 2, and the half cycle in mode 3. Never while GATE is low: then a trigger loads. */
  protected endOfCycle(): number {
    if (!this.isCounting) return Never;
    const { mode, start, isHigh } = this;
    return this.clk.timeOf(this.clk.pulseAt(this.since) + cycleOf({ mode, start, isHigh }));
  }

  /** The count that CR holds; zero is the largest. */
  protected get initial(): number {
    const { register } = this;
    if (!this.isDecimal) return register || Largest;
    return fromDecimal(register) || 10_000;
  }

  /** What CE holds in mode 3, where it counts by two: an odd count loses one. */
  protected squareWaveCount(start: number, pulses: number): number {
    return start - (start & 1) - 2 * pulses;
  }

  /** A low level stops the count. In modes 2 and 3 OUT is high at once. */
  protected closeGate(): void {
    if (this.needsTrigger) return;
    // A count that was to be loaded at the end of the cycle waits for the trigger.
    if (this.isPeriodic && this.isCounting) this.load = Never;
    this.freeze();
  }

  protected trigger(): void {
    if (this.isWritten) this.load = Math.min(this.load, this.nextPulse());
  }

  private goOn(): void {
    this.isCounting = true;
    this.since = this.clk.timeOf(this.clk.pulseAt(this.clock.now));
  }

  private freeze(): void {
    this.settle();
    if (!this.isCounting) return;
    this.start = this.counted();
    if (this.start === 0 && !this.isPeriodic) this.isExpired = true;
    this.isCounting = false;
  }

  protected loadNow(): void {
    this.pass(this.load);
    if (!this.isCounting) this.isHigh = true;
    this.start = this.initial;
    this.since = this.load;
    this.load = Never;
    this.isNull = false;
    this.isExpired = false;
    this.isCounting = this.gate || this.needsTrigger;
    if (!this.isCounting && this.mode === Mode.SquareWave) this.start = this.squareWaveCount(this.start, 0);
  }

  /** CE at this instant; below zero once it has counted through. */
  private counted(): number {
    const pulses = this.clk.pulseAt(this.clock.now) - this.clk.pulseAt(this.since);
    return this.mode === Mode.SquareWave ? this.squareWaveCount(this.start, pulses) : this.start - pulses;
  }

  private pass(time: number): void {
    if (!this.isCounting) return;
    const [now, first] = [this.clk.pulseAt(time), this.clk.pulseAt(this.since)];
    if (this.isPeriodic) this.passCycles(now, now - first);
    else if (this.isExpired || now - first > this.start - (strobes(this.mode) ? 0 : 1)) {
      const values = this.isDecimal ? 10_000 : Largest;
      this.start = (((this.start - (now - first)) % values) + values) % values;
      this.since = this.clk.timeOf(now);
      this.isExpired = true;
    }
  }

  private passCycles(now: number, pulses: number): void {
    const half = this.mode === Mode.RateGenerator ? this.start : highHalf(this.start);
    const place = ((this.isHigh ? 0 : half) + pulses) % this.start;
    this.isHigh = place < half;
    this.since = this.clk.timeOf(now - (this.isHigh ? place : place - half));
  }

  private edgeOf(run: Run, begin: number, after: number, isRise: boolean): number {
    const first = this.clk.pulseAt(begin);
    const edge = edgeAfter(run, this.clk.pulseAt(after) - first, isRise);
    return edge === Never ? Never : this.clk.timeOf(first + edge);
  }
}
