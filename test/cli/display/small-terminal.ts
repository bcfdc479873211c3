/** A terminal as far as a display uses it: it puts characters and colours where the sequences say. Any other sequence throws. */
export class SmallTerminal {
  readonly cells: string[][];
  /** SGR parameters of each cell. */
  readonly styles: string[][];
  cursor: { row: number; column: number } | undefined;
  private at = { row: 0, column: 0 };
  private style = '0';

  constructor(
    readonly rows: number,
    readonly columns: number,
  ) {
    this.cells = Array.from({ length: rows }, () => new Array<string>(columns).fill('?'));
    this.styles = Array.from({ length: rows }, () => new Array<string>(columns).fill('?'));
  }

  get lines(): string[] {
    return this.cells.map((row) => row.join('').trimEnd());
  }

  write(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
    for (const [piece, parameters, final] of text.matchAll(/\x1b\[([?0-9;]*)([A-Za-z])|[\s\S]/g)) {
      if (final === undefined) this.put(piece);
      else this.obey(parameters as string, final);
    }
  }

  private put(character: string): void {
    if (character < ' ' || (character >= '\x7f' && character < '\xa0'))
      throw new Error(`a control character: ${escape(character)}`);
    const { row, column } = this.at;
    if (row >= this.rows || column >= this.columns) throw new Error(`outside: row ${row}, column ${column}`);
    (this.cells[row] as string[])[column] = character;
    (this.styles[row] as string[])[column] = this.style;
    this.at.column++;
  }

  private obey(parameters: string, final: string): void {
    const sequence = `${parameters}${final}`;
    if (final === 'm') this.style = parameters === '7' ? `${this.style};7` : parameters;
    else if (sequence === '2J') for (const row of this.cells) row.fill(' ');
    else if (sequence === '?25l') this.cursor = undefined;
    else if (sequence === '?25h') this.cursor = { ...this.at };
    else if (final === 'H') {
      const [row = 0, column = 0] = parameters.split(';').map(Number);
      this.at = { row: row - 1, column: column - 1 };
    } else throw new Error(`an unknown sequence: ${sequence}`);
  }
}
