import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { Edu, FwCfg, Mc146818Rtc, MsiWindow, PcTestdev, Q35Mch } from '../../devices/index.ts';
import { ImageMemory } from '../../devices/parts/image-memory.ts';
import type { BlockBackend } from '../../sdk/backend.ts';
import { type Device, KiB } from '../../sdk/index.ts';
import { PciBus, type PciDevice, PciRegister } from '../../sdk/pci.ts';
import { type TestBench, testBench } from '../../sdk/testing/index.ts';
import { goldenMessages } from '../golden-messages.ts';

/** A memory chip of four bytes, whose image has another size unless it is said, and answers so. */
function chipWith(read: BlockBackend['read'], byte = 0, size = 8): ImageMemory {
  const drive = { id: 'd0', isChosen: true, isReadOnly: false, size, read } as unknown as BlockBackend;
  return new ImageMemory(drive, new Uint8Array(4).fill(byte));
}

goldenMessages('devices', {
  'cmos-register-out-of-range': () => testBench(Mc146818Rtc).device.setCmos(0x80, 0),
  'fw-cfg-refused': () => testBench(FwCfg).device.addFile('etc/e820 entries', new Uint8Array(0)),
  'image-differs': () => chipWith(() => undefined, 0xff).compare('flash0'),
  'image-of-wrong-size': () => chipWith(() => undefined).load('flash0', 'W25Q128'),
  'image-unreadable': () => chipWith(() => 'input-output', 0, 4).load('flash0', 'W25Q128'),
  'missing-bus-master-memory': () => {
    const { io, memory } = testBench(MsiWindow);
    testBench(MsiWindow, { services: [[PciBus, new PciBus({ io: io.root, memory: memory.root })]] });
  },
});

/** A function at the bench's BAR address, as a bus master. */
function card<D extends PciDevice>(bench: TestBench<D>): TestBench<D> {
  bench.device.writeConfig(PciRegister.Command, 7, 2);
  return bench;
}

/** What each device reports as the guest's mistake, in the order of its sources. */
const guestErrors: readonly (() => Pick<TestBench<Device>, 'guestErrors'>)[] = [
  () => {
    const bench = card(testBench(Edu, { ram: 64 * KiB, options: { dmaMask: 0xf_ffffn } }));
    const bar = bench.device.bars.all[0]?.address as number;
    const transfer = (from: number, to: number, count: number) => {
      for (const [at, value] of [from, to, count, 1].entries()) bench.store32(bar + 0x80 + 8 * at, value);
      bench.clock.advance(100_000_000);
    };
    bench.load32(bar + 0x0c);
    bench.store64(bar + 0x08, 1n);
    transfer(0x1000_0000, 0x4_0000, 4);
    transfer(0x8_0000, 0x4_0000, 4);
    transfer(0, 0x4_1000, 4);
    return bench;
  },
  () => {
    const bench = testBench(MsiWindow);
    for (const data of [0x0250, 0x000f]) bench.device.receive(data);
    return bench;
  },
  () => {
    const bench = testBench(PcTestdev);
    bench.out8(0x2010, 1);
    return bench;
  },
  () => {
    const bench = testBench(Q35Mch);
    bench.device.writeConfig(0x60, 0xb000_0007, 4);
    return bench;
  },
];

it('the mistakes of guests that devices report are those of the golden file', async () => {
  const lines = guestErrors.flatMap((provoke) =>
    provoke().guestErrors.map(({ device, message }) => `${device}: ${message}`),
  );
  const file = fileURLToPath(new URL('guest-errors.golden.txt', import.meta.url));
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(file);
});
