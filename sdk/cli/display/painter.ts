import type { TextPosition, TextScreen } from '../../device/index.ts';

/** Columns and rows of a terminal. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

const Escape = '\x1b[';
const HideCursor = `${Escape}?25l`;
const ShowCursor = `${Escape}?25h`;
const Plain = `${Escape}0m`;
const Reversed = `${Escape}7m`;
/** No cell: it is drawn anew. */
const Unknown = 0xffff_ffff;
/** Colours of a terminal by those of the CGA: red and blue change places. */
const terminalColours = [0, 4, 2, 6, 1, 5, 3, 7] as const;
const BlankCode = 0x20;
/** Characters in a move of the cursor. */
const ShortGap = 6;

/** Turns screens into what a terminal is sent: only the cells that have changed. A terminal that is smaller shows the part with the cursor. */
export class ScreenPainter {
  private cells: Uint32Array = new Uint32Array(0);
  private shape = '';
  private cursor = '';
  /** The first row and column that are shown. */
  private readonly first = { row: 0, column: 0 };

  /** Without colours, characters on a background that is not black are reversed. */
  constructor(private readonly hasColours: boolean) {}

  /** The terminal shows something else now: the next frame is drawn whole. */
  forget(): void {
    this.shape = '';
  }

  /** The text that brings the terminal from the last frame to this one; empty if they are the same. */
  paint(screen: TextScreen, size: TerminalSize): string {
    const columns = screen.rows[0]?.length ?? 0;
    const shown = { rows: Math.min(screen.rows.length, size.rows), columns: Math.min(columns, size.columns) };
    let text = this.begin(`${screen.rows.length} ${columns} ${size.rows} ${size.columns}`, shown.rows * shown.columns);
    const at = cursorOf(screen, columns);
    this.follow(at, shown);
    text += this.changes(screen, shown, columns);
    const cursor = this.cursorIn(at, shown);
    if (text === '' && cursor === this.cursor) return '';
    this.cursor = cursor;
    return text === '' ? cursor : `${HideCursor}${text}${cursor}`;
  }

  private begin(shape: string, cells: number): string {
    if (shape === this.shape) return '';
    this.shape = shape;
    this.cells = new Uint32Array(cells).fill(Unknown);
    Object.assign(this.first, { row: 0, column: 0 });
    return `${Plain}${Escape}2J`;
  }

  /** Moves the part that is shown, as little as possible. */
  private follow(cursor: TextPosition | undefined, { rows, columns }: TerminalSize): void {
    if (cursor === undefined) return;
    const { first } = this;
    first.row = Math.max(Math.min(first.row, cursor.row), cursor.row - rows + 1);
    first.column = Math.max(Math.min(first.column, cursor.column), cursor.column - columns + 1);
  }

  private changes(screen: TextScreen, { rows, columns }: TerminalSize, stride: number): string {
    const { first, cells } = this;
    let text = '';
    let [next, colours] = [Number.NEGATIVE_INFINITY, -1];
    for (let index = 0; index < rows * columns; index++) {
      const [row, column] = [first.row + Math.floor(index / columns), first.column + (index % columns)];
      const colour = screen.colours[row * stride + column] ?? 0;
      const code = visible(screen.rows[row]?.charCodeAt(column));
      const cell = (colour << 16) | code;
      if (cells[index] === cell) continue;
      cells[index] = cell;
      const between = this.between(next, index, { columns, colours });
      text += between ?? moveTo(Math.floor(index / columns), index % columns);
      if (colours !== colour) text += this.style(colour);
      text += String.fromCharCode(code);
      [next, colours] = [index + 1, colour];
    }
    return text;
  }

  /** A few characters that stay cost less than a move, if they have the colours that the terminal has now. */
  private between(
    from: number,
    to: number,
    now: { readonly columns: number; readonly colours: number },
  ): string | undefined {
    // At the end of a line the terminal stays where it is.
    if (to - from > ShortGap || to % now.columns <= to - from) return undefined;
    let text = '';
    for (let index = from; index < to; index++) {
      const cell = this.cells[index] as number;
      if (cell >>> 16 !== now.colours) return undefined;
      text += String.fromCharCode(cell & 0xffff);
    }
    return text;
  }

  private style(colour: number): string {
    const [foreground, background] = [colour & 0x0f, colour >> 4];
    if (!this.hasColours) return background === 0 ? Plain : `${Plain}${Reversed}`;
    return `${Escape}${number(foreground, 30)};${number(background, 40)}m`;
  }

  private cursorIn(cursor: TextPosition | undefined, { rows, columns }: TerminalSize): string {
    if (cursor === undefined) return HideCursor;
    const [row, column] = [cursor.row - this.first.row, cursor.column - this.first.column];
    return row < rows && column < columns ? `${moveTo(row, column)}${ShowCursor}` : HideCursor;
  }
}

/** Undefined while there is none on the screen. */
function cursorOf({ cursor, rows }: TextScreen, columns: number): TextPosition | undefined {
  return cursor !== undefined && cursor.row < rows.length && cursor.column < columns ? cursor : undefined;
}

const moveTo = (row: number, column: number): string => `${Escape}${row + 1};${column + 1}H`;

/** Of a colour in SGR: the bright ones are 60 higher. */
const number = (colour: number, base: number): number =>
  base + (terminalColours[colour & 7] ?? 0) + (colour & 8 ? 60 : 0);

/** What controls a terminal, or is half of a character, is a blank. */
function visible(code: number | undefined): number {
  if (code === undefined || Number.isNaN(code)) return BlankCode;
  const controls = code < BlankCode || (code >= 0x7f && code < 0xa0);
  const isHalf = code >= 0xd800 && code < 0xe000;
  // Marks of direction and of order, and those without a width of their own.
  const isMark = (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) || code === 0xfeff;
  return controls || isHalf || isMark ? BlankCode : code;
}
