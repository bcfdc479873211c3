import type { BenchCase } from '../bench-case.ts';

/** A pc that a guest has used: its clock, its screen, and some of its memory. */
async function usedPc(touchedPages: number) {
  const { pcI440fx } = await import('../../../machines/index.ts');
  const { formatSnapshot, guestProgram, Machine } = await import('../../../sdk/runtime.ts');
  const program = guestProgram(function* (guest) {
    for (let n = 0; n < 1000; n++) {
      yield* guest.out8(0x70, n & 0x0f);
      yield* guest.in8(0x71);
      yield* guest.store16(0xb_8000 + 2 * n, 0x0741 + n);
    }
    for (let page = 0; page < touchedPages; page++) {
      for (let at = 0; at < 256; at += 8) yield* guest.store64(page * 4096 + at, BigInt(page) * 0x0123_4567_89abn);
    }
  });
  const machine = Machine.create(pcI440fx);
  machine.run(program);
  const restore = (text: string) => Machine.restore(pcI440fx, JSON.parse(text), { guests: program });
  return { machine, restore, formatSnapshot };
}

const table = 'snapshots of pc (128 MiB)';

export const cases: readonly BenchCase[] = [
  {
    table,
    name: 'save, RAM untouched',
    targetMilliseconds: 80,
    async prepare() {
      const { machine } = await usedPc(0);
      return { operations: 1, run: () => machine.save() };
    },
  },
  {
    table,
    name: 'restore from a text, RAM untouched',
    targetMilliseconds: 80,
    async prepare() {
      const { machine, restore, formatSnapshot } = await usedPc(0);
      const text = formatSnapshot(machine.save());
      return { operations: 1, run: () => restore(text).dispose() };
    },
  },
  {
    table,
    name: 'save, 64 pages in use',
    targetMilliseconds: 60,
    async prepare() {
      const { machine } = await usedPc(64);
      return { operations: 1, run: () => machine.save() };
    },
  },
  {
    table,
    name: 'save as a text, 1024 pages in use',
    targetMilliseconds: 400,
    async prepare() {
      const { machine, formatSnapshot } = await usedPc(1024);
      return { operations: 1, run: () => formatSnapshot(machine.save()) };
    },
  },
  {
    table,
    name: 'restore from a text, 64 pages in use',
    targetMilliseconds: 150,
    async prepare() {
      const { machine, restore, formatSnapshot } = await usedPc(64);
      const text = formatSnapshot(machine.save());
      return { operations: 1, run: () => restore(text).dispose() };
    },
  },
  {
    table,
    name: 'restore from a text, 1024 pages in use',
    targetMilliseconds: 350,
    async prepare() {
      const { machine, restore, formatSnapshot } = await usedPc(1024);
      const text = formatSnapshot(machine.save());
      return { operations: 1, run: () => restore(text).dispose() };
    },
  },
];
