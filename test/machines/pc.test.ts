import { describe, expect, it } from 'vitest';
import { I440fxPciHost, Mc146818Rtc, Piix3, VgaText } from '../../devices/index.ts';
import { machines, pcI440fx } from '../../machines/index.ts';
import { defineMachine, GiB, MemoryRegion, MiB, place, use } from '../../sdk/index.ts';
import {
  guestProgram,
  type KvmAccelerator,
  Machine,
  type MachineRequest,
  RegionOps,
  simulatedAccelerator,
} from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';

const pc = (request?: MachineRequest) => Machine.create(pcI440fx, request);
const overlay: MachineRequest = { options: { resetControl: 'overlay' } };
const zonesOf = (machine: Machine) => (machine.accelerator as KvmAccelerator).zones;
const HostBridge = 0x8000_0000;

describe('the machine pc-i440fx', () => {
  it('is known by its name and as pc, and is built without a warning', () => {
    expect(machines.get('pc')).toBe(pcI440fx);
    expect(machines.get('pc-i440fx')).toBe(pcI440fx);
    expect(pc().warnings).toEqual([]);
  });

  it('asks KVM for three zones, the address register of PCI in one piece', () => {
    const { ports, memory } = zonesOf(pc());
    expect(ports.map(({ start, size }) => [start, size])).toEqual([
      [0x70, 1],
      [0xcf8, 4],
    ]);
    expect(memory.map(({ start, size }) => [start, size])).toEqual([[0xa0000, 0x2_0000]]);
  });

  it('queues the 32-bit address write and delivers it before the data is read: one exit for the two', () => {
    const machine = pc();
    let found = 0;
    machine.run(
      guestProgram(function* (guest) {
        yield* guest.out32(0xcf8, HostBridge);
        found = yield* guest.in32(0xcfc);
      }),
    );
    expect(found).toBe(0x1237_8086);
    expect(machine.accelerator.statistics.summary()).toMatchObject({
      vmExits: 2,
      userspaceExits: 1,
      coalescedWrites: 1,
    });
  });

  it('lets no port of a device behind the bridge split the address register, whatever its priority', () => {
    const machine = pc();
    const behind = machine.device(Piix3).region(machine.device(Piix3).metadata.regions[0]?.template as never).container;
    const ops = new RegionOps({ device: null, routes: [] });
    behind?.addSubregion(0xcfa, MemoryRegion.io(machine.topology, 'bar', 1, ops), 1000);
    expect(zonesOf(machine).ports).toContainEqual(expect.objectContaining({ start: 0xcf8, size: 4 }));
  });

  it('has as much RAM as was asked for, from address 0 on, and room for devices below 4 GiB', () => {
    const lookup = (machine: Machine, address: number) => {
      const section = machine.memory.lookup(address);
      return section && [section.region.name, section.offsetInRegion];
    };
    const ordinary = pc();
    expect(lookup(ordinary, 128 * MiB - 1)?.[0]).toBe('pc.ram');
    expect(lookup(ordinary, 128 * MiB)).toBeUndefined();
    const almost = pc({ ram: 3.5 * GiB - 4096 });
    expect(lookup(almost, 3.5 * GiB - 4097)?.[0]).toBe('pc.ram');
    expect(lookup(almost, 4 * GiB)).toBeUndefined();
    const large = pc({ ram: 3.5 * GiB });
    expect(lookup(large, 3 * GiB)).toBeUndefined();
    expect(large.memory.lookup(4 * GiB + 0.5 * GiB - 1)).toMatchObject({
      start: 4 * GiB,
      size: 0.5 * GiB,
      offsetInRegion: 3 * GiB,
    });
  });

  it('shows firmware of erased flash below 4 GiB and below 1 MiB, which nobody can write', () => {
    const machine = pc();
    for (const address of [0xf_fff0, 0xffff_fff0, 0xe_0000, 0xfffc_0000]) {
      machine.memory.write(address, 0, 4);
      expect(machine.memory.read(address, 4)).toBe(0xffff_ffff);
    }
    machine.memory.write(0xc_0000, 0xaa55, 2);
    expect(machine.memory.read(0xc_0000, 2)).toBe(0);
  });

  it('tells its firmware in the CMOS RAM how much memory it has', () => {
    const cmos = (machine: Machine) => {
      const seen: Record<string, number> = {};
      machine.run(
        guestProgram(function* (guest) {
          for (const register of [
            0x10, 0x14, 0x15, 0x16, 0x17, 0x18, 0x30, 0x31, 0x34, 0x35, 0x38, 0x3d, 0x5b, 0x5c, 0x5d, 0x32,
          ]) {
            yield* guest.out8(0x70, register);
            seen[register.toString(16)] = yield* guest.in8(0x71);
          }
        }),
      );
      return seen;
    };
    expect(cmos(pc())).toEqual({
      '10': 0x50,
      '14': 0x07,
      '15': 0x80,
      '16': 0x02,
      '17': 0xff,
      '18': 0xff,
      '30': 0xff,
      '31': 0xff,
      '34': 0x00,
      '35': 0x07,
      '38': 0x30,
      '3d': 0x12,
      '5b': 0,
      '5c': 0,
      '5d': 0,
      '32': 0x20,
    });
    expect(cmos(pc({ ram: 16 * MiB }))).toMatchObject({ '17': 0x00, '18': 0x3c, '34': 0, '35': 0 });
    expect(cmos(pc({ ram: 3.5 * GiB }))).toMatchObject({ '34': 0x00, '35': 0xbf, '5b': 0x00, '5c': 0x20, '5d': 0 });
  });

  it("brings the clock's interrupt through both controllers to the guest's handler, which wakes it from its HLT", () => {
    const machine = pc();
    const heard: number[] = [];
    const outcome = machine.run(
      guestProgram(function* (guest) {
        for (const [port, value] of [
          [0x20, 0x11],
          [0x21, 0x08],
          [0x21, 0x04],
          [0x21, 0x01],
          [0xa0, 0x11],
          [0xa1, 0x70],
          [0xa1, 0x02],
          [0xa1, 0x01],
          [0x21, 0xfb],
          [0xa1, 0xfe],
        ] as const) {
          yield* guest.out8(port, value);
        }
        guest.onInterrupt(0x70, function* () {
          yield* guest.out8(0x70, 0x0c);
          heard.push(yield* guest.in8(0x71));
          yield* guest.out8(0xa0, 0x20);
          yield* guest.out8(0x20, 0x20);
        });
        yield* guest.out8(0x70, 0x0b);
        yield* guest.out8(0x71, 0x42);
        yield* guest.sti();
        yield* guest.hlt();
      }),
    );
    expect(outcome.reason).toBe('finished');
    expect(heard).toEqual([0xc0]);
    // Half a period before an update is announced, and every period from there: 89 ticks before a second, less two of 32.
    expect(machine.clock.now).toBeGreaterThan(213_623);
    expect(machine.clock.now).toBeLessThan(976_562);
  });

  it('takes a second clock elsewhere by spreading and adding', () => {
    const rtc = machines.get('pc')?.devices.find(({ id }) => id === 'rtc');
    const [ports] = Machine.create(pcI440fx).deviceById('rtc')?.mappings ?? [];
    const custom = defineMachine({
      ...pcI440fx,
      name: 'two-clocks',
      devices: [
        ...pcI440fx.devices,
        use(Mc146818Rtc, { id: 'second', at: [place(ports?.planned.template as never, 0x170)], options: { irq: 9 } }),
      ],
    });
    const machine = Machine.create(custom);
    expect(rtc?.id).toBe('rtc');
    expect(machine.deviceById('second')?.mappings[0]?.start).toBe(0x170);
    expect(zonesOf(machine).ports).toContainEqual(expect.objectContaining({ start: 0x170, size: 1 }));
    expect(machine.warnings).toEqual([]);
  });

  it('holds the text that a guest wrote to its screen', () => {
    const machine = pc();
    machine.run(
      guestProgram(function* (guest) {
        for (const [at, letter] of [...'hello'].entries())
          yield* guest.store16(0xb8000 + 2 * at, 0x0700 | letter.charCodeAt(0));
      }),
    );
    expect(machine.device(VgaText).text().split('\n')[0]).toBe('hello');
    expect(machine.accelerator.statistics.summary()).toMatchObject({ userspaceExits: 0, coalescedWrites: 5 });
  });
});

