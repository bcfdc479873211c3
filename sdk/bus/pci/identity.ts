import type { Fail } from '../../base/errors.ts';
import { hex, unknownWord } from '../../base/text.ts';
import { type AttributeDocument, ClassAttribute, type Device, type DeviceClass } from '../../device/index.ts';
import { DeviceSelect, PciRegister } from './header.ts';

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
  /** How fast it answers its address, as its status shows. Default: 'fast'. */
  readonly deviceSelect?: 'fast' | 'medium' | 'slow';
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
const words = [...Object.keys(widths), 'interruptPin', 'multifunction', 'deviceSelect'];
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
  const { interruptPin, deviceSelect = 'fast' } = identity;
  if (!Object.hasOwn(DeviceSelect, deviceSelect)) {
    const known = Object.keys(DeviceSelect).join("', '");
    throw fail('invalid-pci-identity', `has deviceSelect '${String(deviceSelect)}'. Give it one of '${known}'.`);
  }
  if (interruptPin === undefined || ['A', 'B', 'C', 'D'].includes(interruptPin)) return;
  throw fail(
    'invalid-pci-identity',
    `has interruptPin '${String(interruptPin)}'. The pins of a function are A, B, C and D.`,
  );
}

function isBits(value: unknown, width: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** width;
}

/** A register of configuration space, as references write it. */
export const registerName = (offset: number): string => hex(offset, 2);

/** What the guest finds in configuration space, for the reference of the device. */
function documentIdentity(identity: PciIdentity): AttributeDocument {
  const { revision = 0, programmingInterface = 0, subsystemVendorId = 0, subsystemId = 0, interruptPin } = identity;
  const pin = interruptPin === undefined ? undefined : `INT${interruptPin}`;
  const rows: [offset: number, name: string, value: string][] = [
    [PciRegister.VendorId, 'vendor', hex(identity.vendorId, 4)],
    [PciRegister.DeviceId, 'device', hex(identity.deviceId, 4)],
    [PciRegister.Revision, 'revision', hex(revision, 2)],
    [PciRegister.ProgrammingInterface, 'programming interface', hex(programmingInterface, 2)],
    [PciRegister.ClassCode, 'class', hex(identity.classCode, 4)],
    [PciRegister.HeaderType, 'header type', identity.multifunction ? '0x80, several functions' : '0x00'],
    [PciRegister.SubsystemVendorId, 'subsystem vendor', hex(subsystemVendorId, 4)],
    [PciRegister.SubsystemId, 'subsystem', hex(subsystemId, 4)],
    [PciRegister.InterruptPin, 'interrupt pin', pin ?? 'none'],
  ];
  const table = rows.map(([offset, ...row]) => [registerName(offset), ...row]);
  return {
    tables: [{ heading: 'PCI configuration', columns: ['offset', 'register', 'value'], rows: table }],
    pins: {
      interrupt: pin === undefined ? '' : `${pin}, as the device wants it`,
      interruptOut: pin === undefined ? '' : `${pin} on the bus: down while the guest disables it, or has messages`,
    },
  };
}

/** What `@pci` declared: `metadataOf(Class).attribute(pciIdentity)`. */
export const pciIdentity = new ClassAttribute<PciIdentity>('pci', documentIdentity);
