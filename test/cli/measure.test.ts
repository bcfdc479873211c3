import { describe, expect, it } from 'vitest';
import { ExitReason, KvmRun } from '../../sdk/accelerator/kvm/abi.ts';
import { formatMeasurement, measureCoalescing } from '../../sdk/cli/measure/coalescing.ts';
import { comparedModes } from '../../sdk/cli/replay/modes.ts';
import { hostKvmAccelerator } from '../../sdk/host-kvm/accelerator.ts';
import { workloadBinary, workloads } from '../../sdk/host-kvm/workloads.ts';
import { FakeLibc } from '../host-kvm/fake-libc.ts';
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
        return hostKvmAccelerator(options, kernels.at(-1));
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

  it("is refused without the host's KVM, in a sentence", async () => {
    expectRefused(await backplane('measure', 'coalescing', '-accel', 'kvm-sim'), 'not-measurable');
    expectRefused(await backplane('measure', 'coalescing', '-accel', 'kvm', '-times', '70000'), 'invalid-number');
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
