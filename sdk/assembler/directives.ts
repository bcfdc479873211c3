import type { Emitter } from './emitter.ts';
import type { CodeBits } from './encoding.ts';
import type { Value } from './operands.ts';

/** Labels, data, and where the next byte goes. */
export interface Directives {
  /** Defines a label here. */
  label(name: string): void;
  /** A name that no other label has, for labels inside of a function that is called more than once. Does not define it. */
  localLabel(name: string): string;
  /**
   * Code is of 16 or 32 bits from here on. Labels in 16-bit code are offsets from `segmentBase`, the linear address of its segment.
   */
  bits(bits: CodeBits, segmentBase?: number): void;
  /** Bytes. */
  db(...values: readonly Value[]): void;
  /** Words of 16 bits. */
  dw(...values: readonly Value[]): void;
  /** Words of 32 bits. */
  dd(...values: readonly Value[]): void;
  /** The characters of a text, a byte each; none above 0xff. */
  ascii(text: string): void;
  /** The same, and a zero byte. */
  asciz(text: string): void;
  /** Bytes of one value; zeros by default. */
  fill(length: number, value?: number): void;
  /** Fills up to a multiple of a number of bytes; with NOPs by default. */
  align(boundary: number, fill?: number): void;
  /** Fills up to a linear address; with zeros by default. */
  org(address: number, fill?: number): void;
}

const Nop = 0x90;

export const directives = (out: Emitter): Directives => ({
  label: (name) => out.label(name),
  localLabel: (name) => out.localLabel(name),
  bits(bits, segmentBase = 0) {
    if (bits !== 16 && bits !== 32) throw out.failOf('bits')('value-does-not-fit', 'code is of 16 or 32 bits.');
    out.checkRange('bits', segmentBase, 0, 0xffff_ffff);
    out.bits = bits;
    out.segmentBase = bits === 16 ? segmentBase : 0;
  },
  db: (...values) => out.data('db', 8, values),
  dw: (...values) => out.data('dw', 16, values),
  dd: (...values) => out.data('dd', 32, values),
  ascii: (text) => out.data('ascii', 8, charactersOf(text)),
  asciz: (text) => out.data('asciz', 8, [...charactersOf(text), 0]),
  fill: (length, value = 0) => out.gap('fill', { length }, value),
  align: (boundary, fill = Nop) => out.gap('align', { boundary }, fill),
  org: (address, fill = 0) => out.gap('org', { address }, fill),
});

const charactersOf = (text: string): number[] => Array.from(text, (character) => character.codePointAt(0) as number);
