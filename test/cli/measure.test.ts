import { describe, expect, it } from 'vitest';
import type { ExitRow } from '../../sdk/accelerator/exit-table.ts';
import type { ExitSummary } from '../../sdk/accelerator/index.ts';
import { ExitReason, KvmRun } from '../../sdk/accelerator/kvm/abi.ts';
import { formatMeasurement, measureCoalescing, rowOfQemu } from '../../sdk/cli/measure/coalescing.ts';
import { clockGuest } from '../../sdk/cli/measure/live-guests.ts';
import { measureStockQemu, workloadFirmware } from '../../sdk/cli/measure/stock-qemu.ts';
import { comparedModes } from '../../sdk/cli/replay/modes.ts';
import { acceleratorOver } from '../../sdk/host-kvm/accelerator.ts';
import { workloadBinary, workloads } from '../../sdk/host-kvm/workloads.ts';
import { findQemu, whyNoQemu } from '../../sdk/testing/qemu/process.ts';
import { FakeLibc } from '../host-kvm/fake-libc.ts';
import { whyNoLinuxI386 } from '../linux-i386.ts';
import { needs, whyNoX86 } from '../needs.ts';
import { judgedMeasurement } from '../real-kvm/measurement.ts';
import { expectRefusal } from '../refusal.ts';
import { pcI440fx } from '../small-machines.ts';
import { backplane, expectRefused } from './fake-terminal.ts';

const machine = { definition: pcI440fx, plugins: [], backends: [], warnings: [], request: {} } as never;

/** A kernel whose guest writes to the index port so often that one write finds the ring full, and then halts. */
function haltingKernel(): FakeLibc {
  const libc = new FakeLibc();
  libc.onRun = () => {
    for (let value = 0; value < 100; value++) libc.queue(0x70, value);
    libc.vcpuPages.setUint32(KvmRun.exitReason, ExitReason.Hlt, true);
    libc.vcpuPages.setUint8(KvmRun.ifFlag, 0);
    return 0;
  };
  return libc;
}

