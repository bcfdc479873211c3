/** Where a cursor is, from 0. */
export interface TextPosition {
  readonly row: number;
  readonly column: number;
}

/** What a device shows in a text mode. */
export interface TextScreen {
  /** From the top. All rows have the same number of characters, and each character is one of Unicode's first plane. */
  readonly rows: readonly string[];
  /**
   * A byte of each character, row by row: the foreground in bits 0 to 3, the background in bits 4 to 7. Colours are those of the CGA:
   * 1 is blue, 2 green, 4 red, 8 bright.
   */
  readonly colours: Uint8Array;
  /** Left out while none is shown. */
  readonly cursor?: TextPosition | undefined;
}

/**
 * A device with a screen: `info screen` and `backplane run -display curses` show its text. A device implements it with that method alone.
 */
export interface ShowsText {
  /** The screen now, without coalesced writes that are still queued; undefined while it shows graphics. Nothing changes by it. */
  textScreen(): TextScreen | undefined;
}

/** Whether a device has a screen. */
export const showsText = (device: object): device is ShowsText =>
  'textScreen' in device && typeof device.textScreen === 'function';

/** The lines of a screen without the blanks at their ends, and without the empty ones at the end. */
export const screenLines = ({ rows }: TextScreen): string =>
  rows
    .map((row) => row.trimEnd())
    .join('\n')
    .trimEnd();
