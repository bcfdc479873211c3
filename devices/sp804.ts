import {
  bit,
  bits,
  type Countdown,
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
  VirtualClock,
} from '../sdk/index.ts';

const each = { width: 32, count: 2, stride: 0x20 } as const;
const readOnly = { ...each, access: 'read-only' } as const;

export const sp804Registers = mmioRegion({ name: 'sp804', size: 0x1000, accessSizes: [4] });
const load = sp804Registers.register(0x00, { ...each, description: 'where it starts again, and starts at once' });
const value = sp804Registers.register(0x04, readOnly);
const control = sp804Registers.register(0x08, {
  ...{ ...each, reset: 0x20 },
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
const clear = sp804Registers.register(0x0c, { ...each, access: 'trigger', description: 'clears the interrupt' });
const rawStatus = sp804Registers.register(0x10, readOnly);
const maskedStatus = sp804Registers.register(0x14, readOnly);
const backgroundLoad = sp804Registers.register(0x18, {
  ...each,
  description: 'where it starts again; the count goes on',
});
/** @see Arm DDI 0271, 3.3.9 to 3.3.14: part 0x804 of designer 0x41, and the PrimeCell's 0xb105f00d */
const cell = sp804Registers.register(0xfe0, {
  ...each,
  count: 8,
  stride: 4,
  access: 'constant',
  atReset: 'set-by-device',
});
const { enable, interruptEnable, oneShot, periodic, prescale, size } = control.fields;

export const sp804Options = defineOptions({
  frequency: option.integer({ description: 'ticks a second of TIMCLK', default: 1_000_000, range: [1, 1_000_000_000] }),
});

/**
 * SP804: two timers of 32 bits that count down, each with an interrupt, and a third interrupt that combines both. The
 * registers of integration tests are not modelled. A hostile guest can raise the interrupts.
 *
 * @see Arm DDI 0271, 2.2 "Functional operation" and 3.3 "Register descriptions"
 */
@device({ type: 'sp804', description: 'SP804 dual timer' })
export class Sp804 extends SystemDevice {
  readonly timint1 = new InterruptPin(() => this.isAsserted(0));
  readonly timint2 = new InterruptPin(() => this.isAsserted(1));
  readonly timintc = new InterruptPin(() => this.isAsserted(0) || this.isAsserted(1));
  @load readonly load = new Uint32Array(2);
  @control readonly control = new Uint32Array(2).fill(0x20);
  @backgroundLoad readonly backgroundLoad = new Uint32Array(2);
  @cell readonly identification = Uint32Array.of(0x04, 0x18, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1);
  private readonly timers: readonly Countdown[];

  constructor(
    @inject(VirtualClock) clock: VirtualClock,
    @options(sp804Options) { frequency }: OptionsOf<typeof sp804Options>,
  ) {
    super();
    this.timers = ['timer1', 'timer2'].map((name) => clock.countdown(name, { frequency }));
  }

  /** @see Arm DDI 0271, 3.3.1 "Load Register": a load of 0 interrupts at once */
  @load.onWrite()
  loadNow(start: number, _previous: number, index: number): void {
    this.timer(index).load(start);
    this.loadLater(start, 0, index);
    if (start === 0 && enable.of(this.control[index] as number) !== 0) this.timer(index).trigger();
  }

  /** Both load registers read what was written last to one of them. */
  @backgroundLoad.onWrite()
  loadLater(start: number, _previous: number, index: number): void {
    this.load[index] = start;
    this.backgroundLoad[index] = start;
    this.run(index);
  }

  /** A timer that is loaded with 0 interrupts when it is enabled, and not again when its control is written later. */
  @control.onWrite()
  setControl(held: number, previous: number, index: number): void {
    const timer = this.run(index);
    if (enable.of(held & ~previous) !== 0 && timer.reload === 0) timer.trigger();
  }

  @clear
  acknowledge(_value: number, index: number): void {
    this.timer(index).acknowledge();
  }

  @value
  get value(): Uint32Array {
    return Uint32Array.from(this.timers, (timer) => timer.value);
  }

  @rawStatus
  get rawStatus(): Uint32Array {
    return Uint32Array.from(this.timers, ({ expired }) => Number(expired));
  }

  @maskedStatus
  get maskedStatus(): Uint32Array {
    return Uint32Array.from(this.timers, (_, index) => Number(this.isAsserted(index)));
  }

  private isAsserted(index: number): boolean {
    return this.timer(index).expired && interruptEnable.of(this.control[index] as number) !== 0;
  }

  protected timer(index: number): Countdown {
    return this.timers[index] as Countdown;
  }

  /** Applies the control and load registers. A timer that has stopped at zero stays there until it is loaded. */
  private run(index: number): Countdown {
    const [timer, held] = [this.timer(index), this.control[index] as number];
    const isOnce = oneShot.of(held) !== 0;
    const isFree = !isOnce && periodic.of(held) === 0;
    timer.prescaler = [1, 16, 256][prescale.of(held)] ?? 1;
    timer.mode = isOnce ? 'one-shot' : 'periodic';
    timer.reload = !isFree ? (this.load[index] as number) : size.of(held) === 0 ? 0xffff : 0xffff_ffff;
    timer.reloads = isFree ? 'after-zero' : 'at-zero';
    if (enable.of(held) === 0 || (isOnce && timer.value === 0)) timer.stop();
    else timer.start();
    return timer;
  }
}
