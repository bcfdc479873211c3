// @module-tag qemu
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Edu } from '../../devices/edu.ts';
import { use } from '../../sdk/index.ts';
import { needs } from '../needs.ts';
import { romImage, TableCard, WideCard } from './cards.ts';
import type { ManyQemus } from './many-qemus.ts';
import { type GuestOptions, type QtestGuest, whyNoAttach, withGuest } from './qemu-guest.ts';

const Bar = 0xe000_0000;
/** q35 wires pin A of slot 5 there. */
const Line = 21;
const edu = use(Edu, { options: { dmaMask: 0xffff_ffffn } });

/** Places BAR 0, and lets the function decode and be a bus master. */
async function enable(guest: QtestGuest, command = 7): Promise<void> {
  await guest.writeConfig(0x10, Bar);
  await guest.writeConfig(4, command, 2);
}

const options: GuestOptions = {};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'backplane-ram-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A file that is the guest's memory. */
function ramFile(name: string): string {
  const ram = join(folder, name);
  writeFileSync(ram, '');
  truncateSync(ram, 256 * 2 ** 20);
  return ram;
}

describe('a stock QEMU', needs('qemu', whyNoAttach), () => {
  it('plugs in edu: identity, size of its BAR, registers', async () => {
    await withGuest(edu, options, async (guest) => {
      expect(await guest.readConfig(0)).toBe(0x11e8_1234);
      expect(await guest.readConfig(0x3d, 1)).toBe(1);
      expect(await guest.readConfig(0x10)).toBe(0);
      await guest.writeConfig(0x10, 0xffff_ffff);
      expect(await guest.readConfig(0x10)).toBe(0xfff0_0000);
      await enable(guest);
      expect(await guest.read(Bar)).toBe(0x0100_00edn);
      await guest.write(Bar + 4, 0x1234_5678);
      expect(await guest.read(Bar + 4)).toBe(0xedcb_a987n);
      await guest.write(Bar + 0x80, 0x1_2345_6789n, 8);
      expect(await guest.read(Bar + 0x80, 8)).toBe(0x1_2345_6789n);
      const { counts, guestErrors } = guest.served;
      expect(counts.postedWrites).toBe(2);
      expect(counts.failures).toBe(0);
      expect(guestErrors).toEqual([]);
      const monitor = await guest.qemu.qmp.humanMonitor('info pci');
      expect(monitor).toContain('1234:11e8');
    });
  });

  it('hears INTx as long as the pin is up', async () => {
    await withGuest(edu, options, async (guest) => {
      const { qtest } = guest.qemu;
      await enable(guest);
      await qtest.watchInputs('ioapic').catch(() => qtest.command('irq_intercept_in ioapic'));
      await guest.write(Bar + 0x60, 1);
      await guest.until(async () => {
        await guest.read(Bar + 0x24);
        return qtest.level(Line);
      });
      expect(guest.served.device.interruptOut.level).toBe(true);
      await guest.write(Bar + 0x64, 1);
      expect(await guest.read(Bar + 0x24)).toBe(0n);
      await guest.until(async () => {
        await guest.read(Bar + 0x24);
        return !qtest.level(Line);
      });
    });
  });

  it('gets a message as the write that it is', async () => {
    await withGuest(edu, options, async (guest) => {
      await enable(guest);
      const capability = await guest.capability(5);
      await guest.writeConfig(capability + 4, 0x300_0000);
      await guest.writeConfig(capability + 12, 0xabcd, 2);
      await guest.writeConfig(capability + 2, 0x81, 2);
      await guest.write(Bar + 0x60, 1);
      await guest.until(async () => (await guest.read(0x300_0000)) === 0xabcdn);
      expect(guest.served.counts.interrupts).toBe(1);
    });
  });

  it.each([
    ['a memfd, which is mapped', 'shared', true],
    ['a file, which is read and written as one', 'file', false],
  ] as const)('shares its memory, %s: edu’s DMA both ways', async (_, memory, isMapped) => {
    await withGuest(edu, { memory, ram: ramFile(memory) }, async (guest) => {
      await enable(guest);
      expect(readFileSync('/proc/self/maps', 'utf8').includes('/memfd:memory-backend-memfd')).toBe(isMapped);
      for (let at = 0; at < 64; at += 8) await guest.write(0x20_0000 + at, BigInt(at) * 0x0101_0101_0101_0101n, 8);
      await dma(guest, 0x20_0000n, 0x4_0000n, 64n, 1n);
      await dma(guest, 0x4_0000n, 0x30_0000n, 64n, 3n);
      for (let at = 0; at < 64; at += 8)
        expect(await guest.read(0x30_0000 + at, 8)).toBe(BigInt(at) * 0x0101_0101_0101_0101n);
      expect(guest.served.guestErrors).toEqual([]);
    });
  });

  it('that does not share it is told so, once, in a sentence', async () => {
    const notes: string[] = [];
    await withGuest(edu, { memory: 'private', onNote: (note) => notes.push(note) }, async (guest) => {
      await enable(guest);
      await dma(guest, 0x20_0000n, 0x4_0000n, 64n, 1n);
      expect(guest.served.guestErrors.map(({ message }) => message)).toEqual([
        'DMA at 0x200000 reaches no memory, or the card is no bus master',
      ]);
    });
    expect(notes.filter((note) => note.includes('shares no memory'))).toHaveLength(1);
  });

  it('resets the card with the machine', async () => {
    await withGuest(edu, options, async (guest) => {
      await enable(guest);
      await guest.write(Bar + 4, 5);
      await guest.write(Bar + 0x60, 1);
      const before = guest.served.counts.resets;
      await guest.qemu.qmp.execute('system_reset');
      await guest.until(() => guest.served.counts.resets > before);
      expect(await guest.readConfig(4, 2)).toBe(0);
      await enable(guest);
      expect(await guest.read(Bar + 4)).toBe(0n);
      expect(await guest.read(Bar + 0x24)).toBe(0n);
    });
  });

  it('takes it out and plugs it in again, and its state is there', async () => {
    await withGuest(edu, { machine: 'pc' }, async (guest) => {
      const { qmp } = guest.qemu;
      for (let times = 1; times <= 3; times++) {
        await enable(guest);
        expect(await guest.read(Bar)).toBe(0x0100_00edn);
        await qmp.execute('device_del', { id: 'card' });
        // The guest's answer to the wish to eject, by the register of the hot-plug controller.
        await guest.qemu.qtest.out32(0xae08, 1 << 5);
        await guest.served.whenDetached();
        expect(await guest.readConfig(0)).toBe(0xffff_ffff);
        await qmp.execute('device_add', {
          driver: 'vfio-user-pci',
          id: 'card',
          addr: '5.0',
          socket: { type: 'unix', path: guest.served.socket },
        } as never);
        expect(guest.served.attached).toBe(true);
        expect(guest.served.counts.clients).toBe(times + 1);
      }
    });
  });

  it('lives on when the server goes: all ones', async () => {
    await withGuest(edu, options, async (guest) => {
      await enable(guest);
      await guest.served.close();
      expect(await guest.read(Bar)).toBe(0xffff_ffffn);
      expect((await guest.qemu.qmp.execute('query-status')) as { running: boolean }).toMatchObject({ running: false });
    });
  });

  it('sees ports, a BAR of 64 bits with 8-byte registers, a ROM, and no pin', async () => {
    const high = 0x40_0000_0000;
    await withGuest(use(WideCard), options, async (guest) => {
      expect(await guest.readConfig(0x3d, 1)).toBe(0);
      expect(await guest.readConfig(0x10)).toBe(1);
      expect(await guest.readConfig(0x18)).toBe(0xc);
      await guest.writeConfig(0x10, 0xc000);
      await guest.writeConfig(0x18, 0);
      await guest.writeConfig(0x1c, 0x40);
      await guest.writeConfig(4, 7, 2);
      await guest.qemu.qtest.out8(0xc004, 0x5a);
      expect(await guest.qemu.qtest.in8(0xc004)).toBe(0x5a);
      await guest.write(high, 0x1122_3344_5566_7788n, 8);
      expect(await guest.read(high, 8)).toBe(0x1122_3344_5566_7788n);
      expect(await guest.read(high + 4)).toBe(0x1122_3344n);
      expect((guest.served.device as WideCard).counter).toBe(0x1122_3344_5566_7788n);
      await guest.writeConfig(0x30, 0xf000_0001);
      expect(await guest.read(0xf000_0000)).toBe(0x0302_aa55n);
      expect(await guest.read(0xf000_0000 + romImage.length - 4)).toBe(0xfffe_fdfcn);
      expect(guest.served.guestErrors).toEqual([]);
    });
  });

  it('gets each of four messages with its own data', async () => {
    await withGuest(use(WideCard), options, async (guest) => {
      await guest.writeConfig(0x18, Bar);
      await guest.writeConfig(4, 6, 2);
      const capability = await guest.capability(5);
      await guest.writeConfig(capability + 4, 0x300_0000);
      await guest.writeConfig(capability + 12, 0x40, 2);
      await guest.writeConfig(capability + 2, 0x21, 2);
      for (const vector of [2, 0, 3, 1]) {
        await guest.write(Bar + 0x10, vector);
        await guest.until(async () => (await guest.read(0x300_0000)) === BigInt(0x40 + vector));
      }
    });
  });

  it('masks one of four vectors of MSI-X: three messages arrive, and the fourth after it is unmasked', async () => {
    await withGuest(use(TableCard), options, masksOneOfFour);
  });

  it('comes, is used and is switched off twenty times, and descriptors, maps and memory are given back', () => {
    const args = ['--max-semi-space-size=1', '--import', 'tsx', 'test/serve/many-qemus.ts', '10', '20'];
    const output = execFileSync(process.execPath, args, { encoding: 'utf8' });
    const { before, after, fewest, interrupts } = JSON.parse(output) as ManyQemus;
    expect(interrupts).toBe(20);
    expect(fewest).toBeGreaterThan(0);
    expect(after.mapsOfClients).toBe(0);
    expect(after.descriptors).toBe(before.descriptors);
    expect(after.maps).toBeLessThanOrEqual(before.maps + 8);
    expect(after.resident - before.resident).toBeLessThanOrEqual(16 * 2 ** 20);
  });

  it('posts writes, one by one or gathered, and all of them arrive in their order', async () => {
    await withGuest(edu, { device: { 'x-send-queued': true } }, async (guest) => {
      await enable(guest);
      const writes = Array.from(
        { length: 200 },
        (_, index) => `writel 0x${(Bar + 4).toString(16)} 0x${index.toString(16)}`,
      );
      await guest.qemu.qtest.commands(writes, () => {});
      expect(await guest.read(Bar + 4)).toBe(BigInt(~199 >>> 0));
      const { batchedWrites, postedWrites } = guest.served.counts;
      expect(batchedWrites + postedWrites).toBe(200);
    });
  });
});

