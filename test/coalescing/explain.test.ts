import { describe, expect, it } from 'vitest';
import { coalescedWarnings } from '../../sdk/coalescing/text.ts';
import {
  defineMachine,
  device,
  IsaDevice,
  MemoryRegion,
  mmioRegion,
  place,
  portRegion,
  type UsedDevice,
  use,
} from '../../sdk/index.ts';
import {
  type CoalescedRangeReport,
  explainCoalescedIo,
  formatCoalescedReport,
  Machine,
  RegionOps,
  simulatedAccelerator,
} from '../../sdk/runtime.ts';
import { Latch, latchPorts, Resetter, Screen, screen, toyMachine } from '../machine/toys.ts';

const machineOf = (...devices: UsedDevice[]) => Machine.create(defineMachine({ ...toyMachine, devices }));
const only = (machine: Machine): CoalescedRangeReport => {
  const reports = explainCoalescedIo(machine);
  expect(reports).toHaveLength(1);
  return reports[0] as CoalescedRangeReport;
};

const wide = portRegion({ name: 'wide-data', base: 0xcf8, size: 4 });

/** Four coalesced ports that take every width. */
@device({ type: 'port-window', description: 'four ports' })
class PortWindow extends IsaDevice {
  @wide.write()
  write(): void {}

  @wide.read()
  read(): number {
    return 0;
  }

  coalesce(): void {
    this.region(wide).addCoalescedIo({ offset: 0, size: 4 });
  }
}

const index = portRegion({ name: 'index', base: 0x100, size: 1, accessSizes: [1] });
const data = portRegion({ name: 'data', base: 0x104, size: 1, accessSizes: [1] });
const status = portRegion({ name: 'status', base: 0x108, size: 1, accessSizes: [1] });

/** Coalesces at run time, and says nothing about the regions that read. */
@device({ type: 'late', description: 'coalesced by method' })
class Late extends IsaDevice {
  @index.write()
  write(): void {}

  @data.read()
  readData(): number {
    return 0;
  }

  @status.read()
  readStatus(): number {
    return 0;
  }

  protected override onRealize(): void {
    this.region(index).addCoalescedIo({ offset: 0, size: 1 });
  }

  guardData(): void {
    this.region(data).setFlushCoalescedIo();
  }

  guardStatus(): void {
    this.region(status).setFlushCoalescedIo();
  }
}

const unplaced = mmioRegion({ name: 'bar', size: 0x1000 });

@device({ type: 'barred', description: 'a region that nobody has mapped yet' })
class Barred extends IsaDevice {
  @unplaced.write()
  write(): void {}

  protected override onRealize(): void {
    this.region(unplaced).addCoalescedIo({ offset: 0, size: 0x1000 });
  }
}

