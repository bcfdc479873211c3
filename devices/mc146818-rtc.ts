import {
  addCoalescedIo,
  BackplaneError,
  defineOptions,
  device,
  InterruptPin,
  IsaDevice,
  inject,
  isaIrq,
  type OptionsOf,
  option,
  options,
  state,
  VirtualClock,
} from '../sdk/index.ts';
import { InterruptFlags } from './mc146818-rtc/interrupt-flags.ts';
import { PeriodicInterrupt } from './mc146818-rtc/periodic-interrupt.ts';
import {
  Cause,
  cmos,
  Divider,
  index,
  isTimeRegister,
  Port,
  ports,
  Register,
  SecondsWritable,
  ShutdownStatus,
  StatusB,
  statusA,
  statusB,
  statusC,
  statusD,
  time,
} from './mc146818-rtc/registers.ts';
import { TimeBytes } from './mc146818-rtc/time-bytes.ts';
import { TimeOfDay } from './mc146818-rtc/time-of-day.ts';
import { UpdateCycle } from './mc146818-rtc/update-cycle.ts';

export const rtcOptions = defineOptions({
  baseYear: option.integer({
    description: 'the year that the registers hold as year 0 of century 0',
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
    description: 'what happens to periodic interrupts that the guest did not get: discarded, or injected again',
    default: 'discard',
  }),
  date: option.date({ description: 'date and time at power-on, UTC', default: new Date('2026-01-01T00:00:00Z') }),
});

/**
 * MC146818 real-time clock and CMOS RAM: one port selects a register, the other reads or writes it. Status A selects
 * the crystal. CMOS RAM has 128 bytes, as in a PC. The power-failure pins (PS, STBY) and the SQW pin are not modelled.
 *
 * A hostile guest can set any time and read and write the 128 bytes. It can raise one interrupt line up to 32768 times
 * a second of guest time. Impossible dates carry into possible ones, and an index above 0x7f loses its top bit. No loop
 * is longer than the minutes of a day, or than the days since the time was last read.
 *
 * @see Motorola MC146818A datasheet (ADI-1026); where it and QEMU differ, the model follows the datasheet
 * @see QEMU 7.2, hw/rtc/mc146818rtc.c, cmos_ioport_write: an index write drops bit 7; cmos_ioport_read: the index port
 *   reads 0xff
 * @see QEMU 7.2, hw/rtc/mc146818rtc.c, rtc_realizefn: the index port is a coalesced region of its own
 */
@device({ type: 'mc146818rtc', description: 'MC146818 real-time clock and CMOS RAM' })
@addCoalescedIo(ports, { offset: Port.Index, size: 1 })
export class Mc146818Rtc extends IsaDevice {
  readonly irq = new InterruptPin();
  /** All bytes by register number. Time bytes are updated when they are read; status bytes are unused. */
  readonly ram = new Uint8Array(Register.End);
  @index index = 0;
  @time readonly time = this.ram.subarray(Register.Seconds, Register.StatusA);
  @statusA statusA = 0x26;
  @statusB statusB = 0x02;
  @statusC statusC = 0;
  @statusD readonly statusD = 0x80;
  @cmos readonly cmos = this.ram.subarray(Register.Cmos, Register.End);

  /** @internal */
  @state({ atReset: 'kept' }) readonly periodic: PeriodicInterrupt;
  /** @internal */
  @state({ atReset: 'kept' }) protected readonly timeOfDay: TimeOfDay;
  private readonly update: UpdateCycle;
  private readonly flags = new InterruptFlags(this.irq, this);

  constructor(
    @inject(VirtualClock) clock: VirtualClock,
    @options(rtcOptions) { baseYear, date, lostTickPolicy }: OptionsOf<typeof rtcOptions>,
  ) {
    super();
    // A PC passes 2000, and its century register counts from the year 0. See QEMU 7.2, mc146818rtc.c, rtc_realizefn.
    const yearZero = baseYear === 2000 ? 0 : baseYear;
    this.timeOfDay = new TimeOfDay(new TimeBytes(this.ram, yearZero), date, clock, this);
    this.update = new UpdateCycle(clock, this.timeOfDay, this.flags, this);
    this.periodic = new PeriodicInterrupt(clock, lostTickPolicy, this.timeOfDay, this.flags, this);
  }

  /** The PS/2's century register selects the PC's. @see QEMU 7.2, hw/rtc/mc146818rtc.c, cmos_ioport_write, RTC_IBM_PS2_CENTURY_BYTE */
  @index.onWrite('register')
  selectRegister(register: number): void {
    if (register === Register.CenturyAlias) this.index = Register.Century;
  }

  @ports.read(Port.Index)
  readIndexPort(): number {
    return 0xff;
  }

