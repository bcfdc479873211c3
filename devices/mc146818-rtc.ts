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
  state,
  VirtualClock,
} from '../sdk/index.ts';
import { isAlarmRegister, isTimeRegister } from './mc146818-rtc/calendar.ts';
import { InterruptFlags } from './mc146818-rtc/interrupt-flags.ts';
import { PeriodicInterrupt, periodOfRate } from './mc146818-rtc/periodic-interrupt.ts';
import {
  Cause,
  cmos,
  Divider,
  index,
  Port,
  ports,
  Register,
  ShutdownStatus,
  StatusA,
  StatusB,
  statusA,
  statusB,
  statusC,
  statusD,
  time,
} from './mc146818-rtc/registers.ts';
import { TimeOfDay } from './mc146818-rtc/time-of-day.ts';
import { UpdateCycle } from './mc146818-rtc/update-cycle.ts';

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
  /** All bytes by their numbers. Those of time and date are brought up to date when somebody looks; those of status are unused. */
  readonly ram = new Uint8Array(Register.End);
  @index index = 0;
  @time readonly time = this.ram.subarray(Register.Seconds, Register.StatusA);
  @statusA statusA = 0x26;
  @statusB statusB = 0x02;
  @statusC statusC = 0;
  @statusD readonly statusD = 0x80;
  @cmos readonly cmos = this.ram.subarray(Register.Cmos, Register.End);

  @state({ atReset: 'kept' }) readonly periodic: PeriodicInterrupt;
  @state({ atReset: 'kept' }) private readonly timeOfDay: TimeOfDay;
  @state private readonly update: UpdateCycle;
  private readonly flags = new InterruptFlags(this.irq, this);

  constructor(
    @inject(VirtualClock) private readonly clock: VirtualClock,
    @options(rtcOptions) { baseYear, date, lostTickPolicy }: OptionsOf<typeof rtcOptions>,
  ) {
    super();
    // 2000 is how a PC says that its century register counts from the year 0.
    const yearZero = baseYear === 2000 ? 0 : baseYear;
    this.timeOfDay = this.createTimeOfDay(this.ram, yearZero, date, clock);
    this.update = new UpdateCycle(clock, this.timeOfDay, this.flags, this);
    this.periodic = new PeriodicInterrupt(clock, lostTickPolicy, this.flags, this);
  }

  /** Whoever selects the PS/2's century register gets the PC's. */
  @index.onWrite('register')
  selectRegister(register: number): void {
    if (register === Register.CenturyAlias) this.index = Register.Century;
  }

  @time.onRead()
  showTime(_held: number, register: number): number {
    if (isTimeRegister(register)) this.storeTime();
    return this.ram[register] as number;
  }

  @time.onWrite()
  setTime(value: number, _before: number, register: number): void {
    this.writeByte(register, value);
  }

  @cmos.onRead()
  showByte(_held: number, at: number): number {
    return this.showTime(_held, Register.Cmos + at);
  }

  @cmos.onWrite()
  setByte(value: number, _before: number, at: number): void {
    this.writeByte(Register.Cmos + at, value);
  }

  @statusA.onRead('updateInProgress')
  announceUpdate(): number {
    return this.update.announce() ? 1 : 0;
  }

  /** Letting go of the divider chain starts the clock half a second before its next update. */
  @statusA.onWrite()
  setRates(value: number, previous: number): void {
    const { now } = this.clock;
    const wasHeld = (previous & Divider.Reset) === Divider.Reset;
    const runs = (value & StatusA.Divider) <= Divider.LastRunning;
    this.statusA = previous; // Until the time that it has kept is stored.
    if (!runs) this.storeTime();
    if (runs) this.timeOfDay.release(now);
    else this.timeOfDay.hold(now);
    if (runs && wasHeld && !(this.statusB & StatusB.Set)) this.timeOfDay.load(now, this.statusB, 500 * MILLISECOND);

    this.statusA = runs && !wasHeld ? value : value & ~StatusA.UpdateInProgress;
    if ((previous ^ value) & StatusA.RateSelect) this.periodic.reprogram();
    this.update.schedule();
  }

  /** SET stops the clock, and with it the wish for update interrupts; clearing it starts the clock from its bytes. */
  @statusB.onWrite()
  setFormat(value: number, previous: number): void {
    const { now } = this.clock;
    const set = (value & StatusB.Set) !== 0;
    const dividerRuns = (this.statusA & StatusA.Divider) <= Divider.LastRunning;
    this.statusB = previous; // The format in which the time was kept and set.
    if (set) {
      this.storeTime();
      this.statusA &= ~StatusA.UpdateInProgress;
    } else if (previous & StatusB.Set && dividerRuns) {
      this.timeOfDay.load(now, previous, this.timeOfDay.subsecond(now));
    }
    this.statusB = set ? value & ~Cause.UpdateEnded : value;
    this.flags.reconsider();
    if ((previous ^ value) & Cause.Periodic) this.periodic.reprogram();
    this.update.schedule();
  }

  /** Whoever reads status C has been told. */
  @statusC.onRead()
  acknowledge(happened: number): void {
    this.irq.set(false);
    if (happened & (Cause.UpdateEnded | Cause.Alarm)) this.update.schedule();
    this.periodic.acknowledged();
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
    super.reset();
    if (this.ram[Register.ShutdownStatus] !== ShutdownStatus.ResumeFromSleep) this.ram[Register.ShutdownStatus] = 0;
    this.statusB &= ~(Cause.Periodic | Cause.Alarm | StatusB.SquareWave);
    this.irq.set(false);
    this.periodic.reset();
    this.update.schedule();
  }

  /** What keeps the time. A subclass may count it otherwise. */
  protected createTimeOfDay(ram: Uint8Array, baseYear: number, date: Date, clock: VirtualClock): TimeOfDay {
    return new TimeOfDay(ram, baseYear, date, clock);
  }

  protected override onUnrealize(): void {
    this.update.cancel();
    this.periodic.cancel();
  }

  /** Whether time passes: it stands while the guest sets it, and while the divider chain is stopped. */
  get running(): boolean {
    return (this.statusB & StatusB.Set) === 0 && (this.statusA & StatusA.Divider) <= Divider.LastRunning;
  }

  /** Ticks of the crystal between periodic interrupts; the divider chain does not matter to them. */
  get period(): number {
    return this.statusB & Cause.Periodic ? periodOfRate(this.statusA & StatusA.RateSelect) : 0;
  }

  /** While the clock runs, each byte of the time sets it at once; while it stands, they only collect. */
  private writeByte(register: number, value: number): void {
    const setsTime = isTimeRegister(register) && this.running;
    if (setsTime) this.storeTime();
    this.ram[register] = value;
    if (setsTime) this.timeOfDay.load(this.clock.now, this.statusB);
    if (setsTime || isAlarmRegister(register)) this.update.schedule();
  }

  /** Brings the bytes of time and date up to date. While the clock stands they are what the guest wrote. */
  private storeTime(): void {
    if (this.running) this.timeOfDay.store(this.clock.now, this.statusB);
  }
}