describe('a declared range', () => {
  it('is alive where one zone holds every write that fits it', () => {
    const report = only(machineOf(use(Latch)));
    expect(report).toMatchObject({ device: 'latch', region: 'latch', verdict: 'alive', space: 'I/O', start: 0x70 });
    expect(report.zones).toEqual([{ start: 0x70, size: 1 }]);
    expect(report.flushPartners).toEqual(['latch']);
    expect(report.widths).toEqual([{ width: 1, places: 1, fitting: 1 }]);
  });

  it('moves with its region', () => {
    expect(only(machineOf(use(Latch, { at: [place(latchPorts, 0x170)] })))).toMatchObject({
      start: 0x170,
      verdict: 'alive',
    });
  });

  it('is narrowed when a port lies over the middle of it, and still fits narrow writes', async () => {
    const machine = machineOf(use(PortWindow), use(Resetter));
    machine.device(PortWindow).coalesce();
    const report = only(machine);
    expect(report.verdict).toBe('narrowed');
    expect(report.zones).toEqual([
      { start: 0xcf8, size: 1 },
      { start: 0xcfa, size: 2 },
    ]);
    expect(report.widths).toEqual([
      { width: 1, places: 4, fitting: 3 },
      { width: 2, places: 2, fitting: 1 },
      { width: 4, places: 1, fitting: 0 },
    ]);
    expect(report.culprits).toEqual([
      { region: 'reset-port', device: 'resetter', priority: 1, through: undefined, start: 0xcf9, size: 1 },
    ]);
    const text = formatCoalescedReport([report]);
    await expect(text).toMatchFileSnapshot('explain.golden.txt');
  });

  it('is dead when something covers all of it, and names who', () => {
    const machine = machineOf(use(Latch));
    const ops = new RegionOps({ device: null, routes: [] });
    machine.io.root.addSubregion(0x60, MemoryRegion.io(machine.topology, 'lid', 0x40, ops), 3);
    const report = only(machine);
    expect(report).toMatchObject({ verdict: 'dead', zones: [], start: 0x70 });
    expect(report.culprits).toMatchObject([{ region: 'lid', device: undefined, priority: 3, start: 0x60, size: 0x40 }]);
    expect(formatCoalescedReport([report])).toMatch(/'lid'.*0x60\.\.0x9f.*'latch'/);
  });

  it('is dead under a container that outranks it, and names the container', () => {
    const machine = machineOf(use(Screen));
    const box = MemoryRegion.container(machine.topology, 'box', 0x10_0000);
    machine.memory.root.addSubregion(0, box, 5);
    box.addSubregion(0xa0000, MemoryRegion.ram(machine.topology, 'lid', 0x2_0000));
    const report = only(machine);
    expect(report.verdict).toBe('dead');
    expect(report.culprits).toMatchObject([{ region: 'lid', priority: 0, through: { region: 'box', priority: 5 } }]);
    expect(formatCoalescedReport([report])).toMatch(/'screen'.*'box'/);
  });

  it('is narrowed when a page of its memory is covered', () => {
    const machine = machineOf(use(Screen));
    machine.memory.root.addSubregion(0xb0000, MemoryRegion.ram(machine.topology, 'page', 0x1000), 2);
    const report = only(machine);
    expect(report.verdict).toBe('narrowed');
    expect(report.widths).toEqual([
      { width: 1, places: 0x2_0000, fitting: 0x1_f000 },
      { width: 2, places: 0x1_0000, fitting: 0xf800 },
      { width: 4, places: 0x8000, fitting: 0x7c00 },
    ]);
  });

  it('is unprotected while a region that reads neither flushes nor is independent', () => {
    const machine = machineOf(use(Late));
    expect(only(machine)).toMatchObject({
      verdict: 'unprotected',
      unprotectedReads: ['data', 'status'],
      flushPartners: ['index'],
    });
    expect(formatCoalescedReport(explainCoalescedIo(machine))).toContain("'data' and 'status'");
    machine.device(Late).guardData();
    expect(only(machine).unprotectedReads).toEqual(['status']);
    machine.device(Late).guardStatus();
    expect(only(machine)).toMatchObject({ verdict: 'alive', flushPartners: ['index', 'data', 'status'] });
  });

  it('is unmapped while nothing maps its region: the machine warns of that, and not of the range too', () => {
    const machine = machineOf(use(Barred));
    expect(only(machine)).toMatchObject({ verdict: 'unmapped', space: undefined, zones: [], device: 'barred' });
    expect(machine.warnings).toEqual([expect.stringContaining("Device 'barred': region 'bar'")]);
    machine.memory.root.addSubregion(0x1000, machine.device(Barred).region(unplaced));
    expect(only(machine)).toMatchObject({ verdict: 'alive', start: 0x1000 });
    machine.device(Barred).region(unplaced).setEnabled(false);
    expect(only(machine).verdict).toBe('unmapped');
  });

  it('is reported once for each place where aliases show it', () => {
    const machine = machineOf(use(Screen));
    const window = MemoryRegion.alias(
      machine.topology,
      'window',
      machine.device(Screen).region(screen),
      0x1_8000,
      0x1000,
    );
    machine.memory.root.addSubregion(0x100_0000, window);
    const reports = explainCoalescedIo(machine);
    expect(reports.map(({ start, verdict }) => [start, verdict])).toEqual([
      [0xa0000, 'alive'],
      [0x100_0000, 'alive'],
    ]);
    expect(reports[1]?.zones).toEqual([{ start: 0x100_0000, size: 0x1000 }]);
  });

  it('is off where the accelerator was told to queue nothing, and then no zone is said to be in force', () => {
    const definition = defineMachine({ ...toyMachine, devices: [use(Latch), use(Screen)] });
    const accelerator = simulatedAccelerator({ coalescedPio: false });
    const machine = Machine.create(definition, { accelerator });
    expect(accelerator.zones.ports).toEqual([]);
    const [latch, display] = explainCoalescedIo(machine);
    expect(latch).toMatchObject({ verdict: 'off', zones: [] });
    expect(display?.verdict).toBe('alive');
    expect(formatCoalescedReport(explainCoalescedIo(machine))).toContain('zones in force: none');
    expect(machine.warnings).toEqual([]);
  });

  it('is off where the kernel has no room for its zone, says so, and is warned of', () => {
    const machine = machineOf();
    for (let index = 0; index < 1002; index++) {
      const ops = new RegionOps({ device: null, routes: [{ offset: 0, size: 1, write: () => {} }] });
      const port = MemoryRegion.io(machine.topology, `port-${index}`, 1, ops);
      port.addCoalescedIo({ offset: 0, size: 1 });
      machine.io.root.addSubregion(0x1000 + 2 * index, port);
    }
    const reports = explainCoalescedIo(machine);
    expect(reports.filter(({ verdict }) => verdict === 'alive')).toHaveLength(1000);
    const refused = reports.filter(({ verdict }) => verdict === 'off');
    expect(refused.map(({ refusedZones }) => refusedZones)).toEqual([
      [{ start: 0x17d2, size: 1 }],
      [{ start: 0x17d0, size: 1 }],
    ]);
    expect(coalescedWarnings(reports)).toHaveLength(2);
  });

  it('follows the map: the verdict is about now', () => {
    const machine = machineOf(use(PortWindow), use(Resetter));
    machine.device(PortWindow).coalesce();
    const lid = machine.io.lookup(0xcf9)?.region;
    lid?.setEnabled(false);
    expect(only(machine).verdict).toBe('alive');
    lid?.setEnabled(true);
    expect(only(machine).verdict).toBe('narrowed');
  });
});

describe('a machine that is built', () => {
  it('warns of a range that cannot work, in one sentence after the other', () => {
    const machine = machineOf(use(Latch), use(Resetter), use(Late));
    expect(machine.warnings).toHaveLength(1);
    expect(machine.warnings[0]).toMatch(/^I\/O 0x100 'index'.*'late'.*unprotected.*'data' and 'status'/);
  });

  it('says nothing about a clean one', () => {
    expect(machineOf(use(Latch), use(Screen)).warnings).toEqual([]);
  });

  it('with nothing to coalesce says so', () => {
    expect(formatCoalescedReport(explainCoalescedIo(machineOf()))).toBe('No device declares coalesced I/O.\n');
  });
});
