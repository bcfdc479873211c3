import { pcPinWiring } from '../../sdk/pci.ts';
import type { Source } from './layout.ts';

const Signature = [0x24, 0x50, 0x49, 0x52]; // $PIR
const Version = 0x0100;
const HeaderSize = 32;
const SlotSize = 16;
const Slots = 31;
const Pins = 4;
/** The PIIX3, function 0 of device 1. Its registers of PIRQ A to D are the links. */
const Router = { bus: 0, deviceFunction: 0x08, vendorId: 0x8086, deviceId: 0x7000, firstLink: 0x60 } as const;
/** Only PCI uses them: ISA devices of a PC have other lines. */
const Lines = (1 << 10) | (1 << 11);
const ChecksumAt = 31;
/** An operating system looks at each address that is a multiple of this. */
const Alignment = 16;

/**
 * The table by which an operating system without ACPI finds the interrupt line of a PCI device, and routes it in the PIIX3. On a machine
 * with another bridge it finds no router, and leaves the lines as they are.
 *
 * @see Microsoft, PCI IRQ Routing Table Specification 1.0
 */
export function putRouting({ a }: Source): void {
  a.align(Alignment);
  a.db(...routingTable());
}

function routingTable(): Uint8Array {
  const bytes = new Uint8Array(HeaderSize + Slots * SlotSize);
  const view = new DataView(bytes.buffer);
  bytes.set(Signature);
  view.setUint16(4, Version, true);
  view.setUint16(6, bytes.length, true);
  bytes[8] = Router.bus;
  bytes[9] = Router.deviceFunction;
  view.setUint16(10, Lines, true);
  view.setUint16(12, Router.vendorId, true);
  view.setUint16(14, Router.deviceId, true);
  for (let slot = 1; slot <= Slots; slot++) {
    const at = HeaderSize + (slot - 1) * SlotSize;
    bytes[at + 1] = slot << 3;
    for (let pin = 0; pin < Pins; pin++) {
      bytes[at + 2 + 3 * pin] = Router.firstLink + pcPinWiring(slot, pin);
      view.setUint16(at + 3 + 3 * pin, Lines, true);
    }
  }
  bytes[ChecksumAt] = -bytes.reduce((sum, byte) => sum + byte, 0);
  return bytes;
}
