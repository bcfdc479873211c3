import type { TextPosition, TextScreen } from '../../sdk/index.ts';
import { characters } from '../parts/code-page-437.ts';
import type { CrtView } from './crt-controller.ts';
import type { PlaneMemory } from './planes.ts';

const CharacterPlane = 0;
const AttributePlane = 1;
const AllColours = 0xff;
const WithoutBlinking = 0x7f;
/** As much as a monitor shows: larger sizes are not shown whole. */
const Most = { columns: 132, rows: 60 } as const;

/**
 * The screen of a text mode, without line compare, fonts and the colours of the palette. While bit 7 of the attributes means
 * blinking, which is not shown, the background has three bits.
 */
export function textScreenOf(crt: CrtView, memory: PlaneMemory, blinks: boolean): TextScreen {
  const [columns, count] = [columnsOf(crt), rowsOf(crt)];
  const colours = new Uint8Array(columns * count);
  const mask = blinks ? WithoutBlinking : AllColours;
  const rows = Array.from({ length: count }, (_, row) => {
    const start = crt.startAddress + row * crt.addressesPerRow;
    let line = '';
    for (let column = 0; column < columns; column++) {
      const address = crt.planeAddress(start + column);
      line += characters[memory.byteAt(address, CharacterPlane)];
      colours[row * columns + column] = memory.byteAt(address, AttributePlane) & mask;
    }
    return line;
  });
  return { rows, colours, cursor: cursorOf(crt) };
}

/** Undefined while it is off, or outside of the screen. */
function cursorOf(crt: CrtView): TextPosition | undefined {
  const { addressesPerRow } = crt;
  const distance = (crt.cursorAddress - crt.startAddress) & 0xffff;
  if (!crt.isCursorOn || addressesPerRow === 0) return undefined;
  const position = { row: Math.floor(distance / addressesPerRow), column: distance % addressesPerRow };
  return position.row < rowsOf(crt) && position.column < columnsOf(crt) ? position : undefined;
}

const columnsOf = ({ columns }: CrtView): number => Math.min(columns, Most.columns);
const rowsOf = ({ lines, linesPerRow }: CrtView): number => Math.min(Math.floor(lines / linesPerRow), Most.rows);
