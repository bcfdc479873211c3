import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ScreenPainter } from '../../../sdk/cli/display/painter.ts';
import type { TextScreen } from '../../../sdk/index.ts';
import { times } from '../../depth.ts';
import { SmallTerminal } from './small-terminal.ts';

const White = 0x07;
const screen = (rows: readonly string[], more: Partial<TextScreen> = {}): TextScreen => ({
  rows,
  colours: new Uint8Array(rows.join('').length).fill(White),
  ...more,
});

describe('the screen of a machine at a terminal', () => {
  it('is drawn whole once, then only where it changes', () => {
    const [painter, terminal] = [new ScreenPainter(true), new SmallTerminal(4, 20)];
    const size = { rows: 4, columns: 20 };
    terminal.write(painter.paint(screen(['hello     ', 'world     ']), size));
    expect(terminal.lines).toEqual(['hello', 'world', '', '']);
    expect(painter.paint(screen(['hello     ', 'world     ']), size)).toBe('');
    const changes = painter.paint(screen(['hello     ', 'worlds    ']), size);
    terminal.write(changes);
    expect(terminal.lines).toEqual(['hello', 'worlds', '', '']);
    expect(changes).toBe('\x1b[?25l\x1b[2;6H\x1b[37;40ms\x1b[?25l');
  });

  it('has the 16 colours of the CGA, and shows the cursor where it is', () => {
    const [painter, terminal] = [new ScreenPainter(true), new SmallTerminal(1, 3)];
    const colours = Uint8Array.of(0x1f, 0x4e, 0x90);
    terminal.write(painter.paint(screen(['abc'], { colours, cursor: { row: 0, column: 2 } }), terminal));
    // White on blue, yellow on red, black on bright blue.
    expect(terminal.styles).toEqual([['97;44', '93;41', '30;104']]);
    expect(terminal.cursor).toEqual({ row: 0, column: 2 });
    terminal.write(painter.paint(screen(['abc'], { colours }), terminal));
    expect(terminal.cursor).toBeUndefined();
  });

  it('reverses characters on a background where there are no colours', () => {
    const [painter, terminal] = [new ScreenPainter(false), new SmallTerminal(1, 3)];
    const text = painter.paint(screen(['abc'], { colours: Uint8Array.of(0x1f, 0x0c, 0x70) }), terminal);
    terminal.write(text);
    expect(terminal.styles).toEqual([['0;7', '0', '0;7']]);
    expect(text).not.toMatch(/\d\d;?\d*m/);
  });

  it('shows a smaller terminal the part with the cursor, and moves it no further than it must', () => {
    const [painter, terminal] = [new ScreenPainter(true), new SmallTerminal(2, 3)];
    const rows = ['abcde', 'fghij', 'klmno', 'pqrst'];
    const shownAt = (row: number, column: number) => {
      terminal.write(painter.paint(screen(rows, { cursor: { row, column } }), terminal));
      return [...terminal.lines, terminal.cursor];
    };
    expect(shownAt(0, 0)).toEqual(['abc', 'fgh', { row: 0, column: 0 }]);
    expect(shownAt(3, 4)).toEqual(['mno', 'rst', { row: 1, column: 2 }]);
    expect(shownAt(2, 3)).toEqual(['mno', 'rst', { row: 0, column: 1 }]);
    expect(shownAt(1, 2)).toEqual(['hij', 'mno', { row: 0, column: 0 }]);
  });

  it('is drawn whole again after a change of its size, of the terminal, or when something else was shown', () => {
    const painter = new ScreenPainter(true);
    const first = painter.paint(screen(['abc']), { rows: 2, columns: 4 });
    expect(painter.paint(screen(['abc']), { rows: 2, columns: 5 })).toBe(first);
    painter.forget();
    expect(painter.paint(screen(['abc']), { rows: 2, columns: 5 })).toBe(first);
    expect(painter.paint(screen(['abcd']), { rows: 2, columns: 5 })).toContain('\x1b[2J');
  });

  it('sends no control character of a guest or a plugin, and no half of a character', () => {
    const [painter, terminal] = [new ScreenPainter(true), new SmallTerminal(1, 8)];
    terminal.write(painter.paint(screen(['a\x1b\x07\x9b\x7f\ud83d\u202eb']), terminal));
    expect(terminal.lines).toEqual(['a      b']);
  });

  it('holds up with screens that lie about themselves', () => {
    for (const broken of [
      { rows: [], colours: new Uint8Array(0) },
      { rows: ['', ''], colours: new Uint8Array(0) },
      { rows: ['abc', 'd'], colours: new Uint8Array(1), cursor: { row: 9, column: 9 } },
    ]) {
      const [painter, terminal] = [new ScreenPainter(true), new SmallTerminal(3, 3)];
      terminal.write(painter.paint(broken, terminal));
      expect(terminal.cursor).toBeUndefined();
    }
  });

  it('is at the terminal what it is in the machine, whatever was shown before', () => {
    const letters = fc.constantFrom(...'ab █');
    const colour = fc.constantFrom(0x07, 0x1f);
    const frame = fc.record({
      text: fc.array(letters, { minLength: 24, maxLength: 24 }),
      colours: fc.array(colour, { minLength: 24, maxLength: 24 }),
    });
    const property = fc.property(fc.array(frame, { minLength: 1, maxLength: 6 }), (frames) => {
      const [painter, terminal] = [new ScreenPainter(true), new SmallTerminal(3, 8)];
      for (const { text, colours } of frames) {
        const rows = [0, 8, 16].map((start) => text.slice(start, start + 8).join(''));
        terminal.write(painter.paint(screen(rows, { colours: Uint8Array.from(colours) }), terminal));
        expect(terminal.cells.map((row) => row.join(''))).toEqual(rows);
        expect(terminal.styles.flat()).toEqual(colours.map((one) => (one === White ? '37;40' : '97;44')));
      }
    });
    fc.assert(property, { numRuns: times(200, 4) });
  });
});
