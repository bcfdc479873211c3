// @module-tag qemu
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Edu } from '../../devices/edu.ts';
import { PciTestdev } from '../../devices/pci-testdev.ts';
import { VirtioBlk } from '../../devices/virtio-blk.ts';
import { VirtioConsole } from '../../devices/virtio-console.ts';
import { VirtioRng } from '../../devices/virtio-rng.ts';
import { KiB, type UsedDevice, use } from '../../sdk/index.ts';
import { ServedFunction } from '../../sdk/serve/served-function.ts';
import type { ScriptStep } from '../../sdk/testing/conformance/script.ts';
import type { ConformanceSettings } from '../../sdk/testing/index.ts';
import type { Random } from '../../sdk/testing/random.ts';
import { times } from '../depth.ts';
import { needs } from '../needs.ts';
import { deviceProfiles } from '../testing/conformance/device-profiles.ts';
import { bridgeOwned, VectorsAtEnable } from './bridge-owned.ts';
import { TableCard, WideCard } from './cards.ts';
import { modernDrivers } from './modern-drivers.ts';
import { whyNoAttach, withGuest } from './qemu-guest.ts';
import { type ComparisonPlan, compareThroughQemu } from './through-qemu.ts';

/** Faults that serving could have, each planted in the one place where it would be. */
const faults: Readonly<Record<string, () => void>> = {
  'in the size of a BAR': () => {
    const { sizeOf } = ServedFunction.prototype;
    vi.spyOn(ServedFunction.prototype, 'sizeOf').mockImplementation(function (this: ServedFunction, region) {
      const size = sizeOf.call(this, region);
      return region === 0 ? 2 * size : size;
    });
  },
  'in what an offset leads to': () => {
    const { read } = ServedFunction.prototype;
    vi.spyOn(ServedFunction.prototype, 'read').mockImplementation(function (
      this: ServedFunction,
      region,
      offset,
      ...more
    ) {
      read.call(this, region, region < 6 && offset === 0x24 ? 0x20 : offset, ...more);
    });
  },
  'in which bytes a write has': () => {
    const { write } = ServedFunction.prototype;
    vi.spyOn(ServedFunction.prototype, 'write').mockImplementation(function (
      this: ServedFunction,
      region,
      offset,
      count,
      from,
      at,
    ) {
      if (region !== 7 || count !== 1) return write.call(this, region, offset, count, from, at);
      // The byte beside it is written too.
      const wide = new DataView(new ArrayBuffer(2));
      wide.setUint8(0, from.getUint8(at));
      write.call(this, region, offset, offset === 255 ? 1 : 2, wide, 0);
    });
  },
  'in the order of a reset and the writes before it': () => {
    const { write, reset } = ServedFunction.prototype;
    const last = new WeakMap<ServedFunction, () => void>();
    vi.spyOn(ServedFunction.prototype, 'write').mockImplementation(function (
      this: ServedFunction,
      region,
      offset,
      count,
      from,
      at,
    ) {
      const copy = new DataView(from.buffer.slice(from.byteOffset + at, from.byteOffset + at + count));
      if (region < 6) last.set(this, () => write.call(this, region, offset, count, copy, 0));
      write.call(this, region, offset, count, from, at);
    });
    vi.spyOn(ServedFunction.prototype, 'reset').mockImplementation(function (this: ServedFunction) {
      reset.call(this);
      last.get(this)?.();
    });
  },
};

describe('what QEMU answers in place of the card', needs('qemu', whyNoAttach), () => {
  it.each(bridgeOwned)('$name', async ({ used, device, write, offset, size, here, there }) => {
    await withGuest(used, { machine: 'pc', device }, async (guest) => {
      if (write !== undefined) await guest.writeConfig(offset, write, size);
      expect(await guest.readConfig(offset, size)).toBe(there);
      const own = guest.served.device;
      if (write !== undefined) own.writeConfig(offset, write, size);
      expect(own.readConfig(offset, size)).toBe(here);
    });
  });
});