describe('a stock QEMU, without koffi', needs('qemu', whyNoAttach), () => {
  it('masks one of four vectors of MSI-X, which the device reads from its table', async () => {
    await withGuest(use(TableCard), { native: 'never' }, masksOneOfFour);
  });

  it('shares its memory as a file, and carries out messages as writes', async () => {
    const ram = ramFile('without-koffi');
    await withGuest(edu, { native: 'never', memory: 'file', ram }, async (guest) => {
      await enable(guest);
      await guest.write(0x20_0000, 0x1122_3344_5566_7788n, 8);
      await dma(guest, 0x20_0000n, 0x4_0000n, 8n, 1n);
      await dma(guest, 0x4_0000n, 0x30_0000n, 8n, 3n);
      expect(await guest.read(0x30_0000, 8)).toBe(0x1122_3344_5566_7788n);
      const capability = await guest.capability(5);
      await guest.writeConfig(capability + 4, 0x310_0000);
      await guest.writeConfig(capability + 12, 0xabcd, 2);
      await guest.writeConfig(capability + 2, 0x81, 2);
      await guest.write(Bar + 0x60, 1);
      await guest.until(async () => (await guest.read(0x310_0000)) === 0xabcdn);
      expect(guest.served.guestErrors).toEqual([]);
    });
  });
});

