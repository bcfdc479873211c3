import {
  bit,
  bits,
  type Countdown,
  containerRegion,
  contains,
  defineOptions,
  device,
  InterruptPin,
  inject,
  mmioRegion,
  type OptionsOf,
  option,
  options,
  reserved,
  SystemDevice,
  subDevice,
  VirtualClock,
} from '../sdk/index.ts';

export const sp804Options = defineOptions({
  frequency: option.integer({ description: 'ticks a second of TIMCLK', default: 1_000_000, range: [1, 1_000_000_000] }),
});

const word = { width: 32 } as const;
const readOnly = { ...word, access: 'read-only' } as const;

const timerRegisters = mmioRegion({ name: 'sp804-timer', size: 0x20, accessSizes: [4] });
const load = timerRegisters.register(0x00, { ...word, description: 'where it starts again, and starts at once' });
const value = timerRegisters.register(0x04, readOnly);
const control = timerRegisters.register(0x08, {
  ...{ ...word, reset: 0x20 },
  fields: {
    oneShot: bit(0, 'read-write', { description: 'stops at zero' }),
    size: bit(1, 'read-write', { description: 'a free-running timer wraps to 32 bits, not to 16' }),
    prescale: bits(2, 3, 'read-write', { description: 'divides by 1, 16 or 256; 3 is undefined and divides by 1' }),
    interruptEnable: bit(5),
    periodic: bit(6, 'read-write', { description: 'starts again from the load register; 0: free-running' }),
    enable: bit(7),
    none: reserved([4, 4], [8, 31]),
  },
});
const clear = timerRegisters.register(0x0c, { ...word, access: 'trigger', description: 'clears the interrupt' });
const rawStatus = timerRegisters.register(0x10, readOnly);
const maskedStatus = timerRegisters.register(0x14, readOnly);
const backgroundLoad = timerRegisters.register(0x18, {
  ...word,
  description: 'where it starts again; the count goes on',
});
const { enable, interruptEnable, oneShot, periodic, prescale, size } = control.fields;
const divisors: readonly number[] = [1, 16, 256];

/**
 * One of the two timers: 32 bits that count down, and an interrupt.
 *
 * @see Arm DDI 0271, 2.2 "Functional operation" and 3.3 "Register descriptions"
 */
@device({ type: 'sp804-timer', description: 'one timer of an SP804' })
export class Sp804Timer extends SystemDevice {
  readonly irq = new InterruptPin(() => this.maskedStatus !== 0);
  @load load = 0;
  @control control = 0x20;
  @backgroundLoad backgroundLoad = 0;
  protected readonly counter: Countdown;

  constructor(
    @inject(VirtualClock) clock: VirtualClock,
    @options(sp804Options) { frequency }: OptionsOf<typeof sp804Options>,
  ) {
    super();
    this.counter = clock.countdown('counter', { frequency });
  }

  /** @see Arm DDI 0271, 3.3.1 "Load Register": a load of 0 interrupts at once */
  @load.onWrite()
  loadNow(start: number): void {
    this.counter.load(start);
    this.loadLater(start);
    if (start === 0 && enable.of(this.control) !== 0) this.counter.trigger();
  }

  /** Both load registers read what was written last to one of them. */
  @backgroundLoad.onWrite()
  loadLater(start: number): void {
    this.load = start;
    this.backgroundLoad = start;
    this.run();
  }

  /** A timer that is loaded with 0 interrupts when it is enabled, and not again when its control is written later. */
  @control.onWrite()
  setControl(held: number, previous: number): void {
    this.run();
    if (enable.of(held & ~previous) !== 0 && this.counter.reload === 0) this.counter.trigger();
  }

  @clear
  acknowledge(): void {
    this.counter.acknowledge();
  }

  @value
  get value(): number {
    return this.counter.value;
  }

  @rawStatus
  get rawStatus(): number {
    return this.counter.expired ? 1 : 0;
  }

  @maskedStatus
  get maskedStatus(): number {
    return this.rawStatus & interruptEnable.of(this.control);
  }

  /** Applies the control and load registers. A timer that has stopped at zero stays there until it is loaded. */
  private run(): void {
    const { control: held, counter } = this;
    const isOnce = oneShot.of(held) !== 0;
    const isFree = !isOnce && periodic.of(held) === 0;
    counter.prescaler = divisors[prescale.of(held)] ?? 1;
    counter.mode = isOnce ? 'one-shot' : 'periodic';
    counter.reload = !isFree ? this.load : size.of(held) === 0 ? 0xffff : 0xffff_ffff;
    counter.reloads = isFree ? 'after-zero' : 'at-zero';
    if (enable.of(held) === 0 || (isOnce && counter.value === 0)) counter.stop();
    else counter.start();
  }
}

export const sp804Registers = containerRegion({ name: 'sp804', size: 0x1000 });
/** What lies outside of the timers. */
const chipRegisters = mmioRegion({ name: 'sp804-chip', size: 0x1000, accessSizes: [4], priority: -1 });
/** @see Arm DDI 0271, 3.3.9 to 3.3.14: part 0x804 of designer 0x41, and the PrimeCell's 0xb105f00d */
const cell = chipRegisters.register(0xfe0, { ...word, count: 8, access: 'constant', atReset: 'set-by-device' });

/**
 * SP804: two timers, whose pins are TIMINT1 and TIMINT2, and a third interrupt that combines both. The registers of
 * integration tests are not modelled. A hostile guest can raise the interrupts.
 *
 * @see Arm DDI 0271, 2.2 "Functional operation" and 3.3 "Register descriptions"
 */
@device({ type: 'sp804', description: 'SP804 dual timer' })
@contains(sp804Registers)
export class Sp804 extends SystemDevice {
  /** The class of its timers. A class derived from this one may have another. */
  static readonly Timer = Sp804Timer;
  readonly timer1: Sp804Timer;
  readonly timer2: Sp804Timer;
  readonly timintc = new InterruptPin(() => this.timer1.irq.level || this.timer2.irq.level);
  @cell readonly identification = Uint32Array.of(0x04, 0x18, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1);

  constructor(
    @inject(VirtualClock) clock: VirtualClock,
    @options(sp804Options) chosen: OptionsOf<typeof sp804Options>,
  ) {
    super();
    const { Timer } = new.target;
    this.timer1 = subDevice(() => new Timer(clock, chosen), { inside: sp804Registers, offset: 0x00 });
    this.timer2 = subDevice(() => new Timer(clock, chosen), { inside: sp804Registers, offset: 0x20 });
  }

  protected override onRealize(): void {
    this.region(sp804Registers).addSubregion(0, this.region(chipRegisters), chipRegisters.priority);
  }
}
