import { BackplaneError } from '../../base/errors.ts';
import type { Device } from '../../device/index.ts';
import { state } from '../../state/schema.ts';
import { guestTime, shape } from '../../state/shapes.ts';
import { Bus, type Detach } from '../bus.ts';
import { TransferLog } from '../transfer-log.ts';
import {
  formatI2cAddress,
  type I2cAddress,
  I2cAddressGrammar,
  type I2cDirection,
  isI2cAddress,
  isTenBit,
  parseI2cAddress,
  TenBitPrefix,
  tenBitFrom,
  tenBitPrefix,
} from './address.ts';
import { type I2cTarget, ReleasedByte, standIn } from './target.ts';

const NoPrefix = -1;
/** Of a device that is alone on a bench and says none: chips that compare fewer bits have it too. */
const BenchAddress = 0x50;

/**
 * An I2C bus, as the controller that has it in a field sees it. A transfer is `start`, then `write` or `read` byte by byte,
 * perhaps further starts, then `stop`. Nothing waits: each call is answered at once. A target that needs time holds the clock,
 * and the controller shows its guest that it is busy until `heldUntil`.
 *
 * The state of a transfer that is under way is the bus's and that of its targets: each knows whether it is addressed.
 *
 * @see NXP UM10204, "I2C-bus specification and user manual", revision 7
 */
export class I2cBus extends Bus<Device & I2cTarget, I2cAddress> {
  static readonly kind = 'i2c';
  override readonly addressGrammar = I2cAddressGrammar;
  /** Until when targets hold the clock line low, in guest nanoseconds. A controller is busy until then. */
  @state({ as: guestTime }) heldUntil = 0;
  /** Between the first start of a transfer and its stop. */
  @state private busy = false;
  @state({ as: shape.choice(['none', 'read', 'write']) }) private direction: I2cDirection | 'none' = 'none';
  /** A controller has announced an address of ten bits, and its low byte comes next. */
  @state({ as: shape.integer(NoPrefix, 0x7f) }) private prefix = NoPrefix;
  private readonly targets: I2cTarget[] = [];
  private log: TransferLog | undefined;
  /** Of the transfer that is logged. */
  private logged: I2cAddress | undefined;

  /** Called at the end of each transfer, with its words: `i2c 0x68 write 00, read 59 00 12`. */
  set observer(observer: ((words: string) => void) | undefined) {
    this.log = observer && new TransferLog('i2c', observer);
  }

  /** Whether a transfer is under way: other controllers would have to wait. */
  get isBusy(): boolean {
    return this.busy;
  }

  override get typeName(): string {
    return 'I2C';
  }

  override addressOnBench(): I2cAddress {
    return BenchAddress;
  }

  override parse(text: string): I2cAddress | undefined {
    return parseI2cAddress(text);
  }

  override format(address: I2cAddress): string {
    return formatI2cAddress(address);
  }

  /** Plugs a target in. Answers how to take it off: it acknowledges no further byte then. */
  attach(device: Device & I2cTarget, at: I2cAddress): Detach {
    if (!isI2cAddress(at)) throw noAddress(device, at);
    const taken = this.targets.find((other) => overlaps(other, device, at));
    if (taken !== undefined) throw addressTaken(device, at, taken);
    this.targets.push(device);
    device.connectToBus(this, at);
    return () => {
      const index = this.targets.indexOf(device);
      if (index >= 0) this.targets.splice(index, 1);
    };
  }

  override attachStandIn(): Detach {
    this.targets.push(standIn);
    return () => void this.targets.splice(this.targets.indexOf(standIn), 1);
  }

  /** The other one answers where this one did, and takes part in the same transfer. */
  override replace(old: Device & I2cTarget, made: Device & I2cTarget, at: I2cAddress, detach: Detach): Detach {
    const { busAddress, addressed } = old;
    const taken = super.replace(old, made, at, detach);
    made.busAddress = busAddress;
    made.addressed = addressed;
    return taken;
  }

  override describe({ busAddress }: I2cTarget, at: I2cAddress): readonly string[] {
    return busAddress === at ? [] : [`answers at ${formatI2cAddress(busAddress)}`];
  }

  /**
   * A start, or a repeated start while a transfer is under way. Answers whether a target acknowledges. `address` has 7 bits;
   * `tenBit(...)` sends the bytes that ten bits need.
   */
  start(address: I2cAddress, direction: I2cDirection): boolean {
    if (!isTenBit(address)) return this.address(address & 0x7f, direction);
    const prefix = tenBitPrefix(address);
    const isThere = this.address(prefix, 'write') && this.write(address & 0xff);
    return isThere && direction === 'read' ? this.address(prefix, 'read') : isThere;
  }

  /** Sends a byte. Answers whether a target acknowledges it. */
  write(byte: number): boolean {
    if (this.prefix !== NoPrefix) return this.addressLow(byte & 0xff);
    if (this.direction !== 'write') return false;
    let acknowledged = false;
    for (const target of this.targets) {
      if (target.addressed && target.busWrite(byte & 0xff) !== false) acknowledged = true;
    }
    this.logByte(byte & 0xff, acknowledged);
    return acknowledged;
  }

