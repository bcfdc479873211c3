import { type Assembler, al, byte, dword, dx, eax, ecx, edi, edx, esi, esp, word } from '../../sdk/assembler.ts';
import type { Random } from '../../sdk/testing/random.ts';
import { Common, Flag, Status } from '../bus/virtio/driver.ts';
import { Place, putCard, putTables, type Source } from '../machines/hostile/hostile-code.ts';

const Line = 11;
export const Vector = 0x28 + (Line - 8);
/** Of the 8254, masked unless a guest wants it. */
const Tick = 0x20;
/** Where interrupts are counted. */
const Flags = 0x7000;

function out(a: Assembler, ...pairs: readonly (readonly [port: number, value: number])[]): void {
  for (const [port, value] of pairs) {
    a.mov(al, value);
    a.out(port, al);
  }
}

function configure(a: Assembler, slot: number, register: number, value: number): void {
  a.mov(edx, 0xcf8);
  a.mov(eax, (0x8000_0000 | (slot << 11) | register) >>> 0);
  a.out(dx, eax);
  a.mov(edx, 0xcfc);
  a.mov(eax, value);
  a.out(dx, eax);
}

/** A driver in 32-bit code whose cards interrupt at line 11. `acknowledge` is its handler. */
const driver =
  (acknowledge: Source, body: Source): Source =>
  (a) => {
    a.mov(esp, Place.stack);
    putTables(a, 0x30, { [Vector]: 'irq', [Tick]: 'irq' });
    a.jmp('begin');
    a.label('handler');
    a.cli();
    a.hlt();
    a.label('irq');
    a.push(eax);
    acknowledge(a);
    a.inc(dword(Flags));
    out(a, [0xa0, 0x20], [0x20, 0x20]);
    a.pop(eax);
    a.iretd();
    a.label('begin');
    const first = [
      [0x20, 0x11],
      [0x21, 0x20],
      [0x21, 4],
      [0x21, 1],
      [0x21, 0xfb],
    ] as const;
    const second = [
      [0xa0, 0x11],
      [0xa1, 0x28],
      [0xa1, 2],
      [0xa1, 1],
      [0xa1, 0xff ^ (1 << (Line - 8))],
    ] as const;
    out(a, ...first, ...second);
    // PIRQ A and D, of slots 5 and 4.
    configure(a, 1, 0x60, 0x0b80_800b);
    body(a);
    a.cli();
    a.hlt();
  };

/** Waits until so many interrupts have come. */
function wait(a: Assembler, interrupts: number): void {
  a.label(`wait.${interrupts}`);
  a.cmp(dword(Flags), interrupts);
  a.jae(`came.${interrupts}`);
  a.sti();
  a.hlt();
  a.cli();
  a.jmp(`wait.${interrupts}`);
  a.label(`came.${interrupts}`);
}

export const Length = 3000;
export const From = 0x2_0000;
const To = 0x3_0000;
export const EduBuffer = 0x4_0000;
const ToGuest = 2;

/** Lets the card copy RAM into its buffer and back, and compares. */
export const eduGuest = driver(
  (a) => {
    a.mov(eax, dword(Place.edu + 0x24));
    a.mov(dword(Place.edu + 0x64), eax);
  },
  (a) => {
    putCard(a);
    a.mov(edi, From);
    a.mov(eax, 0x1234_5678);
    a.mov(ecx, Length / 4);
    a.label('fill');
    a.add(eax, 0x0101_0203);
    a.stosd();
    a.dec(ecx);
    a.jnz('fill');
    const transfer = (source: number, destination: number, direction: number, nth: number) => {
      for (const [register, value] of [
        [0x80, source],
        [0x88, destination],
        [0x90, Length],
        [0x98, 1 | 4 | direction],
      ] as const)
        a.mov(dword(Place.edu + register), value);
      wait(a, nth);
    };
    transfer(From, EduBuffer, 0, 1);
    transfer(EduBuffer, To, ToGuest, 2);
    a.mov(esi, From);
    a.mov(edi, To);
    a.mov(ecx, Length / 4);
    a.repe('cmpsd');
    a.setz(al);
    a.out(0x80, al);
  },
);

const Bar = 0xfd00_0000;
const Transmit = 1;
const Rings = { descriptors: 0x2_1000, available: 0x2_2000, used: 0x2_3000 } as const;
const Text = 0x2_4000;
export const Sent = 'bytes that only the processor has written\n';

/** Places the console and one of its queues, up to DRIVER_OK. */
function startConsole(a: Assembler, queue: number): void {
  configure(a, 5, 0x20, Bar);
  configure(a, 5, 0x24, 0);
  configure(a, 5, 0x04, 6);
  const common = (register: number, value: number) => a.mov(dword(Bar + register), value);
  const agreed = Status.Acknowledge | Status.Driver | Status.FeaturesOk;
  a.mov(byte(Bar + Common.Status), Status.Acknowledge | Status.Driver);
  common(Common.DriverFeatureSelect, 1);
  common(Common.DriverFeature, 1);
  a.mov(byte(Bar + Common.Status), agreed);
  a.mov(word(Bar + Common.QueueSelect), queue);
  a.mov(word(Bar + Common.QueueSize), 8);
  common(Common.Descriptors, Rings.descriptors);
  common(Common.Driver, Rings.available);
  common(Common.Device, Rings.used);
  a.mov(word(Bar + Common.QueueEnable), 1);
  a.mov(byte(Bar + Common.Status), agreed | Status.DriverOk);
}

