import { describe, expect, it } from 'vitest';
import {
  AddressSpace,
  formatFlatViews,
  formatMemoryTree,
  MemoryRegion,
  MemoryTopology,
} from '../../sdk/memory/index.ts';
import { device } from './support.ts';

/** The part of QEMU 7.2's pc that its documentation of record shows. */
function pc() {
  const topology = new MemoryTopology();
  const io = MemoryRegion.unassignedPorts(topology, 'io');
  const pm = MemoryRegion.container(topology, 'piix4-pm', 64);
  pm.setEnabled(false);
  pm.addSubregion(0, device(topology, 'acpi-evt', 4));
  io.addSubregion(0, pm);
  const rtc = device(topology, 'rtc', 2);
  rtc.addSubregion(0, device(topology, 'rtc-index', 1));
  io.addSubregion(0x70, rtc);
  io.addSubregion(0xcf8, device(topology, 'pci-conf-idx', 4));
  io.addSubregion(0xcf9, device(topology, 'piix3-reset-control', 1), 1);

  const system = MemoryRegion.container(topology, 'system', 2 ** 64);
  const ram = MemoryRegion.ram(topology, 'pc.ram', 0x800_0000);
  const bios = MemoryRegion.rom(topology, 'pc.bios', 0x4_0000);
  const pci = MemoryRegion.container(topology, 'pci', 2 ** 64);
  pci.addSubregion(0xfffc_0000, bios);
  const isaBios = MemoryRegion.alias(topology, 'isa-bios', bios, 0x2_0000, 0x2_0000);
  isaBios.setReadOnly(true);
  pci.addSubregion(0xe_0000, isaBios, 1);
  system.addSubregion(0, MemoryRegion.alias(topology, 'ram-below-4g', ram, 0, 0x800_0000));
  system.addSubregion(0, pci, -1);
  system.addSubregion(0xf_0000, MemoryRegion.alias(topology, 'pam-pci', pci, 0xf_0000, 0x1_0000), 1);
  const spaces = { ports: new AddressSpace(topology, 'I/O', io), memory: new AddressSpace(topology, 'memory', system) };
  return { topology, io, system, pci, ...spaces };
}

describe('info mtree', () => {
  it('prints ports and memory as QEMU does', () => {
    const { topology } = pc();
    expect(formatMemoryTree(topology.addressSpaces)).toBe(
      `address-space: I/O
  0000000000000000-000000000000ffff (prio 0, i/o): io
      0000000000000000-0000000000000003 (prio 0, i/o): acpi-evt
    0000000000000070-0000000000000071 (prio 0, i/o): rtc
      0000000000000070-0000000000000070 (prio 0, i/o): rtc-index
    0000000000000cf8-0000000000000cfb (prio 0, i/o): pci-conf-idx
    0000000000000cf9-0000000000000cf9 (prio 1, i/o): piix3-reset-control

address-space: memory
  0000000000000000-ffffffffffffffff (prio 0, i/o): system
    0000000000000000-0000000007ffffff (prio 0, ram): alias ram-below-4g @pc.ram 0000000000000000-0000000007ffffff
    0000000000000000-ffffffffffffffff (prio -1, i/o): pci
      00000000000e0000-00000000000fffff (prio 1, rom): alias isa-bios @pc.bios 0000000000020000-000000000003ffff
      00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios
    00000000000f0000-00000000000fffff (prio 1, i/o): alias pam-pci @pci 00000000000f0000-00000000000fffff

memory-region: pc.ram
  0000000000000000-0000000007ffffff (prio 0, ram): pc.ram

memory-region: pc.bios
  00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios

memory-region: pci
  0000000000000000-ffffffffffffffff (prio -1, i/o): pci
    00000000000e0000-00000000000fffff (prio 1, rom): alias isa-bios @pc.bios 0000000000020000-000000000003ffff
    00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios

`,
    );
  });

  it('shows disabled regions, owners, flash, non-volatile memory and overflow on request or by a mark', () => {
    const topology = new MemoryTopology();
    const root = MemoryRegion.container(topology, 'root', 2 ** 64);
    const owner = { id: 'flash0' };
    const flash = MemoryRegion.romDevice(topology, 'flash', 0x1000, device(topology, 'x', 1).ops, { owner });
    const nvdimm = MemoryRegion.ram(topology, 'nvdimm', 0x1000);
    nvdimm.setNonvolatile(true);
    const hidden = MemoryRegion.reservation(topology, 'hidden', 0);
    hidden.setEnabled(false);
    root.addSubregion(0x1000, flash);
    root.addSubregion(0x2000, nvdimm);
    root.addSubregion(0x3000, hidden);
    root.addSubregion(2 ** 64 - 0x1000, MemoryRegion.container(topology, 'far', 0x2000));
    const space = new AddressSpace(topology, 'memory', root);
    expect(formatMemoryTree([space], { disabled: true, owners: true })).toBe(
      `address-space: memory
  0000000000000000-ffffffffffffffff (prio 0, i/o): root orphan
    0000000000001000-0000000000001fff (prio 0, romd): flash owner:{dev id=flash0}
    0000000000002000-0000000000002fff (prio 0, nv-ram): nvdimm orphan
    0000000000003000-0000000000003000 (prio 0, i/o): hidden [disabled] orphan
[DETECTED OVERFLOW!]     fffffffffffff000-0000000000000fff (prio 0, i/o): far orphan

`,
    );
    flash.setRomdMode(false);
    expect(formatMemoryTree([space])).toContain('(prio 0, i/o): flash\n');
    expect(formatMemoryTree([space])).not.toContain('hidden');
  });

  it('prints spaces that share a root together, by name', () => {
    const { topology, system } = pc();
    new AddressSpace(topology, 'cpu-memory-0', system);
    expect(formatMemoryTree(topology.addressSpaces)).toContain(
      'address-space: cpu-memory-0\naddress-space: memory\n  0000000000000000-ffffffffffffffff (prio 0, i/o): system\n',
    );
  });
});

