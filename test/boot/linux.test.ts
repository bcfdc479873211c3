import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GuestCode } from '../../sdk/accelerator/guest/code.ts';
import { equalBytes } from '../../sdk/base/bytes.ts';
import { BackplaneError } from '../../sdk/base/errors.ts';
import { type LinuxKernelOptions, linuxKernel } from '../../sdk/boot/index.ts';
import { times } from '../depth.ts';
import { linuxI386, shellInitramfs, whyNoLinuxI386 } from '../linux-i386.ts';
import { needs } from '../needs.ts';
import { expectRefusal } from '../refusal.ts';
import {
  bzImage,
  elf32,
  gzipped,
  kernelCode,
  MiB,
  memoryOf,
  SetupSize,
  textAt,
  unpacker,
  vmlinux,
  wordAt,
} from './images.ts';
import { fixture } from './xz-files.ts';

const usual = { name: 'vmlinuz', ramSize: 64 * MiB } as const;
const load = (options: Partial<LinuxKernelOptions> & Pick<LinuxKernelOptions, 'kernel'>): GuestCode =>
  linuxKernel({ ...usual, ...options });
const packedKernel = bzImage({ payload: gzipped(vmlinux()) });
/** Of gzip: without a name. */
const packedHeader = Array.from(gzipped(vmlinux()).subarray(0, 10));
const xzPayload = (bytes: Uint8Array): Uint8Array => Uint8Array.from([...bytes, 1, 2, 3, 4]);

/** What Linux finds behind ESI. */
const Params = 0x1_0000;
const entryOf = ({ start }: GuestCode) => (start === 'reset' ? undefined : start.entry);

