import type { Fail } from '../../base/errors.ts';
import { hex, unknownWord } from '../../base/text.ts';
import type { Device, DeviceClass } from '../../device/index.ts';

/** A class of functions of the PCI bus: it extends PciDevice. */
export type PciClass = DeviceClass<Device & { capabilityOffset(id: number): number | undefined }>;

/** Who a PCI function says it is. */
export interface PciIdentity {
  readonly vendorId: number;
  readonly deviceId: number;
  readonly revision?: number;
  /** Class and subclass: 0x0601 is an ISA bridge. */
  readonly classCode: number;
  readonly programmingInterface?: number;
  /** Which INTx pin it drives; without one it has no interrupt. */
  readonly interruptPin?: 'A' | 'B' | 'C' | 'D';
  /** The chip has more functions than this one. */
  readonly multifunction?: boolean;
  readonly subsystemVendorId?: number;
  readonly subsystemId?: number;
}

const widths: Readonly<Record<string, number>> = {
  vendorId: 16,
  deviceId: 16,
  revision: 8,
  classCode: 16,
  programmingInterface: 8,
  subsystemVendorId: 16,
  subsystemId: 16,
};
const required = ['vendorId', 'deviceId', 'classCode'];
const words = [...Object.keys(widths), 'interruptPin', 'multifunction'];
/** What a scan reads where no function is. */
const NoVendor = 0xffff;

/** Refuses what no function can be identified by. */
export function checkIdentity(identity: PciIdentity, fail: Fail): void {
  const unknown = unknownWord(identity, words);
  if (unknown !== undefined) throw fail('unknown-word', unknown);
  const given = new Map<string, unknown>(Object.entries(identity));
  const missing = required.find((word) => given.get(word) === undefined);
  if (missing !== undefined)
    throw fail('incomplete-pci-identity', `has no ${missing}, by which drivers know the function. Give it one.`);
  for (const [word, width] of Object.entries(widths)) {
    const value = given.get(word);
    if (value === undefined || isBits(value, width)) continue;
    const shown = typeof value === 'number' ? hex(value) : `'${String(value)}'`;
    throw fail('invalid-pci-identity', `has ${word} ${shown}, which is no ${width}-bit number. Give it one.`);
  }
  if (identity.vendorId === NoVendor) {
    throw fail('invalid-pci-identity', 'has vendorId 0xffff, which says that there is no function. Give it another.');
  }
  const { interruptPin } = identity;
  if (interruptPin === undefined || ['A', 'B', 'C', 'D'].includes(interruptPin)) return;
  throw fail(
    'invalid-pci-identity',
    `has interruptPin '${String(interruptPin)}'. The pins of a function are A, B, C and D.`,
  );
}

function isBits(value: unknown, width: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** width;
}
