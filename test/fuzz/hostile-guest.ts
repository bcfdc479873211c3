import { type Guest, type GuestProgram, type GuestStep, guestProgram } from '../../sdk/runtime.ts';
import { Random } from '../../sdk/testing/random.ts';

/** Where the guest places BARs, and where it looks for them: several functions meet at each of these. */
const memoryBars = [0xe000_0000, 0xe000_1000, 0xfe00_0000, 0xfebf_0000, 0xb000_0000, 0x8_0000] as const;
const portBars = [0xc000, 0xc080, 0xc100, 0x1000, 0x70] as const;

/** Registers of every device here, and ports of none. */
const ports = [
  ...[0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x70, 0x71, 0x71, 0x72, 0x80, 0xe0, 0xe4, 0xe9, 0xf1, 0xf4, 0x402],
  ...[0xcf8, 0xcf9, 0xcfb, 0xcfc, 0xcfd, 0xcfe, 0x501, 0x2000, 0xffff],
  ...[0x40, 0x41, 0x42, 0x43, 0x43, 0x60, 0x61, 0x64, 0x64, 0x92, 0xb2, 0xb3, 0x510, 0x510, 0x511, 0x514, 0x518],
  ...[0x3b4, 0x3c0, 0x3c1, 0x3c2, 0x3c4, 0x3c5, 0x3c7, 0x3c8, 0x3c9, 0x3ce, 0x3cf, 0x3d4, 0x3d5, 0x3da, 0x1ce, 0x1d0],
  ...[0x600, 0x604, 0x608, 0x40e],
] as const;
const addresses = [
  ...[0x500, 0x9_fffc, 0xa_0000, 0xb_8000, 0xb_8f9e, 0xc_0000, 0xe_0000, 0xf_fff0, 0x10_0000],
  ...[0xff00_0000, 0xff00_1000, 0xfee0_0000, 0xfec0_0000, 0xffff_fff0, 0x1_0000_0000],
] as const;
/** Slots of the cards, of the chipset, and of none. */
const slots = [0, 1, 2, 3, 4, 5, 0x1f] as const;
const configuration = [0x04, 0x04, 0x04, 0x06, 0x0c, 0x10, 0x10, 0x14, 0x14, 0x18, 0x30, 0x3c, 0x3e] as const;
const chipset = [
  0x40, 0x42, 0x44, 0x4c, 0x50, 0x58, 0x59, 0x5c, 0x60, 0x61, 0x62, 0x64, 0x68, 0x72, 0x90, 0x93, 0x96, 0x9d,
] as const;
const messages = [0xfee0_0000, 0xfee0_1000, 0x600] as const;
const pauses = [1, 700, 30_000, 1_000_000, 40_000_000, 110_000_000, 1_100_000_000] as const;

/** Registers of an educational card, of a test device, and of a queue of random bytes. */
const offsets = [
  0, 1, 4, 8, 0x10, 0x12, 0x13, 0x14, 0x20, 0x24, 0x60, 0x64, 0x80, 0x84, 0x88, 0x90, 0x98, 0x800, 0xffc,
] as const;
const small = [0, 1, 2, 3, 4, 5, 7, 0x10, 0x41, 0x80, 0x81, 0xff, 0x1000, 0x4_0000, 0x4_0010, 0xff_ffff] as const;

/** Counts its starts in RAM, so that it does something else after a reset. */
const Starts = 0x7f0;
/** Of the queue of random bytes: descriptors, and the ring of requests behind them. */
const Queue = 0x4_0000;

/**
 * A guest that does what a seed says, without end or so many operations long: it knows where everything is and keeps no rule. It
 * depends on nothing but what it reads, so that it can be saved anywhere.
 */
export function hostileGuest(seed: number, operations = Number.POSITIVE_INFINITY): GuestProgram {
  return guestProgram(`hostile-${seed}`, function* (guest) {
    const starts = yield* guest.load32(Starts);
    yield* guest.store32(Starts, (starts + 1) >>> 0);
    const random = new Random(seed + 7919 * starts);
    for (let vector = 0; vector < 256; vector++) guest.onInterrupt(vector, () => acknowledge(guest, random));
    for (let done = 0; done < operations; done++) yield* act(guest, random);
  });
}

function* acknowledge(guest: Guest, random: Random): GuestStep<void> {
  if (random.oneIn(3)) yield* guest.out8(0x70, 0x0c);
  if (random.oneIn(3)) yield* guest.in8(0x71);
  if (random.oneIn(4)) yield* guest.store32(random.pick(memoryBars) + 0x64, 0xffff_ffff);
  if (random.oneIn(2)) yield* guest.out8(0xa0, 0x20);
  yield* guest.out8(0x20, 0x20);
}

function* act(guest: Guest, random: Random): GuestStep<void> {
  switch (random.below(16)) {
    case 0:
    case 1:
      return yield* configure(guest, random);
    case 2:
      return yield* initialize(guest, random);
    case 3:
      return yield* clock(guest, random);
    case 4:
    case 5:
      return yield* guest.store32(random.pick(memoryBars) + random.pick(offsets), anyValue(random));
    case 6:
      return void (yield* guest.load32(random.pick(memoryBars) + random.pick(offsets)));
    case 7:
      return yield* memory(guest, random);
    case 8:
      return yield* queue(guest, random);
    case 9:
      return yield* strings(guest, random);
    case 10:
      return yield* wait(guest, random);
    case 11:
      return yield* guest.out8(random.pick(portBars) + random.below(0x20), random.pick(small) & 0xff);
    case 12:
      return void (yield* guest.in8(random.pick(portBars) + random.below(0x20)));
    case 13:
      return void (yield* guest.in8(random.pick(ports)));
    default:
      return yield* anyPort(guest, random);
  }
}

