import { rememberReserved, reserveMembers } from '../../device/class-checks.ts';
import { state } from '../../state/schema.ts';
import { shape } from '../../state/shapes.ts';
import { SpiDevice } from './device.ts';

/** No command was sent since the chip was selected. */
export const NoCommand = -1;
const MostAddressBytes = 6;

/**
 * A chip that begins each select with a command byte: memories, converters, most sensors. An address of some bytes may
 * follow, or dummy bytes, and then data.
 */
export abstract class SpiCommandDevice extends SpiDevice {
  /** The command of this select; `NoCommand` before its first byte. */
  @state({ as: shape.integer(NoCommand, 0xff) }) protected command = NoCommand;
  /** The address that followed the command, its first byte on top. A device may count it up. */
  @state({ as: shape.bits(8 * MostAddressBytes) }) protected address = 0;
  @state({ as: shape.integer(0, MostAddressBytes) }) private addressBytesLeft = 0;

  constructor() {
    super();
    rememberReserved(this, SpiCommandDevice);
  }

  /** The command byte. Answers how many bytes of address follow, 0 to 6; nothing for none. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a command without an address need not say so
  protected abstract onCommand(command: number): number | void;
  /** A byte after command and address. Answers what the chip drives meanwhile. */
  protected abstract onData(byte: number): number;

  override onSelect(): void {
    this.command = NoCommand;
    this.address = 0;
    this.addressBytesLeft = 0;
  }

  override onTransfer(byte: number): number {
    if (this.command === NoCommand) {
      this.command = byte;
      this.addressBytesLeft = this.onCommand(byte) ?? 0;
      return 0xff;
    }
    if (this.addressBytesLeft === 0) return this.onData(byte);
    this.addressBytesLeft--;
    this.address = this.address * 0x100 + byte;
    return 0xff;
  }

  override reset(): void {
    super.reset();
    this.onSelect();
  }
}

reserveMembers(SpiCommandDevice, {
  command: 'the command of this select',
  address: 'the address that followed the command',
});
