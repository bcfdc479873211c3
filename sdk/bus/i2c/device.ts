import { rememberReserved, reserveMembers } from '../../device/class-checks.ts';
import { Device, inDeviceEvent } from '../../device/index.ts';
import { state } from '../../state/schema.ts';
import { shape } from '../../state/shapes.ts';
import { GeneralCall, type I2cAddress, type I2cDirection } from './address.ts';
import { I2cBus } from './bus.ts';
import { type Acknowledge, type I2cClockLine, type I2cTarget, ReleasedByte } from './target.ts';

/**
 * A target on an I2C bus: a sensor, a clock, a memory. It overrides what happens at a start, at each byte and at a stop. For a
 * chip with registers behind a pointer extend `I2cRegisterDevice`.
 *
 * Handlers are called in this order, whatever the controller does: `onStart`, then `onWrite` or `onRead` as the direction says,
 * then another `onStart` or `onStop`. A target that another start passes by is not called.
 */
export abstract class I2cDevice extends Device implements I2cTarget {
  /** The kind of bus that devices of this class plug into. */
  static readonly plugsInto = I2cBus;
  /** Where it answers now. A device may assign it: the next start goes by it. A reset puts back where it was plugged in. */
  @state({ as: shape.bits(16) }) busAddress: I2cAddress = 0;
  /** It takes part in the transfer. Its bus assigns it. */
  @state addressed = false;
  #clockLine: I2cClockLine | undefined;
  #pluggedAt: I2cAddress = 0;

  constructor() {
    super();
    rememberReserved(this, I2cDevice);
  }

  /** Where the machine plugged it in. */
  get pluggedAt(): I2cAddress {
    return this.#pluggedAt;
  }

  /** Which bits of the address the chip compares; a memory that uses address bits for itself compares fewer. Default: all. */
  get addressMask(): number {
    return 0xffff;
  }

  /** Whether it takes the general call too: `onStart` gets address 0 then. Default: no. */
  get takesGeneralCall(): boolean {
    return false;
  }

  /** Whether a start with this address means this target. */
  respondsTo(address: I2cAddress, direction: I2cDirection): boolean {
    if (address === GeneralCall) return this.takesGeneralCall && direction === 'write';
    return ((address ^ this.busAddress) & this.addressMask) === 0;
  }

  /** A start or a repeated start addresses it. `false`: it does not acknowledge, and sees nothing of this transfer. */
  onStart(_direction: I2cDirection, _address: I2cAddress): Acknowledge {}
  /** A byte was written, 0 to 0xff. `false`: it does not acknowledge. */
  onWrite(_byte: number): Acknowledge {
    return false;
  }
  /** The byte that the controller reads, 0 to 0xff. */
  onRead(): number {
    return ReleasedByte;
  }
  /** The transfer has ended with a stop. */
  onStop(): void {}

  override reset(): void {
    super.reset();
    this.busAddress = this.#pluggedAt;
    this.addressed = false;
  }

  /** Holds the clock line until this guest time: the controller is busy until then, and says so. The bytes go on at once. */
  protected holdClock(until: number): void {
    if (this.#clockLine !== undefined && until > this.#clockLine.heldUntil) this.#clockLine.heldUntil = until;
  }

  /** What its bus calls, as each of these: the handler runs as an event of the device. */
  busStart(direction: I2cDirection, address: I2cAddress): Acknowledge {
    return inDeviceEvent(this, this.onStart, direction, address);
  }
  /** A byte was written, 0 to 0xff. */
  busWrite(byte: number): Acknowledge {
    return inDeviceEvent(this, this.onWrite, byte);
  }
  /** The byte that the controller reads, 0 to 0xff. */
  busRead(): number {
    return inDeviceEvent(this, this.onRead);
  }
  /** The transfer has ended. */
  busStop(): void {
    inDeviceEvent(this, this.onStop);
  }

  /** Its bus has plugged it in at this address. */
  connectToBus(clockLine: I2cClockLine, at: I2cAddress): void {
    this.#clockLine = clockLine;
    // While its controller is swapped it is plugged in at the same address again, and answers where it did.
    if (this.#pluggedAt !== at) this.busAddress = at;
    this.#pluggedAt = at;
  }
}

reserveMembers(I2cDevice, {
  busAddress: 'where it answers on its bus',
  addressed: 'whether it takes part in a transfer',
  pluggedAt: 'where the machine plugged it in',
  holdClock: 'how a target makes its controller wait',
  busStart: 'what its bus calls',
  busWrite: 'what its bus calls',
  busRead: 'what its bus calls',
  busStop: 'what its bus calls',
  connectToBus: 'what its bus calls',
});