describe('a bzImage', () => {
  it('is unpacked before the guest runs: its segments lie where they were linked, with zeroes behind them', () => {
    const guest = load({ kernel: packedKernel });
    expect(entryOf(guest)).toBe(16 * MiB);
    expect(memoryOf(guest, 16 * MiB, kernelCode.length)).toEqual(kernelCode);
    expect([...memoryOf(guest, 16 * MiB + 0x1000, 5)]).toEqual([1, 2, 3, 0, 0]);
    expect(memoryOf(guest, 16 * MiB + 0x1000 + 3, 0x800 - 3).every((byte) => byte === 0)).toBe(true);
    // Nothing is said of what is behind, and a segment that is not loaded is not there.
    expect(memoryOf(guest, 16 * MiB + 0x1800, 1)[0]).toBe(0xcc);
    expect(memoryOf(guest, 0, 1)[0]).toBe(0xcc);
  });

  it('begins in protected mode, with the table of its boot protocol and ESI at boot_params', () => {
    const guest = load({ kernel: packedKernel });
    expect(guest.start).toMatchObject({
      mode: 'protected',
      registers: { esi: Params },
      segments: { code: 0x10, data: 0x18, table: { limit: 31 } },
    });
    if (guest.start === 'reset') return;
    const table = memoryOf(guest, guest.start.segments?.table?.base ?? 0, 32);
    expect([...table.subarray(0x10, 0x18)]).toEqual([0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0]);
    expect([...table.subarray(0x18, 0x20)]).toEqual([0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0]);
    expect(guest.start.registers).not.toHaveProperty('ebx');
  });

  it('unpacks itself where that is asked for, or where it is packed in another format', () => {
    const zstd = bzImage({ payload: Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3) });
    for (const guest of [load({ kernel: packedKernel, unpack: false }), load({ kernel: zstd })]) {
      expect(entryOf(guest)).toBe(MiB);
      expect(memoryOf(guest, MiB, unpacker.length)).toEqual(unpacker);
      expect(memoryOf(guest, 16 * MiB, 1)[0]).toBe(0xcc);
    }
  });

  it('has its header in boot_params, and beside it who loaded it and what it was given', () => {
    const guest = load({
      kernel: packedKernel,
      commandLine: 'console=ttyS0 quiet',
      initrd: new Uint8Array(5000).fill(7),
    });
    expect(memoryOf(guest, Params + 0x1f1, 0x1f)).toEqual(packedKernel.slice(0x1f1, 0x210));
    expect(memoryOf(guest, Params + 0x210, 1)[0]).toBe(0xff);
    expect(textAt(guest, wordAt(guest, Params + 0x228))).toBe('console=ttyS0 quiet');
    const [address, size] = [wordAt(guest, Params + 0x218), wordAt(guest, Params + 0x21c)];
    expect([address % 0x1000, size]).toEqual([0, 5000]);
    expect(memoryOf(guest, address, size).every((byte) => byte === 7)).toBe(true);
    // Not of the header: the code that comes behind it.
    expect(memoryOf(guest, Params + 0x290, 4).every((byte) => byte === 0)).toBe(true);
  });

  it('is told of its RAM by a map: all but the hole below 1 MiB', () => {
    const guest = load({ kernel: packedKernel });
    const count = memoryOf(guest, Params + 0x1e8, 1)[0] as number;
    const view = new DataView(memoryOf(guest, Params + 0x2d0, 20 * count).buffer);
    const entries = Array.from({ length: count }, (_, index) => [
      Number(view.getBigUint64(20 * index, true)),
      Number(view.getBigUint64(20 * index + 8, true)),
      view.getUint32(20 * index + 16, true),
    ]);
    expect(entries).toEqual([
      [0, 0x9fc00, 1],
      [0x9fc00, 0x400, 2],
      [0xf0000, 0x10000, 2],
      [MiB, 63 * MiB, 1],
    ]);
  });

  it('is told of a text screen only where there is one', () => {
    const screen = (guest: GuestCode) => [...memoryOf(guest, Params, 0x12)];
    expect(screen(load({ kernel: packedKernel })).every((byte) => byte === 0)).toBe(true);
    const told = screen(load({ kernel: packedKernel, textScreen: true }));
    expect([told[0x06], told[0x07], told[0x0e], told[0x0f], told[0x10]]).toEqual([3, 80, 25, 1, 16]);
  });

  it('has its initramfs as high as RAM allows, or as high as it says itself', () => {
    const initrd = new Uint8Array(0x1234);
    const at = (options: Partial<LinuxKernelOptions>) =>
      wordAt(load({ kernel: packedKernel, initrd, ...options }), Params + 0x218);
    expect(at({})).toBe(64 * MiB - 0x2000);
    expect(at({ ramSize: 32 * MiB })).toBe(32 * MiB - 0x2000);
    const low = bzImage({ payload: gzipped(vmlinux()), ramdiskMax: 40 * MiB - 1 });
    expect(at({ kernel: low })).toBe(40 * MiB - 0x2000);
  });

  it('is refused with an initramfs that would not lie behind the kernel and below the end of RAM', () => {
    const free = 64 * MiB - 17 * MiB;
    expect(wordAt(load({ kernel: packedKernel, initrd: new Uint8Array(free) }), Params + 0x218)).toBe(17 * MiB);
    for (const size of [free + 1, 80 * MiB])
      expectRefusal(() => load({ kernel: packedKernel, initrd: new Uint8Array(size) }), 'boot-memory', 'initramfs');
  });

  it('is refused where its RAM is too small, unpacked or not', () => {
    for (const unpack of [true, false]) {
      expect(entryOf(load({ kernel: packedKernel, ramSize: 17 * MiB, unpack }))).toBeDefined();
      expectRefusal(
        () => load({ kernel: packedKernel, ramSize: 16 * MiB, unpack }),
        'boot-memory',
        'vmlinuz',
        '17,825,792',
      );
    }
    const beyond = elf32(16 * MiB, [{ physical: 16 * MiB, bytes: kernelCode, memorySize: 64 * MiB }]);
    expectRefusal(() => load({ kernel: bzImage({ payload: gzipped(beyond) }) }), 'boot-memory', '0x1000000');
    const low = elf32(0x8000, [{ physical: 0x8000, bytes: kernelCode }]);
    expectRefusal(() => load({ kernel: low }), 'boot-memory', '0x8000');
  });

  it('takes a command line as long as the kernel does, and no longer', () => {
    const long = bzImage({ payload: gzipped(vmlinux()), commandLineSize: 4000 });
    const line = 'x'.repeat(4000);
    const guest = load({ kernel: long, commandLine: line });
    expect(textAt(guest, wordAt(guest, Params + 0x228))).toBe(line);
    expectRefusal(() => load({ kernel: long, commandLine: `${line}y` }), 'boot-command-line', '4001', '4000');
    expectRefusal(() => load({ kernel: packedKernel, commandLine: line }), 'boot-command-line', '2047');
    expectRefusal(() => load({ kernel: packedKernel, commandLine: 'a\0b' }), 'boot-command-line');
  });

  it('is refused if it is of 64 bits, older than the protocol that is known, or no bzImage', () => {
    expectRefusal(() => load({ kernel: bzImage({ extendedLoadFlags: 0x7f }) }), 'linux-64-bit');
    // A kernel of an older protocol has something else there.
    expect(entryOf(load({ kernel: bzImage({ extendedLoadFlags: 0x7f, version: 0x20a }) }))).toBe(MiB);
    expectRefusal(() => load({ kernel: bzImage({ version: 0x209 }) }), 'linux-protocol', '2.9');
    expectRefusal(() => load({ kernel: bzImage({ loadFlags: 0 }) }), 'linux-protocol', 'zImage');
    for (const kernel of [new Uint8Array(4096), new TextEncoder().encode('#!/bin/sh'), packedKernel.slice(0, 0x202)])
      expectRefusal(() => load({ kernel }), 'boot-format', 'vmlinuz');
  });

  it('is refused if it is cut off', () => {
    for (const length of [0x210, 0x28f, 0x290, SetupSize, packedKernel.length - 1])
      expectRefusal(() => load({ kernel: packedKernel.slice(0, length) }), 'linux-damaged');
    const payload = Uint8Array.from(packedKernel);
    new DataView(payload.buffer).setUint32(0x24c, 0xffff_ffff, true);
    expectRefusal(() => load({ kernel: payload }), 'linux-damaged', 'payload');
    expect(entryOf(load({ kernel: payload, unpack: false }))).toBe(MiB);
  });

  it('may be packed with XZ, whose length is behind it', () => {
    expectRefusal(() => load({ kernel: bzImage({ payload: xzPayload(fixture('codeX86')) }) }), 'elf-damaged', 'header');
    expectRefusal(() => load({ kernel: bzImage({ payload: xzPayload(fixture('codeDelta')) }) }), 'xz-unsupported');
    expectRefusal(() => load({ kernel: bzImage({ payload: fixture('codeX86') }) }), 'xz-damaged');
  });

  it('is refused if what it is packed with is damaged, or becomes longer than RAM', () => {
    const whole = gzipped(vmlinux());
    for (const at of [10, 60, whole.length - 8, whole.length - 4]) {
      const payload = Uint8Array.from(whole);
      payload[at]! ^= 0x10;
      expectRefusal(() => load({ kernel: bzImage({ payload }) }), 'gzip-damaged');
    }
    expectRefusal(() => load({ kernel: bzImage({ payload: whole.slice(0, 12) }) }), 'gzip-damaged', 'cut off');
    const withoutEnd = Uint8Array.from([...whole.slice(0, 40), ...whole.slice(-8)]);
    expectRefusal(() => load({ kernel: bzImage({ payload: withoutEnd }) }), 'gzip-damaged');
    const bomb = gzipped(new Uint8Array(65 * MiB));
    expect(bomb.length).toBeLessThan(MiB);
    expectRefusal(() => load({ kernel: bzImage({ payload: bomb }) }), 'packed-too-large', '67,108,864');
    const liar = Uint8Array.from(bomb);
    new DataView(liar.buffer).setUint32(liar.length - 4, 1000, true);
    expectRefusal(() => load({ kernel: bzImage({ payload: liar }) }), 'gzip-damaged', 'longer');
  });

  it('may have gzip with all that its header can have', () => {
    const [header, rest] = [Uint8Array.from(packedHeader), gzipped(vmlinux()).subarray(packedHeader.length)];
    for (const [flags, more] of [
      [0x04, [3, 0, 1, 0, 2]],
      [0x08, [0x76, 0x6d, 0]],
      [0x10, [0]],
      [0x02, [0x12, 0x34]],
      [0x1f, [1, 0, 0, 0x76, 0, 0x76, 0, 0x12, 0x34]],
    ] as const) {
      header[3] = flags;
      const guest = load({ kernel: bzImage({ payload: Uint8Array.from([...header, ...more, ...rest]) }) });
      expect(memoryOf(guest, 16 * MiB, 0x2000)).toEqual(memoryOf(load({ kernel: packedKernel }), 16 * MiB, 0x2000));
    }
  });

  it.each<[name: string, begin: readonly number[], again: Uint8Array, why: string]>([
    ['a name', [0x1f, 0x8b, 8, 0x08], Uint8Array.of(0x41), 'shorter than its end says'],
    ['a comment', [0x1f, 0x8b, 8, 0x10], Uint8Array.of(0x41), 'shorter than its end says'],
    ['empty blocks', packedHeader, Uint8Array.of(0, 0, 0, 0xff, 0xff), 'goes on behind its last block'],
    ['what is behind the last block', [...packedHeader, 3, 0], Uint8Array.of(0), 'goes on behind its last block'],
    ['more files behind it', [], gzipped(new Uint8Array(0)), 'goes on behind its last block'],
  ])('is refused if %s of its gzip is millions of bytes long', (_, begin, again, why) => {
    const payload = new Uint8Array(4 * MiB);
    for (let at = begin.length; at < payload.length; at += again.length)
      payload.set(again.subarray(0, payload.length - at), at);
    payload.set(begin);
    payload.set([100, 0, 0, 0], payload.length - 4);
    expectRefusal(() => load({ kernel: bzImage({ payload }) }), 'gzip-damaged', why);
  });

  it('gives the same pieces whenever it is loaded', () => {
    const options = { kernel: packedKernel, initrd: Uint8Array.of(1), commandLine: 'a' };
    expect(load(options)).toEqual(load(options));
  });
});