describe('the option reset-control', () => {
  it('overlay cuts the address register in two zones, and warns', () => {
    const machine = pc(overlay);
    expect(zonesOf(machine).ports.map(({ start, size }) => [start, size])).toEqual([
      [0x70, 1],
      [0xcf8, 1],
      [0xcfa, 2],
    ]);
    expect(machine.warnings).toHaveLength(1);
    for (const name of [
      '0xcf8..0xcfb',
      "'pci-conf-idx' of device 'pci-host'",
      "'piix3-reset-control' of device 'piix3'",
    ]) {
      expect(machine.warnings[0]).toContain(name);
    }
  });

  it('refuses what it is not', () => {
    const named = ["'pc-i440fx'", "'resetControl'", 'behind, overlay', "'underlay'"];
    expectRefusal(() => pc({ options: { resetControl: 'underlay' } }), 'bad-option', ...named);
  });

  it('behind refuses the drain policy that has no timer, overlay accepts it', () => {
    const accelerator = () => simulatedAccelerator({ drain: 'on-access' });
    expectRefusal(() => pc({ accelerator: accelerator() }), 'hidden-reset', "'piix3-reset-control' at 0xcf9");
    expect(() => pc({ ...overlay, accelerator: accelerator() })).not.toThrow();
  });
});

