import { describe, expect, it } from 'vitest';
import { DirtyLog, Errno, MemoryRegionFlag, VmRequest } from '../../sdk/accelerator/kvm/abi.ts';
import { KernelBench } from './kernel-bench.ts';

const Page = 4096;
const { LogDirtyPages, Readonly } = MemoryRegionFlag;

function withRam(pages = 16) {
  const bench = new KernelBench();
  const ram = bench.kernel.allocateGuestMemory(pages * Page);
  return { bench, ram, userspace: ram.hostAddress };
}

function dirtyPages(
  bench: KernelBench,
  slot: number,
  bitmap: { hostAddress: number; bytes: Uint8Array },
): number[] | string {
  const request = new DataView(new ArrayBuffer(DirtyLog.size));
  request.setUint32(DirtyLog.slot, slot, true);
  request.setBigUint64(DirtyLog.bitmap, BigInt(bitmap.hostAddress), true);
  const errno = bench.request(bench.vmFd, VmRequest.GetDirtyLog, request);
  if (errno !== 0) return `errno ${errno}`;
  return [...bitmap.bytes].flatMap((byte, index) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => byte & (1 << bit)).map((bit) => index * 8 + bit),
  );
}

describe('memory slots', () => {
  const size = 4 * Page;
  it.each<[string, (userspace: number) => Parameters<KernelBench['memorySlot']>[0], number]>([
    ['a slot', (userspace) => ({ size, userspace }), 0],
    ['a slot of the last id', (userspace) => ({ id: 32763, size, userspace }), 0],
    ['an id beyond the last', (userspace) => ({ id: 32764, size, userspace }), Errno.EINVAL],
    ['a second address space', (userspace) => ({ id: 0x10000, size, userspace }), Errno.EINVAL],
    ['an unknown flag', (userspace) => ({ flags: 4, size, userspace }), Errno.EINVAL],
    ['a size that is no multiple of the page', (userspace) => ({ size: size + 1, userspace }), Errno.EINVAL],
    ['a guest address inside a page', (userspace) => ({ address: 0x10, size, userspace }), Errno.EINVAL],
    ['a userspace address inside a page', (userspace) => ({ size, userspace: userspace + 8 }), Errno.EINVAL],
    ['a userspace address that no process has', () => ({ size, userspace: 2 ** 47 }), Errno.EINVAL],
    [
      'an end behind the physical address space',
      (userspace) => ({ address: 2 ** 52 - Page, size, userspace }),
      Errno.EINVAL,
    ],
    ['deleting what is not there', (userspace) => ({ size: 0, userspace }), Errno.EINVAL],
  ])('%s', (_name, slot, errno) => {
    const { bench, userspace } = withRam();
    expect(bench.memorySlot(slot(userspace))).toBe(errno);
  });

  it('that overlap another one are refused with EEXIST; side by side they are not', () => {
    const { bench, userspace } = withRam();
    expect(bench.memorySlot({ id: 1, address: 0x10000, size: 4 * Page, userspace })).toBe(0);
    for (const address of [0x10000, 0xf000, 0x13000]) {
      expect(bench.memorySlot({ id: 2, address, size: 2 * Page, userspace })).toBe(Errno.EEXIST);
    }
    expect(bench.memorySlot({ id: 2, address: 0x14000, size: 2 * Page, userspace })).toBe(0);
    expect(bench.memorySlot({ id: 3, address: 0xe000, size: 2 * Page, userspace })).toBe(0);
  });

  it('change flags and move, but neither size, nor memory, nor whether they can be written', () => {
    const { bench, userspace } = withRam();
    const slot = { address: 0x10000, size: 4 * Page, userspace };
    bench.memorySlot(slot);
    expect(bench.memorySlot(slot)).toBe(0);
    expect(bench.memorySlot({ ...slot, flags: LogDirtyPages })).toBe(0);
    expect(bench.memorySlot({ ...slot, flags: LogDirtyPages, address: 0x20000 })).toBe(0);
    expect(bench.memorySlot({ ...slot, address: 0x20000, size: Page })).toBe(Errno.EINVAL);
    expect(bench.memorySlot({ ...slot, address: 0x20000, userspace: userspace + Page })).toBe(Errno.EINVAL);
    expect(bench.memorySlot({ ...slot, address: 0x20000, flags: Readonly })).toBe(Errno.EINVAL);
  });

  it('are read and written by the guest without an exit, across their pages and into the next slot', () => {
    const { bench, ram, userspace } = withRam();
    bench.memorySlot({ id: 0, size: 2 * Page, userspace });
    bench.memorySlot({ id: 1, address: 2 * Page, size: Page, userspace: userspace + 8 * Page });
    const seen: (number | bigint)[] = [];
    bench.attach(function* (guest) {
      yield* guest.store64(Page - 3, 0x8877_6655_4433_2211n);
      seen.push(yield* guest.load64(Page - 3));
      yield* guest.store32(2 * Page - 2, 0xddcc_bbaa);
      seen.push(yield* guest.load16(2 * Page - 1));
    });
    expect(bench.run()).toBe(Errno.EINTR);
    expect(seen).toEqual([0x8877_6655_4433_2211n, 0xccbb]);
    expect([...ram.bytes.subarray(8 * Page, 8 * Page + 2)]).toEqual([0xcc, 0xdd]);
    expect(bench.kernel.counts.vmExits).toBe(0);
  });

  it('that are deleted turn their addresses into MMIO', () => {
    const { bench, userspace } = withRam();
    bench.memorySlot({ size: Page, userspace });
    bench.attach(function* (guest) {
      yield* guest.store8(0x10, 1);
      yield* guest.hlt();
      yield* guest.store8(0x10, 2);
    });
    bench.run();
    expect(bench.exit).toBe('exit 5');
    expect(bench.memorySlot({ size: 0, userspace })).toBe(0);
    expect([bench.run(), bench.exit]).toEqual([0, 'write 0x10/1']);
  });

  it('that are made where the guest has found none hold what it stores next; around them it still finds none', () => {
    const { bench, ram, userspace } = withRam();
    bench.memorySlot({ id: 0, size: Page, userspace });
    bench.attach(function* (guest) {
      for (const address of [5 * Page, 5 * Page, 5 * Page - 1, 6 * Page, 0, 2 * Page]) yield* guest.store8(address, 7);
    });
    expect([bench.run(), bench.exit]).toEqual([0, 'write 0x5000/1']);
    expect(bench.memorySlot({ id: 1, address: 5 * Page, size: Page, userspace: userspace + Page })).toBe(0);
    expect([bench.run(), bench.exit]).toEqual([0, 'write 0x4fff/1']);
    expect(ram.bytes[Page]).toBe(7);
    expect([bench.run(), bench.exit]).toEqual([0, 'write 0x6000/1']);
    expect([bench.run(), bench.exit]).toEqual([0, 'write 0x2000/1']);
    expect(ram.bytes[0]).toBe(7);
  });

  it('that are read-only are read directly; a store leaves as MMIO, and a zone may take it', () => {
    const { bench, ram, userspace } = withRam();
    ram.bytes[0x20] = 0x5a;
    bench.memorySlot({ flags: Readonly, size: Page, userspace });
    bench.zone(0x30, 1, 0);
    const seen: number[] = [];
    bench.attach(function* (guest) {
      seen.push(yield* guest.load8(0x20));
      yield* guest.store8(0x30, 7);
      yield* guest.store8(0x20, 1);
    });
    expect([bench.run(), bench.exit, seen]).toEqual([0, 'write 0x20/1', [0x5a]]);
    expect([ram.bytes[0x20], bench.drain()]).toEqual([0x5a, [{ address: 0x30, value: 7 }]]);
  });

  it('split an access that runs from RAM into nothing: one part is stored, the other exits', () => {
    const { bench, ram, userspace } = withRam();
    bench.memorySlot({ size: Page, userspace });
    let seen = 0;
    bench.attach(function* (guest) {
      yield* guest.store32(Page - 2, 0x4433_2211);
      seen = yield* guest.load32(Page - 2);
    });
    expect([bench.run(), bench.exit]).toEqual([0, 'write 0x1000/2']);
    expect([...ram.bytes.subarray(Page - 2, Page)]).toEqual([0x11, 0x22]);
    expect([bench.run(), bench.exit]).toEqual([0, 'read 0x1000/2']);
    bench.runPage.setUint16(40, 0xbbaa, true);
    bench.run();
    expect(seen).toBe(0xbbaa_2211);
  });

  it('that name userspace memory which is not there fault the guest: KVM_RUN answers EFAULT', () => {
    const { bench } = withRam();
    expect(bench.memorySlot({ size: Page, userspace: 0x1000 })).toBe(0);
    bench.attach(function* (guest) {
      yield* guest.store8(0, 1);
    });
    expect([bench.run(), bench.run()]).toEqual([Errno.EFAULT, Errno.EFAULT]);
  });
});

