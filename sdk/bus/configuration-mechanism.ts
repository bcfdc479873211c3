import { shape, state } from '../device/index.ts';
import type { PciBus } from './pci-bus.ts';

const Enable = 0x8000_0000;

/**
 * PCI configuration mechanism #1 without its ports: an address register, and a window of four bytes onto what it names.
 * The register keeps what is written, reserved bits and all; a reset of the machine does not clear it.
 */
export class ConfigurationMechanism {
  /** Bit 31 opens the window; bits 23-16 name the bus, 15-8 slot and function, 7-0 the register. */
  @state({ as: shape.bits(32) }) address = 0;

  constructor(private readonly bus: PciBus) {}

  /** A closed window reads all ones, as an absent function does. */
  read(offset: number, size: number): number {
    return this.open ? this.bus.readConfig(this.target(offset), size) : 0xffff_ffff >>> (32 - 8 * size);
  }

  write(value: number, offset: number, size: number): void {
    if (this.open) this.bus.writeConfig(this.target(offset), value, size);
  }

  /** The id of the device that the window shows now; undefined if it is closed or shows nobody. */
  get selectedDevice(): string | undefined {
    const bus = (this.address >>> 16) & 0xff;
    if (!this.open || bus !== this.bus.number) return undefined;
    return this.bus.deviceAt({ slot: (this.address >>> 11) & 0x1f, function: (this.address >>> 8) & 7 })?.id;
  }

  private get open(): boolean {
    return (this.address & Enable) !== 0;
  }

  /** The two low bits of the address and of the port are ORed, not added: guests leave the former at 0. */
  private target(offset: number): number {
    return (this.address | (offset & 3)) >>> 0;
  }
}