/** Sends a text by the second queue of a console, in two buffers. */
export const consoleGuest = driver(
  (a) => a.mov(al, byte(Bar + 0x1000)),
  (a) => {
    startConsole(a, Transmit);
    for (const [index, character] of [...Sent].entries()) a.mov(byte(Text + index), character.charCodeAt(0));
    const first = 10;
    for (const [index, address, length, flags] of [
      [0, Text, first, Flag.Next],
      [1, Text + first, Sent.length - first, 0],
    ] as const) {
      a.mov(dword(Rings.descriptors + 16 * index), address);
      a.mov(dword(Rings.descriptors + 16 * index + 8), length);
      a.mov(dword(Rings.descriptors + 16 * index + 12), flags | (1 << 16));
    }
    a.mov(word(Rings.available + 4), 0);
    a.mov(word(Rings.available + 2), 1);
    a.mov(word(Bar + 0x3000 + 4 * Transmit), Transmit);
    wait(a, 1);
    a.mov(al, byte(Rings.used + 2));
    a.out(0x80, al);
  },
);

/** Has the four bytes of the signature of fw_cfg written into RAM. @see QEMU 7.2, docs/specs/fw_cfg.txt, "Guest-side DMA Interface" */
export const fwCfgGuest = driver(
  () => {},
  (a) => {
    const bigEndian = (value: number) => ((value << 24) | ((value & 0xff00) << 8)) >>> 0;
    for (const [offset, value] of [
      [0, bigEndian(0x0a)],
      [4, bigEndian(4)],
      [8, 0],
      [12, bigEndian(To & 0xffff) | (To >>> 8)],
    ] as const)
      a.mov(dword(From + offset), value);
    a.mov(edx, 0x518);
    a.mov(eax, From >>> 8);
    a.out(dx, eax);
    a.cmp(dword(To), 0x554d_4551);
    a.setz(al);
    a.out(0x80, al);
  },
);

/** Random addresses: in RAM, in the card's buffer, at the rings, in the code, and anywhere. */
const anywhere = (random: Random): number => {
  const base = random.pick([From, To, EduBuffer, Rings.available, Rings.used, Place.code, 0]);
  return random.oneIn(8) ? random.bits() : base + 4 * random.below(300);
};

/** Two cards that get what comes to the mind of a guest that keeps no rule, with 55 ms of sleep here and there. */
export const hostileDriver = (random: Random): Source =>
  driver(
    (a) => {
      a.mov(eax, dword(Place.edu + 0x24));
      a.mov(dword(Place.edu + 0x64), eax);
      a.mov(al, byte(Bar + 0x1000));
    },
    (a) => {
      putCard(a);
      let offered = 0;
      const queue = random.oneIn(4) ? 0 : Transmit;
      startConsole(a, queue);
      out(a, [0x43, 0x34], [0x40, 0], [0x40, 0], [0x21, 0xfa]);
      const steps: readonly (() => void)[] = [
        () => a.mov(dword(0x2_0000 + 4 * random.below(0x1400)), random.oneIn(2) ? random.bits() : anywhere(random)),
        () => {
          for (const register of [0x80, 0x88]) a.mov(dword(Place.edu + register), anywhere(random));
          a.mov(dword(Place.edu + 0x90), random.pick([0, 1, 4, 1000, 1025, 4096, 4097, random.bits()]));
          a.mov(dword(Place.edu + 0x98), random.below(8));
        },
        () => a.mov(dword(Place.edu + random.pick([0x04, 0x08, 0x20, 0x60])), random.bits()),
        () => {
          if (!random.oneIn(6)) return;
          if (random.oneIn(3)) a.mov(byte(Bar + Common.Status), random.byte());
          else startConsole(a, queue);
        },
        () => {
          const index = random.below(8);
          a.mov(dword(Rings.descriptors + 16 * index), anywhere(random));
          a.mov(dword(Rings.descriptors + 16 * index + 8), random.pick([1, 1, 100, 100, 5000, 0, random.bits()]));
          a.mov(
            dword(Rings.descriptors + 16 * index + 12),
            random.pick([0, 0, 1, 2, random.below(8)]) | (random.below(9) << 16),
          );
          a.mov(word(Rings.available + 4 + 2 * random.below(8)), index);
          a.mov(word(Rings.available + 2), random.oneIn(9) ? random.bits() & 0xffff : ++offered);
          a.mov(word(Bar + 0x3000 + 4 * queue), queue);
        },
        () => {
          a.sti();
          a.hlt();
          a.cli();
        },
      ];
      for (let step = 0; step < 60; step++) random.pick(steps)();
      for (let step = 0; step < 3; step++) steps.at(-1)?.();
    },
  );
