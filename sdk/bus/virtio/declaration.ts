import { isPowerOfTwo } from '../../base/bits.ts';
import { BackplaneError } from '../../base/errors.ts';
import { hex, unknownWord } from '../../base/text.ts';
import { type AttributeDocument, ClassAttribute, type HandledRegion, recorderOf } from '../../device/index.ts';
import { bar, pciBarRegions } from '../pci/bar-declaration.ts';
import { declareCapability, PciCapabilityId } from '../pci/capabilities.ts';
import { pci } from '../pci/device.ts';
import type { PciClass } from '../pci/identity.ts';
import { msix } from '../pci/msix-declaration.ts';
import { configurationWindow, vendorCapability } from './capabilities.ts';
import { transportFeatures, VirtioFeature } from './features.ts';
import {
  common,
  interruptStatusRegion,
  ModernBar,
  modernBar,
  NotifyMultiplier,
  notifyRegion,
  Structure,
} from './modern-regions.ts';

const RedHat = 0x1af4;
const MostDeviceType = 63;
const LargestQueue = 1024;
/** @see virtio 1.2, 4.1.2.1 "Device Requirements: PCI Device Discovery" */
const FirstModernId = 0x1040;
const MsixBar = 1;
const MsixPending = 0x800;

/** What a class says of its virtio device. */
export interface VirtioSpec {
  /** 4 is a source of entropy. @see virtio 1.2, 5 "Device Types" */
  readonly deviceType: number;
  /** Class and subclass of the PCI function. Default: 0x00ff. */
  readonly classCode?: number;
  /** How many descriptors each queue has: powers of two up to 1024. */
  readonly queues: readonly number[];
  /** Bits of the features that this type of device has, by name. All are offered unless the device takes one back. */
  readonly features?: Readonly<Record<string, number>>;
  /** Registers of the device-specific configuration, in a region without a base. */
  readonly config?: HandledRegion;
  /** MSI-X vectors. Default: one for each queue, and one for changes of the configuration. */
  readonly vectors?: number;
}

/** What `@virtio` declared: `metadataOf(Class).attribute(virtioSpec)`. */
export const virtioSpec = new ClassAttribute<VirtioSpec>('virtio', documentVirtio);

/** Who a transitional function says that it is, and where its ports are. */
export interface TransitionalParts {
  readonly deviceId: number;
  /** Declares what is in BAR 0. */
  readonly declare: (deviceClass: PciClass) => void;
}

const words: Readonly<Record<keyof VirtioSpec, true>> = {
  ...{ deviceType: true, classCode: true, queues: true, features: true, config: true, vectors: true },
};

/**
 * The class is a virtio device on PCI: identity, BARs, capabilities and MSI-X follow. Extend it from VirtioPciDevice, or from
 * TransitionalVirtioPciDevice where drivers of the legacy interface are to find it too.
 */
export function virtio(spec: VirtioSpec) {
  return (deviceClass: PciClass): void => {
    checkSpec(spec, deviceClass.name);
    const { deviceType, classCode = 0x00ff, queues, vectors = queues.length + 1 } = spec;
    const { transitional } = deviceClass as { readonly transitional?: (spec: VirtioSpec) => TransitionalParts };
    const legacy = transitional?.(spec);
    recorderOf(deviceClass).set(virtioSpec, Object.freeze({ ...spec }));
    declareStructures(deviceClass, spec);
    const place = { table: { bar: MsixBar, offset: 0 }, pba: { bar: MsixBar, offset: msixPending(vectors) } };
    msix({ vectors, ...place, offset: CapabilityOffset.Msix })(deviceClass);
    bar(ModernBar, modernBar, { is64Bit: true, prefetchable: true })(deviceClass);
    legacy?.declare(deviceClass);
    const isLegacy = legacy !== undefined;
    pci({
      vendorId: RedHat,
      deviceId: legacy?.deviceId ?? FirstModernId + deviceType,
      revision: isLegacy ? 0 : 1,
      ...{ classCode, interruptPin: 'A', subsystemVendorId: RedHat },
      subsystemId: isLegacy ? deviceType : 0x1100,
    })(deviceClass);
  };
}