  @time.onRead()
  showTime(_held: number, register: number): number {
    if (isTimeRegister(register)) this.timeOfDay.catchUp();
    return this.ram[register] as number;
  }

  @time.onWrite()
  setTime(value: number, before: number, register: number): void {
    this.writeByte(register, register === Register.Seconds ? value & SecondsWritable : value, before);
  }

  @cmos.onRead()
  showByte(_held: number, at: number): number {
    return this.showTime(_held, Register.Cmos + at);
  }

  @cmos.onWrite()
  setByte(value: number, before: number, at: number): void {
    this.writeByte(Register.Cmos + at, value, before);
  }

  @statusA.onRead('updateInProgress')
  announceUpdate(): number {
    return this.timeOfDay.inProgress ? 1 : 0;
  }

  /**
   * @see Motorola MC146818A datasheet, "Divider Control": after a divider reset the first update begins half a second
   * later
   */
  @statusA.onWrite()
  setRates(value: number, previous: number): void {
    const wasHeld = (previous & Divider.Reset) === Divider.Reset;
    const isHeld = (value & Divider.Reset) === Divider.Reset;
    this.statusA = previous; // Pending updates belong to the old divider.
    this.catchUp();
    const { running } = this.timeOfDay;
    this.statusA = value;
    if (wasHeld && !isHeld) this.timeOfDay.releaseDividers();
    if (!running && this.timeOfDay.running) this.startTime(wasHeld);
    this.schedule();
  }

  /**
   * SET going high clears UIE. A change of the format converts no byte.
   *
   * @see Motorola MC146818A datasheet, "UIE" and "DM" of Register B
   */
  @statusB.onWrite()
  setFormat(value: number, previous: number): void {
    const isSetting = (value & ~previous & StatusB.Set) !== 0;
    this.statusB = previous; // Pending updates belong to the old format.
    this.catchUp();
    const { running } = this.timeOfDay;
    this.statusB = isSetting ? value & ~Cause.UpdateEnded : value;
    if (!running && this.timeOfDay.running) this.startTime(false);
    this.flags.updateIrq();
    this.schedule();
  }

  /**
   * Reading status C clears its flags and lowers the line. A periodic edge that no timer reported is flagged first.
   *
   * @see Motorola MC146818A datasheet, "Register C": all flags are cleared after a read
   */
  @statusC.onRead()
  acknowledge(happened: number): number {
    this.periodic.catchUp();
    const flags = happened | this.statusC;
    this.statusC = 0;
    this.irq.set(false);
    if (flags & (Cause.UpdateEnded | Cause.Alarm)) this.update.schedule();
    if (flags & Cause.Periodic) this.periodic.acknowledged();
    return flags;
  }

  /** Sets a byte of CMOS RAM without side effects: the machine describes itself to its firmware. */
  setCmos(register: number, value: number): void {
    if (!(register >= 0x0e && register <= 0x7f)) {
      throw new BackplaneError(
        'cmos-register-out-of-range',
        `RTC '${this.id}': 0x${register.toString(16)} is not in its CMOS RAM. Use 0x0e to 0x7f; option 'date' sets the time.`,
      );
    }
    this.ram[register] = value;
  }

  /**
   * The clock, the formats, SET, the rates and the RAM are not affected. The shutdown byte 0x0f is cleared, but for a
   * resume.
   *
   * @see Motorola MC146818A datasheet, "RESET": a) to j)
   * @see QEMU 7.2, hw/rtc/mc146818rtc.c, rtc_realizefn and its reset: byte 0x0f stays only when it is 0xfe
   */
  override reset(): void {
    super.reset();
    if (this.ram[Register.ShutdownStatus] !== ShutdownStatus.ResumeFromSleep) this.ram[Register.ShutdownStatus] = 0;
    this.statusB &= ~(Cause.Any | StatusB.SquareWave);
    this.flags.updateIrq();
    this.periodic.reset();
    this.update.schedule();
  }

  protected override onUnrealize(): void {
    this.update.cancel();
    this.periodic.cancel();
  }

  protected writeByte(register: number, value: number, before: number): void {
    if (isTimeRegister(register)) {
      this.ram[register] = before; // Pending updates count from the old byte.
      this.timeOfDay.catchUp();
      if (register >= Register.Hours) this.timeOfDay.clearRepeatedHour();
    }
    this.ram[register] = value;
    if (register <= Register.Year || register === Register.Century) this.update.schedule();
  }

  /** Updates continue. A divider chain that was just released keeps its own phase. */
  protected startTime(isChainNew: boolean): void {
    if (!isChainNew) this.timeOfDay.start();
  }

  /** Performs the updates and periodic edges that are due by now. */
  private catchUp(): void {
    this.timeOfDay.catchUp();
    this.periodic.catchUp();
  }

  private schedule(): void {
    this.update.schedule();
    this.periodic.schedule();
  }
}
