import { PciCapabilityId } from '../../sdk/bus/pci/capabilities.ts';
import { type PciDevice, PciRegister } from '../../sdk/pci.ts';

/** From the start of the capabilities of MSI and MSI-X. */
const ControlAt = 2;
const MsiEnable = 0x01;
/** In the upper byte of the control word of MSI-X. */
const FunctionMask = 0x40;
/** Where messages of MSI-X go, and what they say. */
const [MessagePlace, MessageData] = [0x9_8000, 0x5000];

/** QEMU takes the number of vectors when the guest enables MSI. One that is changed later is heard when MSI is enabled again. */
export function keepsMessagesOn({ config, msi }: PciDevice, ...write: ConfigWrite): boolean {
  const control = byteOf(capabilityAt(config, PciCapabilityId.Msi) + ControlAt, ...write);
  return msi.enabled && ((control ?? 0) & MsiEnable) !== 0;
}

/** QEMU keeps to itself what it holds back of vectors that were open before, and the pending bits do not show it. */
export function masksFunction({ config }: PciDevice, ...write: ConfigWrite): boolean {
  const control = byteOf(capabilityAt(config, PciCapabilityId.MsiX) + ControlAt + 1, ...write);
  return ((control ?? 0) & FunctionMask) !== 0;
}

/** Writes of a table in which each vector has a place of its own in memory, and is not masked. */
export function openEntries({ bars, msix }: PciDevice): (readonly [address: number, value: number])[] {
  const base = bars.all.find(({ index }) => index === msix.table.bar)?.address;
  if (base === undefined || msix.vectors === 0) return [];
  return Array.from({ length: msix.vectors }, (_, vector) => {
    const words = [MessagePlace + 16 * vector, 0, MessageData + vector, 0];
    return words.map((value, index) => [base + msix.table.offset + 16 * vector + 4 * index, value] as const);
  }).flat();
}

type ConfigWrite = readonly [offset: number, size: number, value: number];

/** What a write puts into the byte at a place; undefined if it does not reach it. */
const byteOf = (place: number, ...[offset, size, value]: ConfigWrite): number | undefined =>
  offset <= place && place < offset + size ? (value >>> (8 * (place - offset))) & 0xff : undefined;

/** Where a capability is; NaN without one. */
function capabilityAt(config: PciDevice['config'], id: number): number {
  let at = config.get(PciRegister.CapabilityPointer, 1);
  while (at !== 0 && config.get(at, 1) !== id) at = config.get(at + 1, 1);
  return at === 0 ? Number.NaN : at;
}