describe('info mtree -f', () => {
  it('prints what each view leads to as QEMU does', () => {
    const { topology, pci } = pc();
    new AddressSpace(topology, 'bus-master', MemoryRegion.alias(topology, 'bus master', pci, 0, 2 ** 64));
    const off = MemoryRegion.container(topology, 'off', 16);
    new AddressSpace(topology, 'nothing', off);
    expect(formatFlatViews(topology)).toBe(
      `FlatView #0
 AS "I/O", root: io
 Root memory region: io
  0000000000000000-000000000000006f (prio 0, i/o): io
  0000000000000070-0000000000000070 (prio 0, i/o): rtc-index
  0000000000000071-0000000000000071 (prio 0, i/o): rtc @0000000000000001
  0000000000000072-0000000000000cf7 (prio 0, i/o): io @0000000000000072
  0000000000000cf8-0000000000000cf8 (prio 0, i/o): pci-conf-idx
  0000000000000cf9-0000000000000cf9 (prio 1, i/o): piix3-reset-control
  0000000000000cfa-0000000000000cfb (prio 0, i/o): pci-conf-idx @0000000000000002
  0000000000000cfc-000000000000ffff (prio 0, i/o): io @0000000000000cfc

FlatView #1
 AS "memory", root: system
 Root memory region: system
  0000000000000000-00000000000effff (prio 0, ram): pc.ram
  00000000000f0000-00000000000fffff (prio 0, rom): pc.bios @0000000000030000
  0000000000100000-0000000007ffffff (prio 0, ram): pc.ram @0000000000100000
  00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios

FlatView #2
 AS "bus-master", root: bus master, alias pci
 Root memory region: pci
  00000000000e0000-00000000000fffff (prio 0, rom): pc.bios @0000000000020000
  00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios

FlatView #3
 AS "nothing", root: off
 Root memory region: (none)
  No rendered FlatView

`,
    );
  });

  it('is exact where the last byte is that of the 64-bit space', () => {
    const topology = new MemoryTopology();
    const root = MemoryRegion.reservation(topology, 'all', 2 ** 64);
    root.addSubregion(0x70, device(topology, 'rtc', 1));
    new AddressSpace(topology, 'memory', root);
    expect(formatFlatViews(topology)).toContain(
      '  0000000000000071-ffffffffffffffff (prio 0, i/o): all @0000000000000071\n',
    );
  });
});

it('a name with a line break in it begins no line of its own', () => {
  const topology = new MemoryTopology();
  const root = MemoryRegion.container(topology, 'root', 0x1000);
  const space = new AddressSpace(topology, 'memory', root);
  root.addSubregion(0, device(topology, 'card\nFlatView #7\u2028', 16));
  for (const text of [formatMemoryTree([space]), formatFlatViews(topology)]) {
    expect(text).toContain('i/o): card\\u000aFlatView #7\\u2028\n');
  }
});
