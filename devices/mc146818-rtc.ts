import {
  addCoalescedIo,
  BackplaneError,
  defineOptions,
  device,
  InterruptPin,
  IsaDevice,
  inject,
  isaIrq,
  MILLISECOND,
  type OptionsOf,
  option,
  options,
  portRegion,
  shape,
  state,
  VirtualClock,
} from '../sdk/index.ts';
import { isAlarmRegister, isTimeRegister } from './mc146818-rtc/calendar.ts';
import { InterruptFlags } from './mc146818-rtc/interrupt-flags.ts';
import { PeriodicInterrupt, periodOfRate } from './mc146818-rtc/periodic-interrupt.ts';
import { Cause, Divider, Register, ShutdownStatus, StatusA, StatusB, StatusD } from './mc146818-rtc/registers.ts';
import { TimeOfDay } from './mc146818-rtc/time-of-day.ts';
import { UpdateCycle } from './mc146818-rtc/update-cycle.ts';

const Port = { Index: 0, Data: 1 } as const;

/** The chip decodes one address line: what runs over its two ports comes back to them. */
const ports = portRegion({ name: 'rtc', base: 0x70, size: 2, implements: { max: 1 }, mirrored: true });

export const rtcOptions = defineOptions({
  baseYear: option.integer({
    description: 'the year that stands in the registers as year 0 of century 0',
    default: 1980,
  }),
  iobase: option.integer({ description: 'first of the two ports', default: 0x70, range: [0, 0xfffe], places: ports }),
  irq: option.integer({
    description: 'ISA interrupt line',
    default: 8,
    range: [0, 15],
    wires: { pin: 'irq', to: isaIrq },
  }),
  lostTickPolicy: option.choice(['discard', 'slew'], {
    description: 'what to do with periodic interrupts that the guest did not get: forget them, or send them again',
    default: 'discard',
  }),
  date: option.date({ description: 'date and time at power-on, UTC', default: new Date('2026-01-01T00:00:00Z') }),
});

/**
 * MC146818 clock and CMOS RAM: one port chooses a register, the other reads or writes it.
 *
 * A hostile guest can set any time, read and write the 128 bytes, and raise one interrupt line up to 8192 times a second of
 * guest time. Impossible dates count on into possible ones, a byte stays a byte, an index above 0x7f loses its top bit, and
 * no loop is longer than a day has minutes.
 */
@device({ type: 'mc146818rtc', description: 'MC146818 real-time clock and CMOS RAM' })
@addCoalescedIo(ports, { offset: Port.Index, size: 1 })
export class Mc146818Rtc extends IsaDevice {
  readonly irq = new InterruptPin();
  /** Battery-backed bytes. Those of time and date are brought up to date when somebody looks; those of status are unused. */
  @state readonly ram = new Uint8Array(128);
  @state({ as: shape.bits(7) }) index = 0;
  @state({ as: shape.bits(8) }) statusA: number = StatusA.PowerOn;
  @state({ as: shape.bits(8) }) statusB: number = StatusB.TwentyFourHours;
  @state readonly periodic: PeriodicInterrupt;

  @state private readonly flags = new InterruptFlags(this.irq, this);
  @state private readonly time: TimeOfDay;
  @state private readonly update: UpdateCycle;

  constructor(
    @inject(VirtualClock) private readonly clock: VirtualClock,
    @options(rtcOptions) { baseYear, date, lostTickPolicy }: OptionsOf<typeof rtcOptions>,
  ) {
    super();
    // 2000 is how a PC says that its century register counts from the year 0.
    const yearZero = baseYear === 2000 ? 0 : baseYear;
    this.time = this.createTimeOfDay(this.ram, yearZero, date, clock.now);
    this.update = new UpdateCycle(clock, this.time, this.flags, this);
    this.periodic = new PeriodicInterrupt(clock, lostTickPolicy, this.flags, this);
  }

  @ports.write(Port.Index)
  selectRegister(value: number): void {
    this.index = value & 0x7f;
  }

  /** The index cannot be read back: nothing drives the bus. */
  @ports.read(Port.Index)
  readIndex(): number {
    return 0xff;
  }

  @ports.write(Port.Data)
  writeSelected(value: number): void {
    const register = this.selected();
    if (register === Register.StatusA) this.writeStatusA(value);
    else if (register === Register.StatusB) this.writeStatusB(value);
    else if (register === Register.StatusC || register === Register.StatusD) this.refuse(register);
    else this.writeByte(register, value);
  }

  @ports.read(Port.Data)
  readSelected(): number {
    const register = this.selected();
    switch (register) {
      case Register.StatusA:
        return this.readStatusA();
      case Register.StatusB:
        return this.statusB;
      case Register.StatusC:
        return this.acknowledge();
      case Register.StatusD:
        return StatusD.ValidRamAndTime;
      default:
        if (isTimeRegister(register)) this.storeTime();
        return this.ram[register] as number;
    }
  }