describe('the dirty log', () => {
  it('holds the pages that the guest stored to since it was last read', () => {
    const { bench, userspace } = withRam(80);
    const bitmap = bench.kernel.allocateGuestMemory(16);
    bench.memorySlot({ id: 3, flags: LogDirtyPages, size: 80 * Page, userspace });
    bench.attach(function* (guest) {
      yield* guest.store8(0, 1);
      yield* guest.load8(5 * Page);
      yield* guest.store32(7 * Page - 2, 1);
      yield* guest.store8(79 * Page, 1);
      yield* guest.hlt();
      yield* guest.store8(9 * Page, 1);
    });
    bench.run();
    expect(dirtyPages(bench, 3, bitmap)).toEqual([0, 6, 7, 79]);
    expect(dirtyPages(bench, 3, bitmap)).toEqual([]);
    bench.run();
    expect(dirtyPages(bench, 3, bitmap)).toEqual([9]);
  });

  it('holds the pages that a string read into', () => {
    const { bench, userspace } = withRam();
    const bitmap = bench.kernel.allocateGuestMemory(8);
    bench.memorySlot({ flags: LogDirtyPages, size: 16 * Page, userspace });
    bench.attach(function* (guest) {
      yield* guest.repIns8(0x511, 8, { destination: 3 * Page - 4 });
    });
    while (bench.run() === 0);
    expect(dirtyPages(bench, 0, bitmap)).toEqual([2, 3]);
  });

  it('is refused for a slot that is not logged, an id that cannot be, and a bitmap that is not mapped', () => {
    const { bench, userspace } = withRam();
    bench.memorySlot({ size: Page, userspace });
    bench.memorySlot({ id: 1, flags: LogDirtyPages, address: 0x10000, size: Page, userspace });
    const bitmap = bench.kernel.allocateGuestMemory(8);
    expect(dirtyPages(bench, 0, bitmap)).toBe(`errno ${Errno.ENOENT}`);
    expect(dirtyPages(bench, 2, bitmap)).toBe(`errno ${Errno.ENOENT}`);
    expect(dirtyPages(bench, 32764, bitmap)).toBe(`errno ${Errno.EINVAL}`);
    expect(dirtyPages(bench, 1, { hostAddress: 0x1000, bytes: bitmap.bytes })).toBe(`errno ${Errno.EFAULT}`);
  });
});

