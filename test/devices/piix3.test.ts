import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { device } from '../../sdk/index.ts';
import { PciDevice, pci } from '../../sdk/pci.ts';
import { PcBoard } from './pc-board.ts';

const Slot = 1;

@device({ type: 'interrupter', description: 'a card that only interrupts' })
@pci({ vendorId: 0x1234, deviceId: 1, classCode: 0xff00, interruptPin: 'A' })
class Interrupter extends PciDevice {}

/** Cards in slots 2 to 5: their pins lead to PIRQ B, C, D and A. */
function boardWithCards() {
  const board = new PcBoard();
  const cards = [2, 3, 4, 5].map((slot) => {
    const card = new Interrupter();
    board.plugPci(card, slot);
    return card;
  });
  const isaLevels = () => board.isa.lines.reduce((bits, line, n) => bits | (line.level ? 1 << n : 0), 0);
  return { board, cards: cards as [Interrupter, Interrupter, Interrupter, Interrupter], isaLevels };
}

const Routes = { A: 0x60, B: 0x61, C: 0x62, D: 0x63 } as const;

describe('the ISA bridge in configuration space', () => {
  it('says who it is, and that there may be more of it', () => {
    const board = new PcBoard();
    const words = [0x00, 0x04, 0x08, 0x0c, 0x2c, 0x3c].map((at) => board.readConfig(Slot, at, 4));
    expect(words).toEqual([0x7000_8086, 0x0200_0000, 0x0601_0000, 0x0080_0000, 0x1100_1af4, 0]);
  });

  it('after a reset has these values above the header, and keeps the rest', () => {
    const board = new PcBoard();
    for (let at = 0; at < 256; at++) board.writeConfig(Slot, at, 0xa5, 1);
    board.reset();
    const expected = new Uint8Array(256).fill(0xa5, 0x40);
    const header = [0x86, 0x80, 0x00, 0x70, 0, 0, 0, 0x02, 0, 0, 0x01, 0x06, 0, 0, 0x80, 0];
    expected.set(header);
    expected.set([0xf4, 0x1a, 0x00, 0x11], 0x2c);
    const values: readonly (readonly [number, number])[] = [
      [0x4c, 0x4d],
      [0x4e, 0x03],
      [0x4f, 0],
      [0x60, 0x80],
      [0x61, 0x80],
      [0x62, 0x80],
      [0x63, 0x80],
      [0x69, 0x02],
      [0x70, 0x80],
      [0x76, 0x0c],
      [0x77, 0x0c],
      [0x78, 0x02],
      [0x79, 0],
      [0x80, 0],
      [0x82, 0],
      [0xa0, 0x08],
      [0xa2, 0],
      [0xa3, 0],
      [0xa4, 0],
      [0xa5, 0],
      [0xa6, 0],
      [0xa7, 0],
      [0xa8, 0x0f],
      [0xaa, 0],
      [0xab, 0],
      [0xac, 0],
      [0xae, 0],
    ];
    for (const [at, value] of values) expected[at] = value;
    const found = Uint8Array.from({ length: 256 }, (_, at) => board.readConfig(Slot, at, 1));
    expect(found).toEqual(expected);
  });
});