  /** Fills a byte of the CMOS RAM from outside, for a machine that describes itself to its firmware. Nothing else happens. */
  setCmos(register: number, value: number): void {
    if (!(register >= 0x0e && register <= 0x7f)) {
      throw new BackplaneError(
        `RTC '${this.id}': 0x${register.toString(16)} is no byte of its CMOS RAM. Use 0x0e to 0x7f; the time is set by 'date'.`,
      );
    }
    this.ram[register] = value;
  }

  /** Time, date, formats, index and CMOS RAM survive; the interrupts are off. */
  override reset(): void {
    if (this.ram[Register.ShutdownStatus] !== ShutdownStatus.ResumeFromSleep) this.ram[Register.ShutdownStatus] = 0;
    this.statusB &= ~(Cause.Periodic | Cause.Alarm | StatusB.SquareWave);
    this.flags.take();
    this.periodic.reset();
    this.update.schedule();
  }

  /** What keeps the time. A subclass may count it otherwise. */
  protected createTimeOfDay(ram: Uint8Array, baseYear: number, date: Date, now: number): TimeOfDay {
    return new TimeOfDay(ram, baseYear, date, now);
  }

  protected override onUnrealize(): void {
    this.update.cancel();
    this.periodic.cancel();
  }

  /** What happened since the guest last read status C; looking from here forgets nothing. */
  get statusC(): number {
    return this.flags.statusC;
  }

  /** Whether time passes: it stands while the guest sets it, and while the divider chain is stopped. */
  get running(): boolean {
    return (this.statusB & StatusB.Set) === 0 && (this.statusA & StatusA.Divider) <= Divider.LastRunning;
  }

  /** Ticks of the crystal between periodic interrupts; the divider chain does not matter to them. */
  get period(): number {
    return this.statusB & Cause.Periodic ? periodOfRate(this.statusA & StatusA.RateSelect) : 0;
  }

  /** Whoever selects the PS/2's century register has selected the PC's from then on. */
  private selected(): number {
    if (this.index === Register.CenturyAlias) this.index = Register.Century;
    return this.index;
  }

  private refuse(register: number): void {
    this.guestError(`write to the read-only register 0x${register.toString(16)}`);
  }

  /** While the clock runs, each byte of the time sets it at once; while it stands, they only collect. */
  private writeByte(register: number, value: number): void {
    const setsTime = isTimeRegister(register) && this.running;
    if (setsTime) this.storeTime();
    this.ram[register] = value;
    if (setsTime) this.time.load(this.clock.now, this.statusB);
    if (setsTime || isAlarmRegister(register)) this.update.schedule();
  }

  private readStatusA(): number {
    const settings = this.statusA & ~StatusA.UpdateInProgress;
    return this.update.announce() ? settings | StatusA.UpdateInProgress : settings;
  }

  /** Letting go of the divider chain starts the clock half a second before its next update. */
  private writeStatusA(value: number): void {
    const { now } = this.clock;
    const wasHeld = (this.statusA & Divider.Reset) === Divider.Reset;
    const runs = (value & StatusA.Divider) <= Divider.LastRunning;
    if (!runs) this.storeTime();
    if (runs) this.time.release(now);
    else this.time.hold(now);
    if (runs && wasHeld && !(this.statusB & StatusB.Set)) this.time.load(now, this.statusB, 500 * MILLISECOND);

    const rateChanges = ((this.statusA ^ value) & StatusA.RateSelect) !== 0;
    const told = runs && !wasHeld ? this.statusA & StatusA.UpdateInProgress : 0;
    this.statusA = (value & ~StatusA.UpdateInProgress) | told;
    if (rateChanges) this.periodic.reprogram();
    this.update.schedule();
  }

  /** SET stops the clock, and with it the wish for update interrupts; clearing it starts the clock from its bytes. */
  private writeStatusB(value: number): void {
    const { now } = this.clock;
    const set = (value & StatusB.Set) !== 0;
    const dividerRuns = (this.statusA & StatusA.Divider) <= Divider.LastRunning;
    if (set) {
      this.storeTime();
      this.statusA &= ~StatusA.UpdateInProgress;
    } else if (this.statusB & StatusB.Set && dividerRuns) {
      this.time.load(now, this.statusB, this.time.subsecond(now));
    }
    const periodicChanges = ((this.statusB ^ value) & Cause.Periodic) !== 0;
    this.statusB = set ? value & ~Cause.UpdateEnded : value;
    this.flags.reconsider();
    if (periodicChanges) this.periodic.reprogram();
    this.update.schedule();
  }

  /** Reading status C answers what happened since it was read last, and forgets it. */
  private acknowledge(): number {
    const happened = this.flags.take();
    if (happened & (Cause.UpdateEnded | Cause.Alarm)) this.update.schedule();
    this.periodic.acknowledged();
    return happened;
  }

  /** Brings the bytes of time and date up to date. While the clock stands they are what the guest wrote. */
  private storeTime(): void {
    if (this.running) this.time.store(this.clock.now, this.statusB);
  }
}