  /**
   * Receives a byte. A controller does not acknowledge the last one that it wants, and targets release the data line then. Two
   * targets at one address pull at one line: a zero of either is read.
   */
  read(acknowledge = true): number {
    if (this.direction !== 'read') return ReleasedByte;
    let byte = ReleasedByte;
    for (const target of this.targets) if (target.addressed) byte &= target.busRead();
    this.logByte(byte, true);
    if (!acknowledge) this.direction = 'none';
    return byte;
  }

  /** Ends the transfer. */
  stop(): void {
    this.busy = false;
    this.direction = 'none';
    this.prefix = NoPrefix;
    for (const target of this.targets) {
      if (!target.addressed) continue;
      target.addressed = false;
      target.busStop();
    }
    this.log?.end();
  }

  /** The lines are released, as when the controller is reset. Targets do not notice. */
  override reset(): void {
    this.busy = false;
    this.direction = 'none';
    this.prefix = NoPrefix;
    this.heldUntil = 0;
    this.log?.end();
  }

  /** Writes bytes, then reads `count` with a repeated start between. Answers what came back: nothing without a target. */
  override transfer(at: I2cAddress, bytes: readonly number[], count: number, isOpen = false): readonly number[] {
    const writes = bytes.length > 0 || count === 0;
    const goesOn = this.busy && this.direction === 'write';
    const isThere = !writes || ((goesOn || this.start(at, 'write')) && bytes.every((byte) => this.write(byte)));
    const answered = isThere && count > 0 && this.start(at, 'read') ? count : 0;
    const read = Array.from({ length: answered }, (_, index) => this.read(index < answered - 1));
    if (!isOpen) this.stop();
    return read;
  }

  /** The byte after a start: seven bits that address a target, or announce one of ten bits. */
  private address(address: number, direction: I2cDirection): boolean {
    const isPrefix = (address & ~3) === TenBitPrefix;
    this.busy = true;
    this.direction = direction;
    this.prefix = isPrefix && direction === 'write' ? address : NoPrefix;
    let acknowledged = false;
    for (const target of this.targets) {
      if (isPrefix) acknowledged = this.announce(target, address, direction) || acknowledged;
      else acknowledged = addressed(target, target.respondsTo(address, direction), address, direction) || acknowledged;
    }
    if (!acknowledged) this.direction = 'none';
    if (!acknowledged) this.prefix = NoPrefix;
    this.logStart(address, direction, acknowledged);
    return acknowledged;
  }

  /** For a read the target that was addressed before with all ten bits is meant. @see NXP UM10204, figure 15 */
  private announce(target: I2cTarget, prefix: number, direction: I2cDirection): boolean {
    const { busAddress } = target;
    const matches = isTenBit(busAddress) && tenBitPrefix(busAddress) === prefix;
    if (direction === 'read') return addressed(target, matches && target.addressed, busAddress, direction);
    target.addressed = false;
    return matches;
  }

  private addressLow(low: number): boolean {
    const address = tenBitFrom(this.prefix, low);
    this.prefix = NoPrefix;
    let acknowledged = false;
    for (const target of this.targets) {
      if (addressed(target, target.respondsTo(address, 'write'), address, 'write')) acknowledged = true;
    }
    if (!acknowledged) this.direction = 'none';
    this.logByte(low, acknowledged);
    return acknowledged;
  }

  private logStart(address: number, direction: I2cDirection, acknowledged: boolean): void {
    if (this.log === undefined) return;
    const isSame = this.logged === address && this.log.isOpen;
    this.logged = address;
    this.log.part(isSame ? direction : `${formatI2cAddress(address)} ${direction}`);
    if (!acknowledged) this.log.note(': no acknowledge');
  }

  private logByte(byte: number, acknowledged: boolean): void {
    if (this.log === undefined) return;
    this.log.byte(byte);
    if (!acknowledged) this.log.note(' (no acknowledge)');
  }
}

/** Whether the target takes part in the transfer from here on. */
function addressed(target: I2cTarget, isMeant: boolean, address: I2cAddress, direction: I2cDirection): boolean {
  target.addressed = isMeant && target.busStart(direction, address) !== false;
  return target.addressed;
}

/** Both would answer to one address. A guest that has moved one of them to another's cannot keep devices from being swapped. */
function overlaps(other: I2cTarget, device: I2cTarget, at: I2cAddress): boolean {
  return ((other.pluggedAt ^ at) & other.addressMask & device.addressMask) === 0;
}

function noAddress({ id }: I2cTarget, at: number): BackplaneError {
  return new BackplaneError(
    'invalid-i2c-address',
    `Device '${id}': ${formatI2cAddress(at)} is no address on an I2C bus. Give it ${I2cAddressGrammar}.`,
  );
}

function addressTaken({ id, addressMask }: I2cTarget, at: number, other: I2cTarget): BackplaneError {
  const [own, its] = [at, other.pluggedAt].map(formatI2cAddress);
  const several =
    (addressMask & other.addressMask & 0x7f) === 0x7f ? '' : ', and one of the two takes several addresses';
  return new BackplaneError(
    'i2c-address-taken',
    `Device '${id}' at I2C address ${own} would answer together with '${other.id}' at ${its}${several}. Give one of them another addr.`,
  );
}