async function dma(
  guest: QtestGuest,
  source: bigint,
  destination: bigint,
  count: bigint,
  command: bigint,
): Promise<void> {
  await guest.write(Bar + 0x80, source, 8);
  await guest.write(Bar + 0x88, destination, 8);
  await guest.write(Bar + 0x90, count, 8);
  await guest.write(Bar + 0x98, command, 8);
  await guest.until(async () => ((await guest.read(Bar + 0x98)) & 1n) === 0n);
}

async function masksOneOfFour(guest: QtestGuest): Promise<void> {
  const table = Bar + 0x10_0000;
  await enable(guest);
  await guest.writeConfig(0x14, table);
  const capability = await guest.capability(0x11);
  const landed = async (vector: number) => (await guest.read(0x300_0000 + 16 * vector)) === BigInt(0x50 + vector);
  await guest.writeConfig(capability + 2, 0x8000, 2);
  for (let vector = 0; vector < 4; vector++) {
    await guest.write(table + 16 * vector, 0x300_0000 + 16 * vector);
    await guest.write(table + 16 * vector + 4, 0);
    await guest.write(table + 16 * vector + 8, 0x50 + vector);
    await guest.write(table + 16 * vector + 12, vector === 2 ? 1 : 0);
  }
  for (let vector = 0; vector < 4; vector++) await guest.write(Bar, vector);
  for (const vector of [0, 1, 3]) await guest.until(() => landed(vector));
  expect(await landed(2)).toBe(false);
  expect(await guest.read(table + 0x800)).toBe(4n);
  await guest.write(table + 16 * 2 + 12, 0);
  await guest.until(() => landed(2));
  expect(await guest.read(table + 0x800)).toBe(0n);
  expect(guest.served.device.interruptOut.level).toBe(false);
}
