import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Mc146818Rtc, VgaText } from '../../devices/index.ts';
import { empty, isapc, pcI440fx } from '../../machines/index.ts';
import { defineMachine, type MachineDefinition, use } from '../../sdk/index.ts';
import { infoMtree, infoQtree } from '../../sdk/monitor/index.ts';
import { guestProgram, infoCoalesced, Machine } from '../../sdk/runtime.ts';

const overlay = { options: { resetControl: 'overlay' } };
const captured = (name: string): string =>
  readFileSync(new URL(`../conformance/captured/${name}.txt`, import.meta.url), 'utf8');

/** The lines of one address space in the text of `info mtree`. */
function treeOf(text: string, space: string): string[] {
  const lines = text.split('\n');
  const start = lines.indexOf(`address-space: ${space}`) + 1;
  return lines.slice(start, lines.indexOf('', start)).filter((line) => line.startsWith(' '));
}

/** QEMU's tree, from the second of the two commands with that text: with disabled regions or without. */
function qemuTree(machine: string, command: string, space: string): string[] {
  const text = captured(machine);
  return treeOf(text.slice(text.indexOf(`(qemu) ${command}\n`)), space);
}

const namesIn = (lines: readonly string[]): string[] => [
  ...new Set(lines.map((line) => /\): (?:alias )?(\S+)/.exec(line)?.[1] ?? '')),
];

describe('the memory trees', () => {
  it.each([false, true])(
    "of pc are QEMU's, but for the interrupt controllers it has and the screen we have (disabled: %s)",
    (disabled) => {
      const ours = treeOf(infoMtree(Machine.create(pcI440fx, overlay), { disabled }), 'memory');
      // For the setting 2 of a window QEMU keeps a second RAM alias, of the same name as the one to PCI; here the first serves.
      const secondRamAlias = /alias pam-pci @pc\.ram .* \[disabled\]$/;
      const theirs = qemuTree('mtree-pc', disabled ? 'info mtree -D' : 'info mtree', 'memory').filter(
        (line) => !secondRamAlias.test(line),
      );
      expect(namesIn(theirs.filter((line) => !ours.includes(line)))).toEqual(['ioapic', 'hpet', 'apic-msi']);
      expect(namesIn(ours.filter((line) => !theirs.includes(line)))).toEqual(['vga-lowmem']);
      if (!disabled)
        expect(ours.filter((line) => theirs.includes(line))).toEqual(theirs.filter((line) => ours.includes(line)));
    },
  );

  it("of isapc are QEMU's, but for the screen we have", () => {
    const ours = treeOf(infoMtree(Machine.create(isapc)), 'memory');
    expect(ours.filter((line) => !line.includes('vga-lowmem'))).toEqual(
      qemuTree('mtree-isapc', 'info mtree', 'memory'),
    );
  });

  it.each([
    ['mtree-pc', pcI440fx, overlay],
    ['mtree-isapc', isapc, {}],
  ] as const)("of ports are part of QEMU's %s", (name, definition: MachineDefinition, request) => {
    const ours = treeOf(infoMtree(Machine.create(definition, { ...request, defaults: false })), 'I/O');
    const theirs = qemuTree(name, 'info mtree', 'I/O');
    expect(ours.filter((line) => !theirs.includes(line))).toEqual([]);
    expect(ours.length).toBeGreaterThan(5);
  });

  it('of pc without the overlay show the bus behind as a container and as an address space', () => {
    const text = infoMtree(Machine.create(pcI440fx));
    expect(text).toContain(
      [
        '    0000000000000000-000000000000ffff (prio -1, i/o): isa-pci-ports',
        '      0000000000000020-0000000000000021 (prio 0, i/o): pic',
      ].join('\n'),
    );
    expect(treeOf(text, 'ports behind the host bridge')[0]).toBe(
      '  0000000000000000-000000000000ffff (prio -1, i/o): isa-pci-ports',
    );
    expect(treeOf(text, 'ports behind the host bridge').join('\n')).not.toContain('pci-conf');
  });

  it('as flat views show the address register in pieces with the overlay and whole without', () => {
    expect(infoMtree(Machine.create(pcI440fx, overlay), { flat: true })).toContain(
      [
        '  0000000000000cf8-0000000000000cf8 (prio 0, i/o): pci-conf-idx',
        '  0000000000000cf9-0000000000000cf9 (prio 1, i/o): piix3-reset-control',
        '  0000000000000cfa-0000000000000cfb (prio 0, i/o): pci-conf-idx @0000000000000002',
      ].join('\n'),
    );
    expect(infoMtree(Machine.create(pcI440fx), { flat: true })).toContain(
      '  0000000000000cf8-0000000000000cfb (prio 0, i/o): pci-conf-idx\n  0000000000000cfc',
    );
  });
});