describe('what coalescing saves', () => {
  it('is measured for each workload in three modes, and nothing is left behind', () => {
    const kernels: FakeLibc[] = [];
    const setup = {
      machine,
      modes: comparedModes(machine, {}),
      workloads,
      times: 100,
      runs: 4,
      unit: 'instructions' as const,
    };
    const rows = measureCoalescing({
      ...setup,
      accelerator: (options) => {
        kernels.push(haltingKernel());
        return acceleratorOver(kernels.at(-1)!, options);
      },
      binaryOf: workloadBinary,
      onProgress: () => {},
    });
    expect(rows.map(({ workload, mode }) => `${workload} ${mode}`)).toEqual(
      ['rtc', 'pci', 'burst'].flatMap((name) => ['off', 'overlay', 'ours'].map((mode) => `${name} ${mode}`)),
    );
    for (const row of rows) {
      expect(row.userspaceExits).toBe(1);
      expect(row.minimum).toBeLessThanOrEqual(row.median);
      expect(row.median).toBeLessThanOrEqual(row.maximum);
    }
    expect(kernels).toHaveLength(9);
    expect(kernels.every((kernel) => kernel.isClean)).toBe(true);
    const text = formatMeasurement(rows, setup);
    expect(text).toContain('PCI pairs: out32 0xcf8, in32 0xcfc, each pair');
    expect(text).toMatch(/Samples +Userspace exits +Instr\.% +Min instructions/);
    expect(text).not.toMatch(/\d us\b|\dus/);
    expect(formatMeasurement(rows, { ...setup, unit: 'microseconds' })).toMatch(/off +200 +1 +100\.0% +[\d.]+us/);
  });

  it('has guests that do each workload so many times, and halt', () => {
    const [rtc, , burst] = workloads;
    expect(Buffer.from(workloadBinary(rtc!, 2000).bytes).toString('hex')).toBe('fab9d007b00be670e4714975f7f4');
    expect(Buffer.from(workloadBinary(burst!, 1).bytes).toString('hex')).toBe('fab90100b00be6704975f9f4');
    expectRefusal(() => workloadBinary(burst!, 65_536), 'invalid-workload', 'burst', '65535');
  });

  it('has the same workloads as a firmware for QEMU, which begins each run with a byte to the debug console', () => {
    const firmware = workloadFirmware(workloads[0]!, 200_000);
    expect(Buffer.from(firmware.subarray(0, 22)).toString('hex')).toBe('b02ee6e966b9400d0300b00be670e471664975f6ebea');
    expect([...firmware.subarray(0xfff0, 0xfff5)]).toEqual([0xea, 0, 0, 0, 0xf0]);
  });

  it('is measured in QEMU itself by what comes from the debug console', needs('qemu', whyNoQemu()), async () => {
    const setup = {
      qemu: findQemu() as string,
      workload: workloads[1]!,
      times: 50,
      runs: 7,
      accelerator: 'tcg' as const,
    };
    const taken = await measureStockQemu(setup);
    expect(taken).toHaveLength(7);
    for (const one of taken) expect(Number(one)).toBeGreaterThan(0);
    const row = rowOfQemu(workloads[1]!, 50, taken as number[]);
    const text = formatMeasurement([row], { modes: [], workloads, times: 50, runs: 7, unit: 'microseconds' });
    expect(text).toMatch(/QEMU itself +100 +not known +100\.0% +[\d.]+us/);
  });

  it('is not measured in a QEMU that ends, and its own words say why', async () => {
    const setup = { workload: workloads[0]!, times: 50, runs: 1 };
    expect(await measureStockQemu({ ...setup, qemu: '/no/such/qemu' })).toMatch(/ENOENT/);
    expect(await measureStockQemu({ ...setup, qemu: '/bin/false' })).toBe('it ended with status 1');
  });

  it("refuses what is of the host's KVM for a running guest, and the other way round", async () => {
    expectRefused(await backplane('measure', 'coalescing', '-accel', 'kvm-sim', '-icount'), 'not-measurable', 'kvm');
    expectRefused(await backplane('measure', 'coalescing', '-runs', '3'), 'not-measurable', '-runs');
    expectRefused(await backplane('measure', 'coalescing', '-accel', 'kvm', '-guest', 'linux'), 'not-measurable');
    expectRefused(await backplane('measure', 'coalescing', '-accel', 'kvm', '-times', '70000'), 'invalid-number');
    expectRefused(await backplane('measure', 'coalescing', '-guest', 'linx'), 'unknown-operand', "'linux'");
  });

  it('says how to get a Linux that is not there, and takes the firmware where none is asked for', async () => {
    const environment = { XDG_CACHE_HOME: '/no/such/folder', HOME: '/no/such/folder' };
    await expect(clockGuest('linux', environment)).rejects.toMatchObject({
      code: 'guest-not-fetched',
      message: expect.stringContaining('backplane fetch linux-i386'),
    });
    const { title, firmware } = await clockGuest(undefined, environment);
    expect(title).toContain('firmware');
    expect(firmware).toBeInstanceOf(Uint8Array);
  });
});

