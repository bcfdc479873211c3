import { interruptLines } from '../../../sdk/testing/qemu/linux/pci-function.ts';
import type { FigureTable } from './figures.ts';
import { LinuxMachine, servedAt } from './linux-machine.ts';
import type { ServeBench } from './serve-bench.ts';

const Seconds = 3;
const UnmeasuredRounds = 1;
const Own = "QEMU's own virtio-rng-pci";
const Ours = 'backplane serve';

/** Interrupts of a device for random bytes while a Linux guest reads /dev/hwrng: each is a request and its answer. */
export async function measureInterrupts({ processes, rounds, progress, command }: ServeBench): Promise<FigureTable> {
  const socket = processes.path('rng.sock');
  await processes.start(command, ['serve', '-device', 'virtio-rng-pci', '-socket', socket], [socket]);
  await using guest = await LinuxMachine.boot(processes, ['virtio_rng']);
  const sides = [
    { side: Own, address: await guest.plug({ driver: 'virtio-rng-pci' }), name: 'virtio_rng.0' },
    { side: Ours, address: await guest.plug(servedAt(socket)), name: 'virtio_rng.1' },
  ];
  const series = sides.map(({ side }) => ({ what: 'interrupts', side, rounds: [] as number[] }));
  for (let round = -UnmeasuredRounds; round < rounds; round++) {
    progress(`interrupts, ${round < 0 ? 'not measured' : `round ${round + 1} of ${rounds}`}`);
    for (const [index, { address, name }] of sides.entries()) {
      const said = await guest.run(reading(name));
      if (round >= 0) series[index]?.rounds.push(interruptsPerSecond(said, address));
    }
  }
  return {
    name: 'interrupts',
    title:
      `virtio-rng in a Linux guest that reads /dev/hwrng for ${Seconds} s, by /proc/interrupts. The processor is emulated (TCG); the guest's\n` +
      "clock, which follows the host's",
    unit: 'per second',
    digits: 0,
    series,
    goals: [],
  };
}

const look = 'cat /proc/uptime /proc/interrupts && echo END';

/** Reads this generator, with the time and the table before and after. */
const reading = (name: string): string =>
  `echo ${name} >/sys/class/misc/hw_random/rng_current && ${look} && ` +
  `{ timeout ${Seconds} dd if=/dev/hwrng of=/dev/null bs=64 2>/dev/null; ${look}; }`;

/** From what `reading` prints, and the address of the function. */
export function interruptsPerSecond(said: string, address: string): number {
  const [before, after] = said.split('END\n').map((text) => {
    const lines = interruptLines(text, address);
    const count = lines.reduce((sum, line) => sum + line.count, 0);
    return { count: lines.length > 0 ? count : Number.NaN, seconds: Number.parseFloat(text) };
  });
  const rate =
    ((after?.count ?? Number.NaN) - (before?.count ?? Number.NaN)) / ((after?.seconds ?? 0) - (before?.seconds ?? 0));
  if (rate > 0 && Number.isFinite(rate)) return rate;
  throw new Error(`The function at ${address} has given no interrupts: ${said}`);
}