describe('a vmlinux', () => {
  it('is loaded as it is, with a header in boot_params that says who loaded it', () => {
    const guest = load({ kernel: vmlinux(), initrd: Uint8Array.of(5), commandLine: 'quiet' });
    expect(entryOf(guest)).toBe(16 * MiB);
    expect(wordAt(guest, Params + 0x202)).toBe(0x5372_6448);
    expect(memoryOf(guest, Params + 0x1fe, 2)).toEqual(Uint8Array.of(0x55, 0xaa));
    expect(memoryOf(guest, Params + 0x210, 2)).toEqual(Uint8Array.of(0xff, 1));
    expect(textAt(guest, wordAt(guest, Params + 0x228))).toBe('quiet');
    expect(wordAt(guest, Params + 0x218)).toBe(64 * MiB - 0x1000);
  });

  it('begins where its entry is, be that address physical or virtual', () => {
    const segment = { physical: 2 * MiB, virtual: 0xc020_0000, bytes: kernelCode };
    expect(entryOf(load({ kernel: elf32(2 * MiB + 4, [segment]) }))).toBe(2 * MiB + 4);
    expect(entryOf(load({ kernel: elf32(0xc020_0004, [segment]) }))).toBe(2 * MiB + 4);
    expectRefusal(() => load({ kernel: elf32(0x1234, [segment]) }), 'elf-damaged', '0x1234');
  });

  it('is refused if it is for another processor, no executable, or cut off', () => {
    const changed = (at: number, value: number) => {
      const file = vmlinux();
      file[at] = value;
      return file;
    };
    for (const [at, value] of [
      [4, 2],
      [5, 2],
      [16, 3],
      [18, 8],
    ] as const)
      expectRefusal(() => load({ kernel: changed(at, value) }), 'elf-machine', 'no executable');
    expectRefusal(() => load({ kernel: changed(18, 62) }), 'elf-machine', '64 bits');
    for (const [at, value] of [
      [31, 0xff],
      [42, 31],
      [45, 0xff],
      [44, 0],
      [52 + 7, 0xff],
      [52 + 19, 1],
    ] as const)
      expectRefusal(() => load({ kernel: changed(at, value) }), 'elf-damaged');
    for (let length = 4; length < vmlinux().length - 1; length += 7)
      expectRefusal(() => load({ kernel: vmlinux().slice(0, length) }), 'elf-damaged');
  });

  it('costs no memory for zeroes, and is refused if its segments have more of them than RAM', () => {
    const zeroes = { physical: MiB, bytes: kernelCode, memorySize: 1000 * MiB };
    const guest = load({ kernel: elf32(MiB, [zeroes]), ramSize: 1024 * MiB });
    expect(new Set(guest.pieces.map(({ bytes }) => bytes.buffer)).size).toBeLessThan(10);
    expect(memoryOf(guest, 900 * MiB, 2)).toEqual(Uint8Array.of(0, 0));
    expectRefusal(() => load({ kernel: elf32(MiB, [zeroes, zeroes]), ramSize: 1024 * MiB }), 'boot-memory');
  });
});