describe('a byte that resets, at 0xcf9', () => {
  it('waits in the ring behind what was written before it, and discards what was written after it', () => {
    const machine = pc();
    const bridge = machine.device(I440fxPciHost).configuration;
    const outcome = machine.run(
      guestProgram(function* (guest) {
        if (bridge.address !== 0) return;
        yield* guest.out32(0xcf8, 0x8000_0010);
        yield* guest.out8(0xcf9, 0x06);
        yield* guest.out32(0xcf8, 0x8000_0020);
        yield* guest.out8(0x70, 0x55);
        yield* guest.in8(0x71);
      }),
    );
    expect(outcome.reason).toBe('reset');
    expect(bridge.address).toBe(0x8000_0010);
    expect(machine.device(Mc146818Rtc).index).toBe(0);
    expect(machine.accelerator.statistics.summary()).toMatchObject({
      coalescedWrites: 4,
      discardedWrites: 2,
      userspaceExits: 1,
    });
  });

  it('waits 10 ms at most when the guest never comes back by itself', () => {
    const machine = pc();
    const outcome = machine.run(
      guestProgram(function* (guest) {
        yield* guest.out8(0xcf9, 0x06);
        for (let spin = 0; spin < 100; spin++) yield* guest.pause(1_000_000);
      }),
    );
    expect(outcome.reason).toBe('reset');
    expect(machine.accelerator.statistics.summary()).toMatchObject({ kicks: 1, userspaceExits: 0 });
    expect(machine.clock.now).toBeLessThan(12_000_000);
  });

  it('resets at once, and by an exit, where it lies over the bridge', () => {
    const machine = pc(overlay);
    const outcome = machine.run(
      guestProgram(function* (guest) {
        yield* guest.out8(0xcf9, 0x06);
      }),
    );
    expect(outcome.reason).toBe('reset');
    expect(machine.accelerator.statistics.summary()).toMatchObject({ coalescedWrites: 0, userspaceExits: 1 });
  });
});
