import {
  defineOptions,
  device,
  InterruptPin,
  IsaDevice,
  inject,
  isaIrq,
  MICROSECOND,
  type OptionsOf,
  option,
  options,
  SECOND,
  state,
  type Timer,
  VirtualClock,
} from '../sdk/index.ts';
import { IntervalCounter } from './i8254/counter.ts';
import { CountingElement } from './i8254/counting-element.ts';
import { Access, ControlWord, Counters, Port, ReadBack, systemControl, timerPorts } from './i8254/registers.ts';

/** Edges of OUT 0 that are closer are not reported one by one: no processor takes as many interrupts. */
const ShortestPause = 10 * MICROSECOND;
/** 128 rows of memory are refreshed in 2 ms. */
const RefreshPeriod = 15_625;
/** The data bus floats in a read of the control word: the chip does not drive it. */
const FloatingBus = 0xff;

export const i8254Options = defineOptions({
  iobase: option.integer({
    ...{ description: 'first of its four ports', default: 0x40, range: [0, 0xfffc], places: timerPorts },
  }),
  irq: option.integer({
    ...{ description: 'ISA interrupt line of OUT 0', default: 0, range: [0, 15], wires: { pin: 'irq', to: isaIrq } },
  }),
});

/**
 * The PC's interval timer 8254 with system control port B (0x61), both parts of a PIIX3. OUT 0 is an interrupt line. GATE 2 and OUT 2
 * are bits of port 0x61; GATE 0 and 1 are high. OUT 1 and the speaker are not connected. The refresh bit follows guest time.
 *
 * The state at power-on is undefined by the datasheet. Here, and after a reset, nothing counts and OUT is low until a control word and a
 * count are written. No port is coalesced: the moment of each write matters. A pulse of OUT 0 that lasts for one CLK is seen by the
 * interrupt controller as its end, which is the rising edge. A hostile guest can interrupt itself 100,000 times a second.
 *
 * @see Intel 8254 datasheet, order number 231164, "Mode Definitions" and "Programming the 8254"
 * @see Intel 82371SB (PIIX3) datasheet, "NMISC - NMI Status and Control Register"
 */
@device({ type: 'i8254', description: 'Interval timer 8254 and system control port B of a PC' })
export class I8254 extends IsaDevice {
  /** OUT 0. */
  readonly irq = new InterruptPin();
  /** @internal */
  @state readonly counters: readonly IntervalCounter[];
  @systemControl systemControl = 0;
  private readonly edge: Timer;

  constructor(
    @inject(VirtualClock) protected readonly clock: VirtualClock,
    @options(i8254Options) _chosen: OptionsOf<typeof i8254Options>,
  ) {
    super();
    const [Counter, Element] = [this.counterClass(), this.elementClass()];
    this.counters = Array.from({ length: Counters }, (_, index) => new Counter(new Element(clock, index < 2)));
    this.edge = clock.timer('out0-edge', () => this.reportEdge());
    this.edge.armedWhile = () => this.counter(0).element.isChanging;
  }

  @timerPorts.write(Port.Counter0, { length: Counters })
  writeCount(value: number, index: number): void {
    this.counter(index).write(value);
    if (index === 0) this.output0();
  }

  @timerPorts.read(Port.Counter0, { length: Counters })
  readCount(index: number): number {
    return this.counter(index).read();
  }

  @timerPorts.write(Port.ControlWord)
  writeControlWord(value: number): void {
    const select = value >> ControlWord.Select;
    if (select === ControlWord.ReadBack) this.readBack(value);
    else if (((value >> ControlWord.Access) & 3) === Access.Latch) this.counter(select).latchCount();
    else {
      this.counter(select).program(value & ControlWord.Kept);
      if (select === 0) this.output0();
    }
  }

  /** @see Intel 8254 datasheet, "Read/Write Operations Summary": no operation, three-state */
  @timerPorts.read(Port.ControlWord)
  readControlWord(): number {
    return FloatingBus;
  }

  @systemControl.onWrite('gate2')
  setGate2(level: number): void {
    this.counter(2).element.setGate(level === 1);
  }

  /** @see Intel 82371SB (PIIX3) datasheet, "NMISC": the bit changes with every refresh cycle */
  @systemControl.onRead('refresh')
  showRefresh(): number {
    return Math.floor((this.clock.now % SECOND) / RefreshPeriod) & 1;
  }

  @systemControl.onRead('out2')
  showOut2(): number {
    return this.counter(2).element.out ? 1 : 0;
  }

  override reset(): void {
    super.reset();
    for (const counter of this.counters) counter.reset();
    this.output0();
  }

  /** The class of the three counters. A subclass may replace it. @internal */
  protected counterClass(): typeof IntervalCounter {
    return IntervalCounter;
  }

  /** The class of their counting elements. A subclass may replace it. @internal */
  protected elementClass(): typeof CountingElement {
    return CountingElement;
  }

  private counter(index: number): IntervalCounter {
    return this.counters[index] as IntervalCounter;
  }

  private readBack(command: number): void {
    for (const [index, counter] of this.counters.entries()) {
      if ((command & (ReadBack.Counter0 << index)) === 0) continue;
      if ((command & ReadBack.NoCount) === 0) counter.latchCount();
      if ((command & ReadBack.NoStatus) === 0) counter.latchStatus();
    }
  }

  /** The guest has written to counter 0, or a reset has stopped it. @internal */
  protected output0(): void {
    const { element } = this.counter(0);
    this.irq.set(element.reportedLevel);
    this.awaitEdge(element.nextEdge(this.clock.now));
  }

  /** OUT 0 has changed by itself, or a pulse of it is over. @internal */
  protected reportEdge(): void {
    const { element } = this.counter(0);
    const { now } = this.clock;
    element.settle();
    this.irq.set(false);
    this.irq.set(element.reportedLevel);
    const next = element.nextEdge(now);
    const later = next < now + ShortestPause ? element.nextEdge(now + ShortestPause, true) : next;
    this.awaitEdge(later === Number.POSITIVE_INFINITY ? next : later);
  }

  /** @internal */
  protected awaitEdge(at: number): void {
    if (at === Number.POSITIVE_INFINITY) this.edge.cancel();
    else this.edge.arm(at);
  }
}