describe('options of a Linux', () => {
  it.each([0, -1, 1.5, Number.NaN, MiB, 2 * MiB + 1, 4096 * MiB])('refuse %d bytes of RAM', (ramSize) => {
    expectRefusal(() => load({ kernel: vmlinux(), ramSize }), 'boot-option', `${ramSize}`);
  });

  it('refuse what are no bytes', () => {
    const wrong = 'vmlinuz' as unknown as Uint8Array;
    expectRefusal(() => load({ kernel: wrong }), 'boot-option', 'kernel');
    expectRefusal(() => load({ kernel: vmlinux(), initrd: wrong }), 'boot-option', 'initrd');
    expectRefusal(() => load({ kernel: new Uint8Array(0) }), 'boot-option', 'kernel');
  });

  it('give pieces within RAM or a refusal with a code, whatever bytes of a kernel are changed', () => {
    const kernels = [packedKernel, vmlinux(), bzImage({ payload: xzPayload(fixture('codeX86')) })];
    const places = fc.oneof(fc.integer({ min: 0, max: 120 }), fc.integer({ min: 0x1f1, max: 0x268 }), fc.nat());
    const change = fc.tuple(places, fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(
        fc.constantFrom(...kernels),
        fc.array(change, { maxLength: 8 }),
        fc.boolean(),
        (whole, changes, unpack) => {
          const kernel = Uint8Array.from(whole);
          for (const [at, value] of changes) kernel[at % kernel.length] = value;
          try {
            for (const { address, bytes } of load({ kernel, unpack, initrd: Uint8Array.of(1, 2) }).pieces)
              expect(address >= 0 && address + bytes.length <= usual.ramSize).toBe(true);
          } catch (cause) {
            if (!(cause instanceof BackplaneError)) throw cause;
          }
        },
      ),
      { numRuns: times(1000, 10_000) },
    );
  });
});

describe("Debian's Linux for i386", needs('host', whyNoLinuxI386()), () => {
  it('is unpacked to its first instruction at 16 MiB, with its initramfs below the end of RAM', () => {
    const fetched = linuxI386();
    const kernel = new Uint8Array(readFileSync(fetched.kernel));
    const initrd = shellInitramfs(fetched);
    const guest = linuxKernel({ ...usual, kernel, initrd, commandLine: 'console=ttyS0' });
    expect(entryOf(guest)).toBe(0x100_0000);
    // What its first messages say.
    const text = new TextDecoder('latin1').decode(guest.pieces[0]?.bytes);
    expect(text).toMatch(/Linux version 6\.1\.\d+-\d+-686 /);
    const [address, size] = [wordAt(guest, Params + 0x218), wordAt(guest, Params + 0x21c)];
    expect(size).toBe(initrd.length);
    expect(address).toBe(64 * MiB - Math.ceil(size / 0x1000) * 0x1000);
    expect(equalBytes(memoryOf(guest, address, size), initrd)).toBe(true);
    expect(memoryOf(linuxKernel({ ...usual, kernel, unpack: false }), MiB, 16)).toEqual(
      kernel.slice(40 * 512, 40 * 512 + 16),
    );
  });
});