function anyValue(random: Random): number {
  return random.oneIn(3) ? random.bits() : random.pick(small);
}

/** BARs, command registers, capabilities, and the registers of the chipset. */
function* configure(guest: Guest, random: Random): GuestStep<void> {
  const isChipset = random.oneIn(3);
  const slot = isChipset ? random.pick([0, 1, 0x1f]) : random.pick(slots);
  const register = isChipset
    ? random.pick(chipset)
    : random.oneIn(3)
      ? 0x40 + 2 * random.below(16)
      : random.pick(configuration);
  const wanted = [
    ...[0x7, 0x7, 0x3, 0x407, 0xffff_ffff, 0x0b0b_0b0b, 0xb000_0001, 0xe000_0003, 0x3333_3333, 0x81],
    ...[
      random.pick(memoryBars),
      random.pick(memoryBars),
      random.pick(portBars) + 1,
      random.pick(messages),
      random.bits(),
    ],
  ];
  yield* guest.out32(0xcf8, 0x8000_0000 + slot * 0x800 + (register & 0xfc));
  if (random.oneIn(6)) yield* guest.in32(0xcfc);
  else if (random.oneIn(5)) yield* guest.out8(0xcfc + (register & 3), random.pick(wanted) & 0xff);
  else yield* guest.out32(0xcfc, random.pick(wanted));
}

/** One of the interrupt controllers, in any mode. */
function* initialize(guest: Guest, random: Random): GuestStep<void> {
  const base = random.pick([0x20, 0xa0]);
  if (random.oneIn(2)) {
    yield* guest.out8(base + 1, random.pick([0, 0xfb, 0xfe, 0xff, random.below(256)]));
    return;
  }
  yield* guest.out8(base, random.pick([0x11, 0x11, 0x19, 0x13, 0x10]));
  yield* guest.out8(base + 1, base === 0x20 ? 0x20 : 0x28);
  yield* guest.out8(base + 1, base === 0x20 ? 4 : 2);
  yield* guest.out8(base + 1, random.pick([1, 1, 3, 0x11]));
  yield* guest.out8(base + 1, random.pick([0, 0, 0xb8]));
}

function* clock(guest: Guest, random: Random): GuestStep<void> {
  yield* guest.out8(0x70, random.pick([0, 2, 4, 6, 7, 8, 9, 0x0a, 0x0b, 0x0b, 0x0c, 0x0d, 0x32, 0x7f]));
  yield* guest.out8(0x71, random.pick([0x26, 0x2f, 0x46, 0x42, 0x72, 0x02, 0x82, 0x59, 0x31, 0xc0, random.below(256)]));
  if (random.oneIn(2)) yield* guest.in8(0x71);
}

function* memory(guest: Guest, random: Random): GuestStep<void> {
  const address = (random.oneIn(2) ? random.pick(addresses) : random.below(0x9_0000)) + random.below(8);
  switch (random.below(4)) {
    case 0:
      return yield* guest.store8(address, random.below(256));
    case 1:
      return yield* guest.store64(address, BigInt(random.bits()) * 0x1_0000_0001n);
    case 2:
      return void (yield* guest.load64(address));
    default:
      return void (yield* guest.load8(address));
  }
}

/** Requests for random bytes: the queue where it should be or not, buffers of any length, notifications. */
function* queue(guest: Guest, random: Random): GuestStep<void> {
  const base = random.pick(portBars) & 0xffe0;
  if (random.oneIn(3)) {
    yield* guest.store64(Queue + 16 * random.below(4), BigInt(random.pick([0x4_8000, 0x5_0000, 0x7fff_0000])));
    yield* guest.store32(Queue + 16 * random.below(4) + 8, random.pick([1, 16, 100, 5000, 0xffff]));
    yield* guest.store32(Queue + 16 * random.below(4) + 12, random.pick([0, 1, 2, 2, 3, 0x1_0003]));
    yield* guest.store32(Queue + 0x80, random.below(12) * 0x1_0000);
  } else if (random.oneIn(2)) yield* guest.out32(base + 8, random.pick([Queue >>> 12, 0, 0x500]));
  else yield* guest.out8(base + 0x12, random.pick([0, 1, 3, 7, 0x80]));
  yield* guest.out16(base + 0x10, random.below(2));
}

function* strings(guest: Guest, random: Random): GuestStep<void> {
  const port = random.oneIn(3) ? random.pick(portBars) : random.pick(ports);
  const bytes = Array.from({ length: random.below(40) }, () => random.pick(small) & 0xff);
  if (random.oneIn(2)) yield* guest.repOuts8(port, bytes);
  else {
    const destination = random.pick([0x2000, 0x2ff0, 0xb_8ff0, 0xe000_0ff8]);
    yield* guest.repIns8(port, random.below(40), { destination });
  }
}

function* wait(guest: Guest, random: Random): GuestStep<void> {
  switch (random.below(6)) {
    case 0:
      return yield* guest.cli();
    case 1:
      yield* guest.sti();
      return yield* guest.hlt();
    case 2:
      return yield* guest.sti();
    default:
      return yield* guest.pause(random.oneIn(40) ? 2 ** 50 : random.pick(pauses));
  }
}

function* anyPort(guest: Guest, random: Random): GuestStep<void> {
  const port = random.oneIn(8) ? random.below(0xfffc) : random.pick(ports);
  // The reset register only now and then: a guest that resets all the time does little else.
  if (port === 0xcf9 && !random.oneIn(6)) return;
  if (random.oneIn(3)) yield* guest.out32(port & 0xfffc, anyValue(random));
  else if (random.oneIn(2)) yield* guest.out16(port & 0xfffe, anyValue(random) & 0xffff);
  else yield* guest.out8(port, anyValue(random) & 0xff);
}
