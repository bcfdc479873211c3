import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GuestCode } from '../../sdk/accelerator/guest/code.ts';
import { BackplaneError } from '../../sdk/base/errors.ts';
import { isMultiboot, type MultibootOptions, multibootImage } from '../../sdk/boot/index.ts';
import { times } from '../depth.ts';
import { expectRefusal } from '../refusal.ts';
import { elf32, kernelCode, MiB, memoryOf, multibootHeader, textAt, vmlinux, wordAt } from './images.ts';

const usual = { name: 'kernel.elf', ramSize: 16 * MiB } as const;
const load = (options: Partial<MultibootOptions> & Pick<MultibootOptions, 'bytes'>): GuestCode =>
  multibootImage({ ...usual, ...options });
const startOf = ({ start }: GuestCode) => (start === 'reset' ? expect.fail('it begins at the reset vector') : start);
/** Where the boot information is. */
const infoOf = (guest: GuestCode): number => startOf(guest).registers?.ebx as number;

const withHeader = (flags: number, fields: readonly number[] = []): Uint8Array =>
  Uint8Array.from([...multibootHeader({ flags, fields }), ...kernelCode]);
const elf = (flags = 3): Uint8Array =>
  elf32(MiB + 12, [{ physical: MiB, bytes: withHeader(flags), memorySize: 0x1800 }]);
/** Bytes without a format: 8 bytes, the header, and code. Loaded from the header on, or from the first byte. */
const plain = (load: number, { header = load + 8, loadEnd = 0, bssEnd = 0, entry = load + 40 } = {}): Uint8Array =>
  Uint8Array.from([0xeb, 0x30, 0, 0, 0, 0, 0, 0, ...withHeader(0x1_0003, [header, load, loadEnd, bssEnd, entry])]);

