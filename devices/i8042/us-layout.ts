/** Keys of a US keyboard by their codes in set 2. */
export const Key = {
  Shift: 0x12,
  Control: 0x14,
  Enter: 0x5a,
  Tab: 0x0d,
  Backspace: 0x66,
  Escape: 0x76,
  Up: 0xe075,
  Down: 0xe072,
  Right: 0xe074,
  Left: 0xe06b,
  Home: 0xe06c,
  End: 0xe069,
  Insert: 0xe070,
  Delete: 0xe071,
  PageUp: 0xe07d,
  PageDown: 0xe07a,
  F1: 0x05,
  F2: 0x06,
  F3: 0x04,
  F4: 0x0c,
} as const;

/** A key, and what is held with it; 0 for no key. */
export interface Stroke {
  readonly key: number;
  readonly held: number;
}

/** Rows of the keyboard: characters, the same with Shift, and the keys. */
const rows = [
  ['`1234567890-=', '~!@#$%^&*()_+', [0x0e, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36, 0x3d, 0x3e, 0x46, 0x45, 0x4e, 0x55]],
  ['qwertyuiop[]\\', 'QWERTYUIOP{}|', [0x15, 0x1d, 0x24, 0x2d, 0x2c, 0x35, 0x3c, 0x43, 0x44, 0x4d, 0x54, 0x5b, 0x5d]],
  ["asdfghjkl;'", 'ASDFGHJKL:"', [0x1c, 0x1b, 0x23, 0x2b, 0x34, 0x33, 0x3b, 0x42, 0x4b, 0x4c, 0x52]],
  ['zxcvbnm,./', 'ZXCVBNM<>?', [0x1a, 0x22, 0x21, 0x2a, 0x32, 0x31, 0x3a, 0x41, 0x49, 0x4a]],
] as const;

/** By character, up to 0x7f. */
const strokes: readonly (Stroke | undefined)[] = layout();

function layout(): (Stroke | undefined)[] {
  const made: (Stroke | undefined)[] = [];
  for (const [plain, shifted, keys] of rows) {
    keys.forEach((key, at) => {
      made[plain.charCodeAt(at)] = { key, held: 0 };
      made[shifted.charCodeAt(at)] = { key, held: Key.Shift };
      // A terminal sends Ctrl with a letter, or with one of [ \ ] ^ _, as a character below 0x20.
      const control = shifted.charCodeAt(at) - 0x40;
      if (control >= 1 && control <= 0x1a) made[control] = { key, held: Key.Control };
    });
  }
  made[0x20] = { key: 0x29, held: 0 };
  for (const [character, key] of [
    [0x08, Key.Backspace],
    [0x09, Key.Tab],
    [0x0a, Key.Enter],
    [0x0d, Key.Enter],
    [0x1b, Key.Escape],
    [0x7f, Key.Backspace],
  ] as const) {
    made[character] = { key, held: 0 };
  }
  return made;
}

/** How a character is typed; undefined if a US keyboard does not have it. */
export const strokeOf = (character: number): Stroke | undefined => strokes[character];
