import { formatTable } from '../../base/text.ts';
import { hostNanoseconds } from '../../clock/host-time.ts';
import type { LinuxGuest } from '../../testing/qemu/index.ts';
import { spread } from './coalescing.ts';

/** Milliseconds: the median of the runs, and the shortest and longest. */
export interface GuestFigure {
  readonly name: string;
  readonly median: number;
  readonly shortest: number;
  readonly longest: number;
  /** Of each run. */
  readonly times: readonly number[];
}

/** A device of QEMU's own, so that only the guest is measured. Its first register is constant. */
const device = { driver: 'edu' } as const;
const Identification = 0x010000ed;

const milliseconds = (): number => hostNanoseconds() / 1e6;

/** Boots, starts from a saved state, and commands of `linuxGuest()`, each so often. */
export async function measureGuest(runs: number, onProgress: (what: string) => void): Promise<readonly GuestFigure[]> {
  const { linuxGuest } = await import('../../testing/qemu/index.ts');
  const start = async (warmStart: boolean): Promise<number> => {
    const begin = milliseconds();
    await using guest = await linuxGuest({ device, warmStart });
    await expectCard(guest);
    return milliseconds() - begin;
  };
  const several = async (what: string, one: () => Promise<number>): Promise<number[]> => {
    const times: number[] = [];
    for (let run = 1; run <= runs; run++) {
      onProgress(`${what}, ${run} of ${runs}`);
      times.push(await one());
    }
    return times;
  };
  const cold = await several('boot', () => start(false));
  await start(true);
  const warm = await several('start from the saved state', () => start(true));
  await using guest = await linuxGuest({ device });
  const command = await several('command', async () => {
    const begin = milliseconds();
    await guest.run('true');
    return milliseconds() - begin;
  });
  return [
    figure('boot, to the first register read', cold),
    figure('saved state, to the first register read', warm),
    figure('command', command),
  ];
}

async function expectCard(guest: LinuxGuest): Promise<void> {
  const read = await guest.bar(0).read32(0);
  if (read !== Identification) throw new Error(`the card identifies itself as ${read}`);
}

function figure(name: string, times: readonly number[]): GuestFigure {
  const { median, minimum: shortest, maximum: longest } = spread(times);
  return { name, median, shortest, longest, times };
}

/** A table in milliseconds. */
export function formatGuestFigures(figures: readonly GuestFigure[], runs: number): string {
  const cell = (value: number): string => `${Math.round(value)} ms`;
  const rows = figures.map((one) => [one.name, cell(one.median), cell(one.shortest), cell(one.longest)]);
  return formatTable([[`${runs} runs each`, 'median', 'shortest', 'longest'], ...rows]);
}
