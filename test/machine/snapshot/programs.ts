import fc from 'fast-check';
import { MiB } from '../../../sdk/index.ts';
import { type Guest, type GuestStep, guestProgram } from '../../../sdk/runtime.ts';

/** What a random guest does next. */
export type Step =
  | readonly ['out8' | 'out16' | 'out32', port: number, value: number]
  | readonly ['in8' | 'in16' | 'in32', port: number]
  | readonly ['store8' | 'store32' | 'store64', address: number, value: number]
  | readonly ['load8' | 'load32' | 'load64', address: number]
  | readonly ['repOuts8', port: number, bytes: readonly number[]]
  | readonly ['repIns8', port: number, count: number, destination: number]
  | readonly ['pause', nanoseconds: number]
  | readonly ['sti' | 'cli' | 'wait'];

/** The clock's registers, its two PICs, PCI configuration, the reset register's neighbourhood, and nobody's port. */
const port = fc.constantFrom(0x70, 0x71, 0x71, 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0xcf8, 0xcfc, 0xcfe, 0x300);
/** RAM, the VGA window, windows of the BIOS area, and both sides of page boundaries between them. */
const address = fc.oneof(
  fc.integer({ min: 0x1000, max: 0x5000 }),
  fc.integer({ min: 0xb_8000, max: 0xb_8100 }),
  fc.constantFrom(0x9_fffe, 0x9_ffff, 0xa_0fff, 0xa_0ffd, 0xb_fffe, 0xc_0000, 0xe_fffe, 0xf_0000, 0xffff_ffff),
);
const value32 = fc.oneof(
  fc.integer({ min: 0, max: 0xffff_ffff }),
  fc.constantFrom(0x8000_0858, 0x8000_0058, 0x8000_0004),
);
const byte = fc.integer({ min: 0, max: 0xff });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant('out8' as const), port, byte) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom('out16' as const, 'out32' as const), port, value32) },
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom('in8' as const, 'in16' as const, 'in32' as const), port) },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constantFrom('store8' as const, 'store32' as const, 'store64' as const), address, value32),
  },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom('load8' as const, 'load32' as const, 'load64' as const), address) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('repOuts8' as const), port, fc.array(byte, { maxLength: 9 })) },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constant('repIns8' as const),
      port,
      fc.integer({ min: 0, max: 40 }),
      fc.constantFrom(0x2000, 0x2ff0),
    ),
  },
  { weight: 2, arbitrary: fc.tuple(fc.constant('pause' as const), fc.integer({ min: 0, max: 700_000_000 })) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom('sti' as const, 'cli' as const, 'wait' as const)) },
);

/** What a guest does that knows a board: in `special` what only that board has. */
export const stepsWith = (special: fc.Arbitrary<Step>) =>
  fc.array(fc.oneof({ weight: 2, arbitrary: step }, { weight: 1, arbitrary: special }), {
    minLength: 1,
    maxLength: 50,
  });

/** A guest that has set up its PICs and its clock for interrupts, does these steps, and writes what it read to its RAM. */
export function programOf(script: readonly Step[], boardSetup: readonly Step[] = []) {
  return guestProgram('random', function* (guest) {
    for (const [where, what] of setup) yield* guest.out8(where, what);
    for (const one of boardSetup) yield* execute(guest, one);
    let interrupts = 0;
    guest.onInterrupt(0x28, function* () {
      interrupts++;
      yield* guest.out8(0x70, 0x0c);
      const cause = yield* guest.in8(0x71);
      yield* guest.store32(0x8000 + 4 * (interrupts % 64), cause * 0x1_0000 + interrupts);
      yield* guest.out8(0xa0, 0x20);
      yield* guest.out8(0x20, 0x20);
    });
    if (boardSetup.length > 0) {
      guest.onInterrupt(CardInterrupt, () => serveCards(guest));
      guest.onInterrupt(Message, () => serveCards(guest));
    }
    for (let vector = 0; vector < 256; vector++) {
      if (vector !== 0x28 && vector !== CardInterrupt && vector !== Message)
        guest.onInterrupt(vector, () => spurious(guest));
    }
    let read = 0x6000;
    for (const one of script) {
      const value = yield* execute(guest, one);
      if (value === undefined) continue;
      yield* guest.store32(read, value);
      read += 4;
    }
  });
}

/** PICs at 0x20 and 0x28, only the clock's line open; the clock in binary, with 1024 Hz, alarm and update interrupts. */
const setup: readonly (readonly [port: number, value: number])[] = [
  ...([0x20, 0xa0] as const).flatMap((base) => [
    [base, 0x11] as const,
    [base + 1, base === 0x20 ? 0x20 : 0x28] as const,
    [base + 1, base === 0x20 ? 4 : 2] as const,
    [base + 1, 1] as const,
  ]),
  [0x21, 0xfb],
  [0xa1, 0xfe],
  [0x70, 0x0b],
  [0x71, 0x56],
];

const CardInterrupt = 0x2b;
const Message = 0x61;

/** The educational card first, then the source of random bytes; what they say stays in RAM. */
function* serveCards(guest: Guest): GuestStep<void> {
  yield* guest.store32(0x7000, yield* guest.load32(0xfe00_0024));
  yield* guest.store32(0xfe00_0064, 0xffff_ffff);
  yield* guest.store8(0x7004, yield* guest.in8(0xc013));
  yield* spurious(guest);
}

function* spurious(guest: Guest): GuestStep<void> {
  yield* guest.out8(0xa0, 0x20);
  yield* guest.out8(0x20, 0x20);
}

function* execute(guest: Guest, one: Step): GuestStep<number | undefined> {
  switch (one[0]) {
    case 'out8':
      yield* guest.out8(one[1], one[2]);
      return undefined;
    case 'out16':
      yield* guest.out16(one[1], one[2] & 0xffff);
      return undefined;
    case 'out32':
      yield* guest.out32(one[1], one[2]);
      return undefined;
    case 'in8':
      return yield* guest.in8(one[1]);
    case 'in16':
      return yield* guest.in16(one[1]);
    case 'in32':
      return yield* guest.in32(one[1]);
    case 'store8':
      yield* guest.store8(one[1], one[2] & 0xff);
      return undefined;
    case 'store32':
      yield* guest.store32(one[1], one[2]);
      return undefined;
    case 'store64':
      yield* guest.store64(one[1], BigInt(one[2]) * 0x1_0000_0001n);
      return undefined;
    case 'load8':
      return yield* guest.load8(one[1]);
    case 'load32':
      return yield* guest.load32(one[1]);
    case 'load64':
      return Number(BigInt.asUintN(32, yield* guest.load64(one[1])));
    case 'repOuts8':
      yield* guest.repOuts8(one[1], one[2]);
      return undefined;
    case 'repIns8':
      return (yield* guest.repIns8(one[1], one[2], { destination: one[3] })).length;
    case 'pause':
      yield* guest.pause(one[1]);
      return undefined;
    case 'sti':
      yield* guest.sti();
      return undefined;
    case 'cli':
      yield* guest.cli();
      return undefined;
    case 'wait':
      yield* guest.sti();
      yield* guest.hlt();
      return undefined;
  }
}

/** Enough for the programs here; less to look through than a PC has. */
export const SmallRam = 1 * MiB;
