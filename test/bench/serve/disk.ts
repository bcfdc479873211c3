import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { MiB } from '../../../sdk/index.ts';
import type { FigureTable } from './figures.ts';
import { LinuxMachine, servedAt } from './linux-machine.ts';
import type { ServeBench } from './serve-bench.ts';

const Size = 256;
const Passes = 4;
const UnmeasuredRounds = 1;
const Own = "QEMU's own virtio-blk-pci";
const Ours = 'backplane serve';
const what = `dd bs=1M iflag=direct, ${Size} MiB`;

/** Reads a disk in a Linux guest: QEMU's own, and ours, whose images are in the page cache of the host. */
export async function measureDisk({ processes, rounds, progress, command }: ServeBench): Promise<FigureTable> {
  const [image, other, socket] = ['ours.img', 'own.img', 'disk.sock'].map((name) => processes.path(name)) as [
    string,
    string,
    string,
  ];
  for (const file of [image, other]) writeImage(file);
  const drive = ['-drive', `file=${image},if=none,id=d0,format=raw`];
  await processes.start(
    command,
    ['serve', ...drive, '-device', 'virtio-blk-pci,drive=d0', '-socket', socket],
    [socket],
  );
  await using guest = await LinuxMachine.boot(processes, ['virtio_blk']);
  await guest.ask('blockdev-add', {
    ...{ driver: 'raw', 'node-name': 'own', cache: { direct: false, 'no-flush': false } },
    file: { driver: 'file', filename: other, cache: { direct: false, 'no-flush': false } },
  });
  const disks = [
    { side: Own, address: await guest.plug({ driver: 'virtio-blk-pci', drive: 'own', 'write-cache': 'on' }) },
    { side: Ours, address: await guest.plug(servedAt(socket)) },
  ];
  const series = disks.map(({ side }) => ({ what, side, rounds: [] as number[] }));
  for (let round = -UnmeasuredRounds; round < rounds; round++) {
    progress(`disk, ${round < 0 ? 'not measured' : `round ${round + 1} of ${rounds}`}`);
    for (const [index, { address }] of disks.entries()) {
      const rate = await readDisk(guest, address);
      if (round >= 0) series[index]?.rounds.push(rate);
    }
  }
  return {
    name: 'disk',
    title:
      "virtio-blk in a Linux guest, cache=writeback, image in the host's page cache. The processor is emulated (TCG); the guest's clock,\n" +
      "which follows the host's",
    unit: 'MiB/s',
    digits: 0,
    series,
    goals: [{ what, side: Ours, limit: 1 / 3, of: Own, atLeast: true }],
  };
}

/** No hole, and in the page cache. */
function writeImage(path: string): void {
  const piece = randomFillSync(new Uint8Array(MiB));
  const file = openSync(path, 'w');
  for (let written = 0; written < Size; written++) writeSync(file, piece);
  closeSync(file);
  readFileSync(path);
}

/** MiB a second: the guest's clock around several passes, whose hundredths of a second are fine enough for that. */
async function readDisk(guest: LinuxMachine, address: string): Promise<number> {
  const pass = `dd if=/dev/$d of=/dev/null bs=1M count=${Size} iflag=direct 2>&1`;
  const all = Array.from({ length: Passes }, () => pass).join(' && ');
  return rateOf(
    await guest.run(
      `d=$(ls /sys/bus/pci/devices/${address}/virtio*/block) && cat /proc/uptime && ${all} && cat /proc/uptime`,
    ),
  );
}

/** MiB a second, of what `readDisk` prints: the time since the boot, what each dd says, and the time again. */
export function rateOf(said: string): number {
  const times = [...said.matchAll(/^(\d+\.\d\d) [\d.]+$/gm)].map(([, seconds]) => Number(seconds));
  const whole = said.split('\n').filter((line) => line === `${Size}+0 records in`).length;
  const seconds = (times[1] ?? Number.NaN) - (times[0] ?? Number.NaN);
  if (whole === Passes && seconds > 0) return (Passes * Size) / seconds;
  throw new Error(`dd was to read ${Size} MiB ${Passes} times, and says: ${said}`);
}