describe('what QEMU keeps from the card', needs('qemu', whyNoAttach), () => {
  it('a message of MSI-X that is masked after it was open, and no pending bit of the card shows it', async () => {
    const [registers, table, memory] = [0xe000_0000, 0xe001_0000, 0x10_0000];
    await withGuest(use(TableCard), { machine: 'pc' }, async (guest) => {
      await guest.writeConfig(0x10, registers);
      await guest.writeConfig(0x14, table);
      await guest.writeConfig(4, 6, 2);
      await guest.writeConfig(0x42, 0x8000, 2);
      for (const [offset, value] of [memory, 0, 0x50, 0, 0x1].entries())
        await guest.write(table + 4 * Math.min(offset, 3), value);
      await guest.write(registers, 0);
      expect(await guest.read(table + 0x800)).toBe(0n);
      expect(guest.served.counts.interrupts).toBe(1);
      expect(await guest.read(memory)).toBe(0n);
      await guest.write(table + 12, 0);
      await guest.until(async () => (await guest.read(memory)) === 0x50n);
    });
  });

  it('the number of vectors of MSI, if it changes while MSI is enabled: until it is enabled again', async () => {
    const { used, control, one, two, off } = VectorsAtEnable;
    await withGuest(used, { machine: 'pc' }, async (guest) => {
      await guest.writeConfig(0x18, 0xe000_0000);
      await guest.writeConfig(0x44, 0x10_0000);
      await guest.writeConfig(4, 6, 2);
      for (const value of [one, two]) await guest.writeConfig(control, value, 2);
      await guest.write(0xe000_0010, 1);
      expect(await guest.readConfig(control, 2)).toBe(guest.served.device.readConfig(control, 2));
      expect(guest.served.counts.interrupts).toBe(0);
      for (const value of [off, two]) await guest.writeConfig(control, value, 2);
      await guest.write(0xe000_0010, 1);
      await guest.until(async () => (await guest.read(0x10_0000)) === 1n);
      expect(guest.served.counts.interrupts).toBe(1);
    });
  });
});

describe('a fault', needs('qemu', whyNoAttach), () => {
  afterEach(() => vi.restoreAllMocks());

  it.each(Object.entries(faults))('%s is found, and shown by a few steps', async (_, plant) => {
    plant();
    const { difference } = await compareThroughQemu(use(Edu), { accesses: 4000, seed: 1 });
    // The difference, and the few steps that lead to it.
    const lines = difference?.split('\n') ?? [];
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.length).toBeLessThan(6);
  });
});

/** What drivers do to each, as the conformance suite has it, and the options and images of its back ends. */
const devices: readonly (readonly [string, UsedDevice, Omit<ComparisonPlan, 'accesses' | 'seed'>])[] = [
  ['edu', use(Edu), profileOf('Edu')],
  ['pci-testdev', use(PciTestdev), profileOf('PciTestdev')],
  ['virtio-rng-pci', use(VirtioRng), profileOf('VirtioRng', modernDrivers['VirtioRng'])],
  [
    'virtio-blk-pci',
    use(VirtioBlk, { options: { drive: 'drive' } }),
    { ...profileOf('VirtioBlk', modernDrivers['VirtioBlk']), images: { drive: 64 * KiB } },
  ],
  [
    'virtio-console-pci',
    use(VirtioConsole, { options: { chardev: 'chardev' } }),
    profileOf('VirtioConsole', modernDrivers['VirtioConsole']),
  ],
  ['a card with ports and a BAR of 64 bits', use(WideCard), { idioms: messages }],
  ['a card with MSI-X', use(TableCard), { idioms: vectors }],
];

const WithoutInterrupt = 'pci-testdev';

describe('a device in this process and through QEMU', needs('qemu', whyNoAttach), () => {
  it.each(devices)('%s', async (name, used, plan) => {
    const wanted = times(2000, 50_000);
    const { difference, accesses, interrupts } = await compareThroughQemu(used, { ...plan, accesses: wanted, seed: 1 });
    expect(difference).toBeUndefined();
    expect(accesses).toBeGreaterThanOrEqual(wanted);
    expect(interrupts > 0).toBe(name !== WithoutInterrupt);
  });
});

/** A driver of a card with MSI lets it send one of four messages, into memory. */
function messages(random: Random): readonly ScriptStep[] {
  const vector = random.below(4);
  return [
    { kind: 'config-write', offset: 0x44, size: 4, value: 0x1000 },
    { kind: 'config-write', offset: 0x4c, size: 2, value: 0x50 },
    { kind: 'config-write', offset: 0x42, size: 2, value: 0 },
    { kind: 'config-write', offset: 0x42, size: 2, value: 1 | (random.below(3) << 4) },
    { kind: 'write', space: 'memory', address: 0xe000_0010, size: 4, value: vector },
    { kind: 'read', space: 'memory', address: 0xe000_0000, size: 4 },
  ];
}

/** One of four of MSI-X. */
function vectors(random: Random): readonly ScriptStep[] {
  const enabled = random.oneIn(4) ? 0 : 0x8000;
  return [
    { kind: 'config-write', offset: 0x42, size: 2, value: enabled },
    { kind: 'write', space: 'memory', address: 0xe000_0000, size: 4, value: random.below(4) },
    { kind: 'read', space: 'memory', address: 0xe000_1800, size: 4 },
  ];
}

/** With a driver of the modern interface beside the one that the profile has. */
function profileOf(name: string, other?: ComparisonPlan['idioms']): Pick<ComparisonPlan, 'values' | 'idioms'> {
  const { values = [], idioms } = deviceProfiles[name] as ConformanceSettings;
  if (idioms === undefined || other === undefined) return { values, ...(idioms === undefined ? {} : { idioms }) };
  return { values, idioms: (random) => random.pick([idioms, other])(random) };
}