/** As in QEMU, so that firmware and dumps look alike. */
export const CapabilityOffset = {
  Common: 0x40,
  InterruptStatus: 0x50,
  Device: 0x60,
  Notify: 0x70,
  Window: 0x84,
  Msix: 0x98,
};
const CapabilityType = { Common: 1, Notify: 2, InterruptStatus: 3, Device: 4 } as const;

function msixPending(vectors: number): number {
  return Math.max(MsixPending, 2 ** Math.ceil(Math.log2(16 * vectors)));
}

/** @see virtio 1.2, 4.1.4 "Virtio Structure PCI Capabilities" */
function declareStructures(deviceClass: PciClass, { config }: VirtioSpec): void {
  const at = (type: number, structure: number, offset: number, more?: number) => {
    const contents = vendorCapability(type, ModernBar, structure, more);
    declareCapability({ id: PciCapabilityId.VendorSpecific, offset, contents })(deviceClass);
  };
  at(CapabilityType.Common, Structure.Common, CapabilityOffset.Common);
  at(CapabilityType.InterruptStatus, Structure.InterruptStatus, CapabilityOffset.InterruptStatus);
  at(CapabilityType.Device, Structure.Device, CapabilityOffset.Device);
  at(CapabilityType.Notify, Structure.Notify, CapabilityOffset.Notify, NotifyMultiplier);
  declareCapability(configurationWindow(CapabilityOffset.Window))(deviceClass);
  const record = recorderOf(deviceClass);
  const inside = [
    { bar: ModernBar, offset: Structure.Common, region: common },
    { bar: ModernBar, offset: Structure.InterruptStatus, region: interruptStatusRegion },
    { bar: ModernBar, offset: Structure.Notify, region: notifyRegion },
    ...(config === undefined ? [] : [{ bar: ModernBar, offset: Structure.Device, region: config }]),
  ];
  for (const one of inside) record.prepend(pciBarRegions, one);
}

function checkSpec(spec: VirtioSpec, className: string): void {
  const fail = (code: string, why: string) => new BackplaneError(code, `Class ${className}: @virtio ${why}`);
  const unknown = unknownWord(spec, Object.keys(words));
  if (unknown !== undefined) throw fail('unknown-word', unknown);
  const { deviceType, queues, features = {}, config } = spec;
  if (!Number.isInteger(deviceType) || deviceType < 1 || deviceType > MostDeviceType)
    throw fail('invalid-virtio-device', `has deviceType ${deviceType}. Give it 1 to ${MostDeviceType}.`);
  const odd = queues.find((size) => !isPowerOfTwo(size) || size > LargestQueue);
  if (odd !== undefined || queues.length === 0)
    throw fail(
      'invalid-virtio-device',
      `has queues [${queues.join(', ')}]. Give each a power of two up to ${LargestQueue}, and at least one.`,
    );
  for (const [name, bit] of Object.entries(features)) {
    const isOwn = Number.isInteger(bit) && ((bit >= 0 && bit < 24) || (bit >= 50 && bit < 64));
    if (isOwn) continue;
    const why = transportFeatures.includes(bit) ? 'the base class has it' : 'it is not one of a type of device';
    throw fail(
      'invalid-virtio-device',
      `has feature '${name}' as bit ${bit}, and ${why}. Give it 0 to 23, or 50 to 63.`,
    );
  }
  if (config !== undefined && config.base !== undefined)
    throw fail('invalid-virtio-device', `has its config at ${hex(config.base)}. Leave out the region's base.`);
}

function documentVirtio({ deviceType, queues, features = {} }: VirtioSpec): AttributeDocument {
  const offered = [...Object.entries(features), ...Object.entries(VirtioFeature)].map(([name, bit]) => [
    String(bit),
    name,
  ]);
  return {
    tables: [
      {
        heading: 'Virtqueues',
        note: `Split queues of virtio device type ${deviceType}.`,
        columns: ['queue', 'descriptors'],
        rows: queues.map((size, index) => [String(index), String(size)]),
      },
      { heading: 'Features', columns: ['bit', 'feature'], rows: offered.sort(([a], [b]) => Number(a) - Number(b)) },
    ],
  };
}
