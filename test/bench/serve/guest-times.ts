import { measureGuest } from '../../../sdk/cli/measure/guest.ts';
import type { FigureTable } from './figures.ts';
import type { ServeBench } from './serve-bench.ts';

const Side = 'linuxGuest()';
const Second = 1000;
/** Milliseconds of a cold boot, of a start from a saved state, and of a command: the order of `measureGuest`. */
const limits = [8 * Second, 3 * Second, 100];

/** The figures of `backplane measure guest`, with their goals. */
export async function measureGuestTimes({ rounds, progress }: ServeBench): Promise<FigureTable> {
  const figures = await measureGuest(rounds, (what) => progress(`guest, ${what}`));
  return {
    name: 'guest',
    title: "A Linux guest of linuxGuest(), with QEMU's own edu. The processor is emulated (TCG); the host's time",
    unit: 'ms',
    digits: 0,
    series: figures.map(({ name, times }) => ({ what: name, side: Side, rounds: times })),
    goals: figures.map(({ name }, index) => ({ what: name, side: Side, limit: limits[index] as number })),
  };
}