describe('an image of Multiboot 1', () => {
  it('begins in protected mode with the magic number in EAX, and EBX at what it is told', () => {
    const guest = load({ bytes: elf() });
    expect(startOf(guest)).toEqual({
      mode: 'protected',
      entry: MiB + 12,
      registers: { eax: 0x2bad_b002, ebx: infoOf(guest) },
    });
    expect(infoOf(guest)).toBeLessThan(0x9_fc00);
  });

  it('is loaded as its ELF headers say, with zeroes behind it', () => {
    const guest = load({ bytes: elf() });
    expect(memoryOf(guest, MiB + 12, kernelCode.length)).toEqual(kernelCode);
    expect(memoryOf(guest, MiB + 12 + kernelCode.length, 0x1000).every((byte) => byte === 0)).toBe(true);
    expect(memoryOf(guest, MiB + 0x1800, 1)[0]).toBe(0xcc);
  });

  it('is loaded where its own header says, whole or in part, with zeroes to the end of its BSS', () => {
    const bytes = plain(2 * MiB, { bssEnd: 2 * MiB + 0x1000 });
    const guest = load({ bytes });
    expect(startOf(guest).entry).toBe(2 * MiB + 40);
    expect(memoryOf(guest, 2 * MiB, bytes.length)).toEqual(bytes);
    expect(memoryOf(guest, 2 * MiB + 0xfff, 2)).toEqual(Uint8Array.of(0, 0xcc));
    const part = load({ bytes: plain(2 * MiB, { header: 2 * MiB, loadEnd: 2 * MiB + 64 }) });
    expect(memoryOf(part, 2 * MiB, 65)).toEqual(
      Uint8Array.of(...plain(2 * MiB, { header: 2 * MiB, loadEnd: 2 * MiB + 64 }).subarray(8, 72), 0xcc),
    );
  });

  it('is told its command line, its loader and its memory', () => {
    const guest = load({ bytes: elf(), commandLine: 'kernel.elf verbose' });
    const info = infoOf(guest);
    expect(wordAt(guest, info) & 0x245).toBe(0x245);
    expect([wordAt(guest, info + 4), wordAt(guest, info + 8)]).toEqual([639, 15 * 1024]);
    expect(textAt(guest, wordAt(guest, info + 16))).toBe('kernel.elf verbose');
    expect(textAt(guest, wordAt(guest, info + 64))).toBe('backplane');
    const [length, map] = [wordAt(guest, info + 44), wordAt(guest, info + 48)];
    const entries = Array.from({ length: length / 24 }, (_, index) =>
      [0, 4, 12, 20].map((field) => wordAt(guest, map + 24 * index + field)),
    );
    expect(entries).toEqual([
      [20, 0, 0x9fc00, 1],
      [20, 0x9fc00, 0x400, 2],
      [20, 0xf0000, 0x10000, 2],
      [20, MiB, 15 * MiB, 1],
    ]);
  });

  it('finds its modules behind it, each at a page and with its string', () => {
    const modules = [
      { name: 'one.img', bytes: new Uint8Array(5000).fill(1), commandLine: 'first' },
      { name: 'two.img', bytes: Uint8Array.of(2) },
    ];
    const guest = load({ bytes: elf(), modules });
    const info = infoOf(guest);
    expect([wordAt(guest, info) & 8, wordAt(guest, info + 20)]).toEqual([8, 2]);
    const list = wordAt(guest, info + 24);
    const told = [0, 1].map((index) => [0, 4, 8].map((field) => wordAt(guest, list + 16 * index + field)));
    expect(told.map(([start, end]) => [start, end])).toEqual([
      [MiB + 0x2000, MiB + 0x2000 + 5000],
      [MiB + 0x4000, MiB + 0x4001],
    ]);
    expect(told.map(([, , line]) => textAt(guest, line as number))).toEqual(['first', 'two.img']);
    expect(memoryOf(guest, MiB + 0x2000, 5000).every((byte) => byte === 1)).toBe(true);
    expect(wordAt(load({ bytes: elf() }), infoOf(load({ bytes: elf() })) + 20)).toBe(0);
  });

  it('may lie in low memory itself: what it is told is elsewhere', () => {
    for (const start of [0x1000, 0x500, 0x8000]) {
      const bytes = elf32(start + 12, [{ physical: start, bytes: withHeader(3), memorySize: 0x4_0000 }]);
      const info = infoOf(load({ bytes }));
      expect(info >= start + 0x4_0000 || info + 0x400 <= start, `${start}: ${info}`).toBe(true);
    }
    const full = elf32(0x600, [{ physical: 0x500, bytes: withHeader(3), memorySize: 0x9_f600 }]);
    expectRefusal(() => load({ bytes: full }), 'boot-memory', 'boot information');
  });

  it('is told of a text screen if it asks for one, and refused if it asks for graphics', () => {
    const screen = (mode: number) =>
      elf32(MiB, [{ physical: MiB, bytes: withHeader(7, [0, 0, 0, 0, 0, mode, 80, 25, 0]) }]);
    const guest = load({ bytes: screen(1) });
    const info = infoOf(guest);
    expect(wordAt(guest, info) & 0x1000).toBe(0x1000);
    expect([88, 92, 96, 100, 104].map((field) => wordAt(guest, info + field))).toEqual([0xb8000, 0, 160, 80, 25]);
    expect(memoryOf(guest, info + 108, 2)).toEqual(Uint8Array.of(16, 2));
    expect(wordAt(load({ bytes: elf() }), infoOf(load({ bytes: elf() }))) & 0x1000).toBe(0);
    expectRefusal(() => load({ bytes: screen(0) }), 'multiboot-header', 'graphics');
  });

  it('is refused without a header in its first 8 KiB, or with flags that must be known', () => {
    expect(isMultiboot(elf())).toBe(true);
    const wrongSum = Uint8Array.from(multibootHeader({ flags: 3, checksum: 1 }));
    for (const bytes of [
      vmlinux(),
      wrongSum,
      new Uint8Array(4),
      Uint8Array.from([...new Uint8Array(8190), ...withHeader(3)]),
    ]) {
      expect(isMultiboot(bytes)).toBe(false);
      expectRefusal(() => load({ bytes }), 'multiboot-header', 'kernel.elf');
    }
    const late = Uint8Array.from([...new Uint8Array(8180), ...withHeader(3)]);
    expect(isMultiboot(late)).toBe(true);
    expectRefusal(() => load({ bytes: elf(0x13) }), 'multiboot-header', '0x10');
    // Above 16 are what a loader need not know.
    expect(startOf(load({ bytes: elf(0x8000_0003) })).entry).toBe(MiB + 12);
    expectRefusal(() => load({ bytes: late }), 'multiboot-header', 'ELF');
    expectRefusal(() => load({ bytes: multibootHeader({ flags: 0x1_0000 }) }), 'multiboot-header', 'cut off');
  });

  it('is refused if the addresses of its header are not within the file', () => {
    const wrong = [
      { header: 0x10_0000 },
      { header: MiB + 9000 },
      { loadEnd: MiB + 9000 },
      { loadEnd: 8 },
      { entry: 8 },
    ];
    for (const fields of [...wrong, { entry: MiB + 9000 }])
      expectRefusal(() => load({ bytes: plain(2 * MiB, fields) }), 'multiboot-header', 'addresses');
  });

  it('is refused if it or a module does not fit into RAM', () => {
    expectRefusal(() => load({ bytes: plain(16 * MiB) }), 'boot-memory', 'the image');
    expectRefusal(() => load({ bytes: plain(0xb_0000) }), 'boot-memory', '0xb0000');
    const modules = [{ name: 'big.img', bytes: new Uint8Array(15 * MiB) }];
    expectRefusal(() => load({ bytes: elf(), modules }), 'boot-memory', 'big.img');
    expectRefusal(() => load({ bytes: elf(), commandLine: 'x'.repeat(4096) }), 'boot-command-line', '4095');
    const many = new Array(257).fill({ name: 'm', bytes: Uint8Array.of(1) });
    expectRefusal(() => load({ bytes: elf(), modules: many }), 'boot-option', '256');
    expectRefusal(
      () => load({ bytes: elf(), modules: [{ name: 'none', bytes: new Uint8Array(0) }] }),
      'boot-option',
      'none',
    );
  });

  it('gives pieces within RAM or a refusal with a code, whatever its header says', () => {
    const word = fc.oneof(fc.nat({ max: 0xffff_ffff }), fc.integer({ min: MiB - 64, max: MiB + 600 }));
    fc.assert(
      fc.property(
        fc.constantFrom(0x1_0003, 0x1_0007, 3),
        fc.array(word, { minLength: 5, maxLength: 6 }),
        (flags, fields) => {
          const bytes = withHeader(flags, fields);
          try {
            for (const piece of load({ bytes }).pieces)
              expect(piece.address >= 0 && piece.address + piece.bytes.length <= usual.ramSize).toBe(true);
          } catch (cause) {
            if (!(cause instanceof BackplaneError)) throw cause;
          }
        },
      ),
      { numRuns: times(1000, 10_000) },
    );
  });
});
