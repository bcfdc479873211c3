import { hex } from '../../base/text.ts';

/**
 * Where a target is on an I2C bus: 7 bits as a number, or `tenBit(0x123)`. Without the direction, as Linux writes it: `0x68`
 * and not `0xd0`.
 */
export type I2cAddress = number;
/** Which way the bytes after an address go, as the controller sees it. */
export type I2cDirection = 'read' | 'write';

/** An address of ten bits is written so in Linux too: 0xa000 is added. */
const TenBit = 0xa000;
const TenBits = 0x3ff;

/** `11110xx`: announces an address of ten bits; `xx` are its upper two. @see NXP UM10204, 3.1.11 "10-bit addressing" */
export const TenBitPrefix = 0x78;
/** @see NXP UM10204, 3.1.13 "General call address" */
export const GeneralCall = 0x00;
/** @see NXP UM10204, table 4 "Reserved addresses": 0x00 to 0x07 and 0x78 to 0x7f */
const [FirstFree, LastFree] = [0x08, 0x77];

/** The address of ten bits, 0 to 0x3ff, which is another one than the same number in seven. */
export const tenBit = (address: number): I2cAddress => TenBit + (address & TenBits);

export const isTenBit = (address: I2cAddress): boolean => address >= TenBit && address <= TenBit + TenBits;
/** Of an address of ten bits: the 7 bits that announce it. */
export const tenBitPrefix = (address: I2cAddress): number => TenBitPrefix | ((address >> 8) & 3);
/** What an announced address of ten bits is, once its low byte is there. */
export const tenBitFrom = (prefix: number, low: number): I2cAddress => TenBit + ((prefix & 3) << 8) + low;

export const I2cAddressGrammar = "an address of 7 bits from 0x08 to 0x77, or one of 10 bits as '10bit:0x123'";

/** `0x68` or `104` in seven bits, `10bit:0x123` in ten; undefined for anything else. */
export function parseI2cAddress(text: string): I2cAddress | undefined {
  const [, ten, digits] = /^(10bit:)?(0x[0-9a-f]{1,3}|\d{1,4})$/i.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const number = Number(digits);
  if (ten !== undefined) return number <= TenBits ? tenBit(number) : undefined;
  return isFree(number) ? number : undefined;
}

export const formatI2cAddress = (address: I2cAddress): string =>
  isTenBit(address) ? `10bit:${hex(address - TenBit, 3)}` : hex(address, 2);

/** Whether a target may be plugged in there. */
export const isI2cAddress = (address: I2cAddress): boolean =>
  Number.isInteger(address) && (isTenBit(address) || isFree(address));

const isFree = (address: number): boolean => address >= FirstFree && address <= LastFree;
