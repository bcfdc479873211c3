import { DevicePart } from '../../device/part.ts';
import { state } from '../../state/schema.ts';
import { shape } from '../../state/shapes.ts';
import type { I2cBus } from './bus.ts';

const BitsOfByte = 8;

/**
 * Turns the levels of a clock and a data line into transfers: for controllers whose guest moves the lines itself. A line is high
 * while neither side pulls it low, so `clock` and `data` are what the guest reads back.
 *
 * Targets change the data line when the clock rises and release it when it falls. So a bit is right as long as the clock is high, which is when it counts.
 *
 * @see NXP UM10204, 3.1.3 "Data validity", 3.1.4 "START and STOP conditions", 3.1.6 "Acknowledge"
 */
export class I2cLines extends DevicePart {
  /** What the controller does; true releases a line. */
  @state private clockOut = true;
  @state protected dataOut = true;
  /** What the targets do with the data line. */
  @state private dataIn = true;
  @state({ as: shape.choice(['idle', 'address', 'write', 'read']) }) private phase:
    | 'idle'
    | 'address'
    | 'write'
    | 'read' = 'idle';
  /** Clocks of the present byte; the ninth is its acknowledge. */
  @state({ as: shape.integer(0, 8) }) private clocks = 0;
  @state({ as: shape.bits(8) }) private byte = 0;

  constructor(private readonly bus: I2cBus) {
    super();
  }

  /** The level of the data line. */
  get data(): boolean {
    return this.dataOut && this.dataIn;
  }

  /** The level of the clock line at this guest time: low as long as a target holds it. */
  clockAt(now: number): boolean {
    return this.clockOut && now >= this.bus.heldUntil;
  }

  /** The controller no longer pulls the lines named by true. */
  release(clock: boolean, data: boolean): void {
    this.set(this.clockOut || clock, this.dataOut || data);
  }

  /** The controller pulls the lines named by true. */
  pull(clock: boolean, data: boolean): void {
    this.set(this.clockOut && !clock, this.dataOut && !data);
  }

  /** The controller releases a line (true) or pulls it low. Where both change at once the clock is first. */
  set(clock: boolean, data: boolean): void {
    if (clock !== this.clockOut) this.setClock(clock);
    if (data !== this.dataOut) this.setData(data);
  }

  /** The controller is reset, and releases both lines. */
  reset(): void {
    this.clockOut = true;
    this.dataOut = true;
    this.dataIn = true;
    this.phase = 'idle';
    this.clocks = 0;
    this.byte = 0;
  }

  /** The level whose edges are starts and stops: that of the line, on which neither happens while a target pulls it. */
  protected get decisive(): boolean {
    return this.data;
  }

  /** An edge of the data line while the clock is high is a start (falling) or a stop. */
  private setData(level: boolean): void {
    const before = this.decisive;
    this.dataOut = level;
    if (!this.clockOut || this.decisive === before) return;
    this.clocks = 0;
    this.byte = 0;
    if (this.decisive) this.bus.stop();
    this.phase = this.decisive ? 'idle' : 'address';
  }

  private setClock(level: boolean): void {
    this.clockOut = level;
    if (!level) this.dataIn = true;
    else if (this.phase === 'read') this.clockIn();
    else if (this.phase !== 'idle') this.clockOutBit();
  }

  /** A bit from the controller to the targets, or their acknowledge. */
  private clockOutBit(): void {
    if (this.clocks++ < BitsOfByte) {
      this.byte = ((this.byte << 1) | (this.dataOut ? 1 : 0)) & 0xff;
      return;
    }
    const { byte } = this;
    this.clocks = 0;
    const acknowledged =
      this.phase === 'address' ? this.bus.start(byte >> 1, byte & 1 ? 'read' : 'write') : this.bus.write(byte);
    this.dataIn = !acknowledged;
    if (!acknowledged) this.phase = 'idle';
    else if (this.phase === 'address') this.phase = byte & 1 ? 'read' : 'write';
  }

  /** A bit from a target to the controller, or the controller's acknowledge. */
  private clockIn(): void {
    if (this.clocks === BitsOfByte) {
      this.clocks = 0;
      // The controller wants no further byte: targets wait for a start or a stop.
      if (this.dataOut) this.phase = 'idle';
      return;
    }
    if (this.clocks === 0) this.byte = this.bus.read();
    this.dataIn = (this.byte & 0x80) !== 0;
    this.byte = (this.byte << 1) & 0xff;
    this.clocks++;
  }
}
