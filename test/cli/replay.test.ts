import { describe, expect, it } from 'vitest';
import type { replayData } from '../../sdk/cli/replay/report.ts';
import { backplane, expectRefused } from './fake-terminal.ts';

type Report = ReturnType<typeof replayData>;

async function replay(...words: string[]): Promise<Report> {
  const { status, printed, noted } = await backplane('replay', ...words, '--json');
  expect(noted).toBe('');
  expect(status).toBe(0);
  return JSON.parse(printed) as Report;
}

const column = (report: Report, pick: (exits: Report['modes'][number]['exits']) => number | null) =>
  report.modes.map(({ exits }) => pick(exits));

/** What the recordings' README says a real KVM gives: off, QEMU's zones, 0xcf8 whole. */
const known = {
  'linux61-boot-rtc': {
    accesses: 208_954,
    userspace: [208_954, 119_160, 114_753],
    ports: [103_291, 98_356, 93_949],
    coalesced: [0, 89_794, 94_201],
    ringFull: [0, 498, 498],
    drains: [0, 5_540, 9_947],
    left: [0, 0, 0],
    kicks: [0, 1, 1],
  },
  'seabios-pc-tcg': {
    accesses: 41_342,
    userspace: [41_342, 4_481, 4_098],
    ports: [4_027, 4_002, 3_619],
    coalesced: [0, 36_861, 37_244],
    ringFull: [0, 216, 216],
    drains: [0, 430, 813],
    left: [0, 1, 1],
    kicks: [0, 0, 0],
  },
} as const;

describe.each(Object.entries(known))('%s, replayed three times', (name, counts) => {
  it('gives the counts that a real KVM gave for the same accesses, to the last digit', async () => {
    const report = await replay(name, '--compare');
    expect(report.accesses).toBe(counts.accesses);
    expect(column(report, (exits) => exits.vmExits)).toEqual(Array(3).fill(counts.accesses));
    expect(column(report, (exits) => exits.userspaceExits)).toEqual(counts.userspace);
    expect(column(report, (exits) => exits.portUserspaceExits)).toEqual(counts.ports);
    expect(column(report, (exits) => exits.coalescedWrites)).toEqual(counts.coalesced);
    expect(column(report, (exits) => exits.ringFullExits)).toEqual(counts.ringFull);
    expect(column(report, (exits) => exits.drainsAtExits)).toEqual(counts.drains);
    expect(column(report, (exits) => exits.entriesAtEnd)).toEqual(counts.left);
    expect(column(report, (exits) => exits.kicks)).toEqual(counts.kicks);
  });
});

describe('a replay', () => {
  it('starts the clock where the recording says, and then agrees with every reading of time and date', async () => {
    const report = await replay('linux61-boot-rtc');
    expect(report.clock?.date).toBe('2026-11-22T10:09:01.045Z');
    expect(report.clock?.readings).toBe(1_236);
    expect(report.modes[0]?.devices.find(({ device }) => device === 'rtc')).toMatchObject({
      reads: 5_028,
      differed: 4,
    });
    expect(report.modes[0]?.differences.filter(({ why }) => why === 'not explained')).toEqual([]);
  });

  it('disagrees with readings of the time when the clock starts elsewhere', async () => {
    const report = await replay('linux61-boot-rtc', '-rtc', 'base=2026-11-22T10:09:31');
    expect(report.modes[0]?.devices.find(({ device }) => device === 'rtc')?.differed).toBeGreaterThan(1_000);
  });

  it('agrees about the size of RAM when it has as much as the recorded machine', async () => {
    const agreement = async (...words: string[]) =>
      (await replay('linux61-boot-rtc', ...words)).modes[0]?.devices.find(({ device }) => device === 'i440fx');
    expect(await agreement()).toMatchObject({ reads: 786, differed: 11 });
    expect(await agreement('-m', '256')).toMatchObject({ reads: 786, differed: 0 });
  });

  it('counts what no device models apart: ports, memory and absent PCI functions', async () => {
    const { modes } = await replay('seabios-pc-tcg', '-machine', 'empty');
    const { portReads, portWrites, memoryReads, memoryWrites, absentFunctions } = modes[0]!.unmodelled;
    expect(portReads + portWrites).toBe(4_027);
    // Where a PC has its screen, the empty machine has RAM, which answers by itself.
    expect(memoryReads + memoryWrites).toBe(263);
    expect(absentFunctions).toBe(0);
    expect((await replay('seabios-pc-tcg')).modes[0]?.unmodelled.absentFunctions).toBe(264);
  });

  it('does not take the receiver of messages for the local APIC, which no device models', async () => {
    const { modes } = await replay('linux61-boot-rtc');
    const { memoryReads, memoryWrites } = modes[0]!.unmodelled;
    expect(memoryReads + memoryWrites).toBe(8_772);
    expect(modes[0]?.devices.map(({ device }) => device)).not.toContain('msi');
  });

  it('prints the two tables in the form of perf, modelled times marked as such, and shows its progress', async () => {
    const { printed, progress } = await backplane('replay', 'seabios-pc-tcg');
    expect(printed).toMatch(/IO Port Access\s+Samples\s+Samples%\s+Time%\s+Min Time\s+Max Time\s+Avg time/);
    expect(printed).toMatch(/0xcf8:POUT\s+\d+\s+\d+\.\d\d%\s+\d+\.\d\d%\s+-\s+-\s+0\.66us \( \+-\s+- \)/);
    expect(printed).toMatch(/0xb8000:W\s+\d+/);
    expect(printed).toContain('Times are modelled: 0.66 us');
    expect(progress.length).toBeGreaterThan(3);
    expect(progress.at(-1)).toBe('');
  });

  it('measures the host time of handlers when asked, and says that this is measured', async () => {
    const measured = 'Host time in device handlers, measured:';
    expect((await backplane('replay', 'seabios-pc-tcg', '--profile')).printed).toMatch(
      new RegExp(`${measured}\\n +0x[0-9a-f]+:\\w+ +\\d+ calls, \\d+\\.\\d+ ms of host time`),
    );
    expect((await backplane('replay', 'seabios-pc-tcg')).printed).not.toContain(measured);
  });
});

describe('backplane replay --report', () => {
  it('shows a comparison, and says so where there is none', async () => {
    const { status, noted } = await backplane('replay', 'seabios-pc-tcg', '--report', 'page.html');
    expect({ status, noted }).toEqual({ status: 1, noted: 'backplane: -report shows a comparison. Add -compare.' });
  });

  it('says why it cannot write the page', async () => {
    const page = '/nowhere/page.html';
    const said = await backplane('replay', 'seabios-pc-tcg', '--compare', '--report', page);
    expectRefused(said, 'file-not-found', `-report '${page}'`, "'/nowhere'");
  });
});
