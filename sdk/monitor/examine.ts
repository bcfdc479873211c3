import { BackplaneError } from '../base/errors.ts';

/** How `x` and `i` show values: QEMU's `/4xw` is four words of four bytes in hexadecimal. */
export interface ExamineFormat {
  readonly count: number;
  readonly notation: 'x' | 'd' | 'u' | 'o' | 'c';
  /** Bytes of a value: 1, 2, 4 or 8. */
  readonly size: number;
}

export const firstFormat: ExamineFormat = { count: 1, notation: 'x', size: 4 };

const sizes: Readonly<Record<string, number>> = { b: 1, h: 2, w: 4, g: 8 };
/** More values than this are no look into memory. */
const MostValues = 65_536;

/** The format of `/4xw`, without the slash. What it does not say is as it was the last time. */
export function parseFormat(text: string, last: ExamineFormat): ExamineFormat {
  const [, digits = '', letters = ''] = /^(\d*)(.*)$/s.exec(text) ?? [];
  let { notation, size } = last;
  for (const letter of letters) {
    if ('xduoc'.includes(letter)) notation = letter as ExamineFormat['notation'];
    else if (Object.hasOwn(sizes, letter)) size = sizes[letter] as number;
    else throw malformed(`/${text}: '${letter}' is no format. Write x, d, u, o or c, and b, h, w or g: /4xw.`);
  }
  const count = digits === '' ? 1 : Number(digits);
  if (count > MostValues) throw malformed(`/${text}: at most ${MostValues} values are shown. Write a smaller number.`);
  return { count, notation, size };
}

const malformed = (message: string) => new BackplaneError('malformed-monitor-command', message);

/**
 * The lines of `x`, character by character as QEMU prints them. `byteAt` answers a byte of memory, or undefined where only a read would
 * show it.
 */
export function examine(
  address: bigint,
  { count, notation, size: given }: ExamineFormat,
  byteAt: (address: bigint) => number | undefined,
): string {
  const size = notation === 'c' ? 1 : given;
  const perLine = size === 1 ? 8 : 16 / size;
  const lines: string[] = [];
  for (let done = 0; done < count; done += perLine) {
    const start = BigInt.asUintN(64, address + BigInt(done * size));
    const values = Array.from({ length: Math.min(perLine, count - done) }, (_, index) =>
      shown(valueAt(start + BigInt(index * size), size, byteAt), notation, size),
    );
    lines.push(`${start.toString(16).padStart(16, '0')}: ${values.join(' ')}\n`);
  }
  return lines.join('');
}

function valueAt(address: bigint, size: number, byteAt: (address: bigint) => number | undefined): bigint | undefined {
  let value = 0n;
  for (let index = 0; index < size; index++) {
    const byte = byteAt(BigInt.asUintN(64, address + BigInt(index)));
    if (byte === undefined) return undefined;
    value |= BigInt(byte) << BigInt(8 * index);
  }
  return value;
}

function shown(value: bigint | undefined, notation: ExamineFormat['notation'], size: number): string {
  const bits = size * 8;
  const decimals = Math.ceil((bits * 10) / 33);
  const known = (text: (value: bigint) => string, width: number) =>
    (value === undefined ? '?'.repeat(width) : text(value)).padStart(width);
  switch (notation) {
    case 'x':
      return `0x${known((one) => one.toString(16).padStart(size * 2, '0'), size * 2)}`;
    case 'u':
      return known(String, decimals);
    case 'd':
      return known((one) => String(BigInt.asIntN(bits, one)), decimals);
    case 'o':
      return known((one) => (one === 0n ? '0' : `0${one.toString(8)}`), Math.ceil(bits / 3));
    case 'c':
      return value === undefined ? "'?'" : character(Number(value));
  }
}

const escapes: Readonly<Record<number, string>> = { 39: "\\'", 92: '\\\\', 10: '\\n', 13: '\\r' };

function character(code: number): string {
  const text = escapes[code] ?? (code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : undefined);
  return `'${text ?? `\\x${code.toString(16).padStart(2, '0')}`}'`;
}
