/** The prefix of a key that was released, in set 2. */
export const Released = 0xf0;
/** The prefix of a key that the first keyboard of the PC did not have. */
export const Extended = 0xe0;
const ReleasedBit = 0x80;

/** Codes of set 1 for the codes 0x00 to 0x84 of set 2. */
const table = Uint8Array.from(
  (
    'ff43413f3d3b3c58644442403e0f2959' +
    '65382a701d10025a66712c1f1e11035b' +
    '672e2d201205045c68392f211413065d' +
    '693130232215075e6a7232241608095f' +
    '6b332517180b0a606c34352627190c61' +
    '6d7328741a0d626e3a361c1b752b6376' +
    '55567778797a0e7b7c4f7d4b477e7f6f' +
    '5253504c4d480145574e514a37494654' +
    '8081824154'
  ).match(/../g) ?? [],
  (code) => Number.parseInt(code, 16),
);

/**
 * The code of set 1 for one of set 2. Answers of the keyboard are above the table, and stay.
 *
 * @see IBM Personal Computer AT Technical Reference, "Scan Code Translation"
 */
export const toSet1 = (code: number): number => table[code] ?? code;

/** The bytes that a key sends, pressed or released, in set 1 or 2. `key` is its code in set 2, with 0xe000 for the prefix. */
export function scanCodes(set: number, key: number, isPressed: boolean): readonly number[] {
  const code = key & 0xff;
  const prefix = key >> 8 === Extended ? [Extended] : [];
  if (set === 1) return [...prefix, isPressed ? toSet1(code) : toSet1(code) | ReleasedBit];
  return isPressed ? [...prefix, code] : [...prefix, Released, code];
}

/** What the controller makes of bytes of set 2: one byte a key, with bit 7 if it is released. */
export function translated(code: number, isReleased: boolean): number {
  return isReleased ? toSet1(code) | ReleasedBit : toSet1(code);
}