describe('the device tree', () => {
  it('of pc hangs the ISA bus on its bridge, and that on PCI', () => {
    expect(infoQtree(Machine.create(pcI440fx))).toContain(`bus: main-system-bus
  type System
  dev: i440FX-pcihost, id "pci-host"
    ports 0000000000000cf8/0000000000000004
    ports 0000000000000cfc/0000000000000004
    bus: pci.0
      type PCI
      dev: i440FX, id "i440fx"
`);
    expect(infoQtree(Machine.create(pcI440fx))).toContain(`
        addr = 01.0
        ports 0000000000000cf9/0000000000000001
        class 0601, addr 00:01.0, pci id 8086:7000 (sub 1af4:1100)
        bus: isa.0
          type ISA
          dev: i8259, id "pic"
`);
  });

  it('shows options as the command line writes them, and where pins go', () => {
    expect(infoQtree(Machine.create(isapc))).toContain(`
    dev: mc146818rtc, id "rtc"
      gpio-out "irq" 1 -> ISA IRQ 8
      base_year = 2000 (0x7d0)
      iobase = 112 (0x70)
      irq = 8 (0x8)
      lost_tick_policy = "discard"
`);
  });

  it('of the empty machine is its buses', () => {
    expect(infoQtree(Machine.create(empty))).toBe(
      'bus: main-system-bus\n  type System\n  bus: isa.0\n    type ISA\n  bus: pci.0\n    type PCI\n',
    );
  });
});

describe('info coalesced', () => {
  const verdicts = (definition: MachineDefinition, request = {}) =>
    infoCoalesced(Machine.create(definition, request)).match(/^\S.*$/gm);

  it('finds every range of pc and isapc alive', () => {
    expect(verdicts(pcI440fx)).toEqual([
      "I/O 0xcf8..0xcfb 'pci-conf-idx': alive",
      "I/O 0x70 'rtc': alive",
      "memory 0xa0000..0xbffff 'vga-lowmem': alive",
    ]);
    expect(verdicts(isapc)).toEqual(["I/O 0x70 'rtc': alive", "memory 0xa0000..0xbffff 'vga-lowmem': alive"]);
  });

  it('finds the dead range of the overlay, and who killed it, without having been told', () => {
    const text = infoCoalesced(Machine.create(pcI440fx, overlay));
    expect(verdicts(pcI440fx, overlay)?.[0]).toBe("I/O 0xcf8..0xcfb 'pci-conf-idx': dead");
    expect(text).toContain('  zones in force: 0xcf8 (1 byte), 0xcfa..0xcfb (2 bytes)\n');
    expect(text).toContain(
      "  32-bit writes never coalesce: 'piix3-reset-control' of device 'piix3' shows at 0xcf9 (priority 1 over 'pci-conf-idx' with 0).\n",
    );
  });

  it('finds the screen dead while the guest has opened the RAM behind it', () => {
    const machine = Machine.create(pcI440fx);
    machine.run(
      guestProgram(function* (guest) {
        yield* guest.out32(0xcf8, 0x8000_0070);
        yield* guest.out8(0xcfe, 0x40);
      }),
    );
    const text = infoCoalesced(machine);
    expect(text).toContain("memory 0xa0000..0xbffff 'vga-lowmem': dead");
    expect(text).toContain("'pc.ram' shows at");
  });
});

describe('the small machines', () => {
  it('isapc runs a guest on its clock, and has no configuration ports', () => {
    const machine = Machine.create(isapc);
    const seen: number[] = [];
    machine.run(
      guestProgram(function* (guest) {
        yield* guest.out8(0x70, 0x0d);
        seen.push(yield* guest.in8(0x71));
        seen.push(yield* guest.in32(0xcf8));
        yield* guest.store8(0xb8000, 0x41);
      }),
    );
    expect(seen).toEqual([0x80, 0xffff_ffff]);
    expect(machine.device(VgaText).text()[0]).toBe('A');
    expect(machine.warnings).toEqual([]);
  });

  it('empty is RAM, and takes a device by spreading', () => {
    const machine = Machine.create(defineMachine({ ...empty, name: 'mine', devices: [use(Mc146818Rtc)] }), {
      ram: 4096,
    });
    machine.memory.write(0xffc, 0x1234_5678, 4);
    expect(machine.memory.read(0xffc, 4)).toBe(0x1234_5678);
    expect(machine.memory.read(0x1000, 4)).toBe(0);
    expect(machine.device(Mc146818Rtc).id).toBe('mc146818rtc');
    expect(machine.memory.lookup(0x1000)).toBeUndefined();
  });
});