describe('what coalescing saves a running guest', needs('host', whyNoX86()), () => {
  const counts = async (...words: string[]) => {
    const { printed, status } = await backplane('measure', 'coalescing', ...words, '-json');
    expect(status).toBe(0);
    return JSON.parse(printed) as {
      title: string;
      isLive: boolean;
      modes: { mode: string; exits: ExitSummary; ports: ExitRow[] }[];
    }[];
  };
  const portOf = (ports: readonly ExitRow[], key: string) => ports.find((row) => row.key === key)?.samples ?? 0;

  it('is counted of firmware that shows the time, in three modes, beside the recorded boot', async () => {
    const [live, recorded] = await counts('-guest', 'firmware', '-limit', '200000');
    expect(live).toMatchObject({ isLive: true, title: expect.stringContaining('firmware') });
    expect(recorded?.title).toContain('linux61-boot-rtc');
    for (const guest of [live!, recorded!]) {
      const [off, overlay, ours] = guest.modes;
      expect(guest.modes.map(({ mode }) => mode)).toEqual(['off', 'overlay', 'ours']);
      expect(off?.exits.coalescedWrites).toBe(0);
      expect(off?.exits.userspaceExits).toBe(off?.exits.vmExits);
      expect(overlay!.exits.userspaceExits).toBeLessThan(off!.exits.userspaceExits);
      expect(ours!.exits.userspaceExits).toBeLessThanOrEqual(overlay!.exits.userspaceExits);
    }
    // Each reading of a register is a write of the index and a read of the data.
    for (const { exits, ports } of live!.modes) {
      expect(portOf(ports, '0x70:POUT')).toBeGreaterThan(1000);
      expect(Math.abs(portOf(ports, '0x70:POUT') - portOf(ports, '0x71:PIN'))).toBeLessThanOrEqual(1);
      expect(exits.modelledTime).toBeGreaterThan(0);
    }
    const [off, , ours] = live!.modes;
    const index = portOf(ours!.ports, '0x70:POUT');
    expect(portOf(off!.ports, '0x70:POUT')).toBe(index);
    expect(off!.exits.portUserspaceExits - ours!.exits.portUserspaceExits).toBe(index);
  });

  it('prints the table of ports of each mode, with times that are said to be modelled', async () => {
    const { printed } = await backplane('measure', 'coalescing', '-guest', 'firmware', '-limit', '100000');
    expect(printed.match(/^ +0x70:POUT +\d+ /gm)).toHaveLength(3);
    expect(printed.match(/Times are modelled: /g)).toHaveLength(3);
    expect(printed).toMatch(/^Running: .*; 100,000 instructions\n\n +off +QEMU's overlay +ours\n/m);
    expect(printed).toMatch(/^Recorded: linux61-boot-rtc; 208,954 accesses$/m);
  });

  it('is counted of a Linux that reads its clock', {
    ...needs('host', whyNoLinuxI386()),
    tags: 'slow',
    timeout: 180_000,
  }, async () => {
    const [live] = await counts('-guest', 'linux', '-limit', '2000000');
    const [off, , ours] = live!.modes;
    expect(portOf(ours!.ports, '0x71:PIN')).toBeGreaterThan(100);
    expect(ours!.exits.userspaceExits).toBeLessThan(0.6 * off!.exits.userspaceExits);
  });
});

describe('the judge of a measurement', () => {
  const times = 2000;
  const exits = {
    rtc: { off: 4001, overlay: 2001, ours: 2001 },
    pci: { off: 4001, overlay: 4001, ours: 2001 },
    burst: { off: 2001, overlay: 12, ours: 12 },
  } as const;
  const row = (workload: keyof typeof exits, mode: 'off' | 'overlay' | 'ours', median: number) => ({
    ...{ workload, mode, samples: 0, userspaceExits: exits[workload][mode] as number, median },
    ...{ minimum: median, maximum: median, average: median, deviationPercent: 0 },
  });
  const all = (of: (workload: keyof typeof exits, mode: 'off' | 'overlay' | 'ours') => number) =>
    (['rtc', 'pci', 'burst'] as const).flatMap((workload) =>
      (['off', 'overlay', 'ours'] as const).map((mode) => row(workload, mode, of(workload, mode))),
    );
  const good = () => ({
    rows: all((_, mode) => (mode === 'ours' ? 7000 : 10_000)),
    yardsticks: all(() => 6000),
  });

  it('is content with exact exits, and goals that are met', () => {
    expect(judgedMeasurement(good(), times)).toMatchObject({ isEqual: true });
  });

  it('sees one exit too many, too many instructions, and a pair that saves too little', () => {
    const more = good();
    more.rows[4]!.userspaceExits++;
    expect(judgedMeasurement(more, times)).toMatchObject({
      isEqual: false,
      text: expect.stringContaining('pci overlay: 4002'),
    });
    const slow = { rows: all((_, mode) => (mode === 'ours' ? 9000 : 12_001)), yardsticks: all(() => 6000) };
    expect(judgedMeasurement(slow, times).text).toContain('times the instructions of the yardstick');
    const little = { rows: all((_, mode) => (mode === 'ours' ? 7600 : 10_000)), yardsticks: all(() => 6000) };
    expect(judgedMeasurement(little, times)).toMatchObject({ isEqual: false, text: expect.stringContaining('24.0 %') });
  });
});