describe('userspace memory', () => {
  it('is found between other blocks, and is gone once it was given back', () => {
    const bench = new KernelBench();
    const blocks = Array.from({ length: 9 }, () => bench.kernel.allocateGuestMemory(Page));
    const slotOn = (index: number) => bench.memorySlot({ id: 1, size: Page, userspace: blocks[index]!.hostAddress });
    const bitmap = bench.kernel.allocateGuestMemory(Page);
    slotOn(4);
    bench.memorySlot({ id: 2, address: Page, size: Page, userspace: blocks[5]!.hostAddress, flags: LogDirtyPages });
    expect(dirtyPages(bench, 2, blocks[0]!)).toEqual([]);
    for (const index of [0, 8, 3]) bench.kernel.releaseGuestMemory(blocks[index]!);
    bench.kernel.releaseGuestMemory(blocks[3]!);
    for (const index of [0, 3, 8]) expect(dirtyPages(bench, 2, blocks[index]!)).toBe(`errno ${Errno.EFAULT}`);
    for (const block of [blocks[1]!, blocks[4]!, bitmap]) expect(dirtyPages(bench, 2, block)).toEqual([]);
    // An unmapped page follows each block.
    expect(dirtyPages(bench, 2, { hostAddress: bitmap.hostAddress + Page, bytes: bitmap.bytes })).toBe(
      `errno ${Errno.EFAULT}`,
    );
  });
});