describe('the routes of PCI interrupts', () => {
  it('lead nowhere after a reset', () => {
    const { cards, isaLevels } = boardWithCards();
    cards[0].interrupt.set(true);
    expect(isaLevels()).toBe(0);
  });

  it('lead to the ISA line in their register', () => {
    const { board, cards, isaLevels } = boardWithCards();
    board.writeConfig(Slot, Routes.B, 11, 1);
    cards[0].interrupt.set(true);
    expect(isaLevels()).toBe(1 << 11);
    cards[0].interrupt.set(false);
    expect(isaLevels()).toBe(0);
    cards[1].interrupt.set(true);
    expect(isaLevels()).toBe(0);
  });

  it('that share a line keep it high until the last lets go', () => {
    const { board, cards, isaLevels } = boardWithCards();
    board.writeConfig(Slot, Routes.A, 0x0b0b_0b0b, 4);
    for (const card of cards) card.interrupt.set(true);
    for (const card of cards.slice(1)) card.interrupt.set(false);
    expect(isaLevels()).toBe(1 << 11);
    cards[0].interrupt.set(false);
    expect(isaLevels()).toBe(0);
  });

  it('move a high interrupt when they change', () => {
    const { board, cards, isaLevels } = boardWithCards();
    board.writeConfig(Slot, Routes.B, 10, 1);
    cards[0].interrupt.set(true);
    board.writeConfig(Slot, Routes.B, 5, 1);
    expect(isaLevels()).toBe(1 << 5);
    board.writeConfig(Slot, Routes.B, 0x85, 1);
    expect(isaLevels()).toBe(0);
  });

  it('mean no line when the byte is above 15, bit 7 or not', () => {
    const { board, cards, isaLevels } = boardWithCards();
    cards[0].interrupt.set(true);
    for (const byte of [0x10, 0x1b, 0x7f, 0x80, 0xff]) {
      board.writeConfig(Slot, Routes.B, byte, 1);
      expect(isaLevels()).toBe(0);
    }
  });

  it('are off again after a reset, and interrupts are down', () => {
    const { board, cards, isaLevels } = boardWithCards();
    board.writeConfig(Slot, Routes.B, 11, 1);
    cards[0].interrupt.set(true);
    board.reset();
    expect(isaLevels()).toBe(0);
    expect(cards[0].interrupt.level).toBe(false);
  });

  it('do not take away the line of an ISA device', () => {
    const { board, cards, isaLevels } = boardWithCards();
    const other = new Interrupter();
    board.isa.line(11).attach(other.interrupt);
    board.writeConfig(Slot, Routes.B, 11, 1);
    other.interrupt.set(true);
    cards[0].interrupt.set(true);
    cards[0].interrupt.set(false);
    expect(isaLevels()).toBe(1 << 11);
  });

  it('after any changes are the OR of what is routed', () => {
    const step = fc.oneof(
      fc.record({
        route: fc.integer({ min: 0, max: 3 }),
        byte: fc.oneof(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 255 })),
      }),
      fc.record({ card: fc.integer({ min: 0, max: 3 }), level: fc.boolean() }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { board, cards, isaLevels } = boardWithCards();
        const routes = [0x80, 0x80, 0x80, 0x80];
        const levels = [false, false, false, false];
        for (const s of steps) {
          if ('route' in s) {
            board.writeConfig(Slot, Routes.A + s.route, s.byte, 1);
            routes[s.route] = s.byte;
          } else {
            (cards[s.card] as Interrupter).interrupt.set(s.level);
            levels[(s.card + 1) & 3] = s.level;
          }
        }
        const expected = routes.reduce(
          (bits, route, pirq) => (levels[pirq] && route < 16 ? bits | (1 << route) : bits),
          0,
        );
        expect(isaLevels()).toBe(expected);
      }),
      { numRuns: 40 },
    );
  });
});

describe('the reset control register', () => {
  it('keeps bit 1 and nothing else', () => {
    const board = new PcBoard();
    board.out(0xcf9, 0xfb, 1);
    expect(board.in(0xcf9, 1)).toBe(0x02);
    board.out(0xcf9, 0x01, 1);
    expect(board.in(0xcf9, 1)).toBe(0x00);
    expect(board.resets.count).toBe(0);
  });

  it('resets the machine at a write with bit 2, at once, and does not store it', () => {
    const board = new PcBoard();
    board.out(0xcf9, 0x02, 1);
    board.out(0xcf9, 0x04, 1);
    expect(board.resets.count).toBe(1);
    expect(board.in(0xcf9, 1)).toBe(0x02);
    board.out(0xcf9, 0x0e, 1);
    expect(board.resets.count).toBe(2);
  });

  it('is 0 after a reset', () => {
    const board = new PcBoard();
    board.out(0xcf9, 0x02, 1);
    board.reset();
    expect(board.in(0xcf9, 1)).toBe(0);
  });
});
