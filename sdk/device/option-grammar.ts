/** The numbers of QEMU's command line: decimal or 0x, with an optional sign. A leading 0 is refused, not taken as octal. */
export function parseInteger(text: string): bigint | undefined {
  const match = /^([+-]?)(0x[0-9a-f]+|0|[1-9][0-9]*)$/i.exec(text);
  if (match === null) return undefined;
  const value = BigInt((match[2] as string).toLowerCase());
  return match[1] === '-' ? -value : value;
}

/** What to write instead of a number with a leading 0, which QEMU reads as octal and people often do not mean so. */
export function octalHint(text: string): string {
  const [, sign = '', digits] = /^([+-]?)0+([1-7][0-7]*)$/.exec(text) ?? [];
  return digits === undefined ? '' : ` A leading 0 is octal to QEMU: write ${sign}${Number.parseInt(digits, 8)}.`;
}

const Suffixes = 'bkmgtpe';

/** A size: a number, maybe with decimals, and maybe a suffix B, K, M, G, T, P or E in powers of 1024. */
export function parseSize(text: string): number | undefined {
  const match = /^(?:(0x[0-9a-f]+)|((?:0|[1-9][0-9]*)(?:\.[0-9]+)?)([bkmgtpe]?))$/i.exec(text);
  if (match === null) return undefined;
  const factor = 1024 ** Math.max(0, Suffixes.indexOf((match[3] ?? '').toLowerCase() || 'b'));
  const bytes = Number(match[1] ?? match[2]) * factor;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A size as people write it: with the largest suffix that leaves a whole number. */
export function formatSize(bytes: number): string {
  let [value, suffix] = [bytes, 0];
  while (value !== 0 && value % 1024 === 0 && suffix + 1 < Suffixes.length) {
    value /= 1024;
    suffix++;
  }
  return suffix === 0 ? String(value) : `${value}${(Suffixes[suffix] as string).toUpperCase()}`;
}
