import { count } from '../base/text.ts';
import { type CodeBits, encode, type Form } from './encoding.ts';
import { AssemblyError, type FailHere, failAt, type SourcePlace } from './errors.ts';
import { type Assembled, Layout, LongestAssembly } from './layout.ts';
import type { Value } from './operands.ts';
import type { Width } from './registers.ts';

/** What a source has written so far: each instruction and directive goes through here. */
export class Emitter {
  bits: CodeBits;
  /** In 16-bit code: what a label's address is an offset from. */
  segmentBase = 0;
  private readonly layout: Layout;
  private lastLabel: string | undefined;
  private written = 0;
  private localLabels = 0;

  constructor(origin: number, bits: CodeBits) {
    this.bits = bits;
    this.layout = new Layout(origin);
  }

  label(name: string): void {
    this.layout.add({ kind: 'label', name, place: this.place('label') });
    this.lastLabel = name;
  }

  localLabel(name: string): string {
    do this.localLabels++;
    while (this.layout.has(`${name}.${this.localLabels}`));
    return `${name}.${this.localLabels}`;
  }

  /** What the next error of this instruction says. */
  failOf(mnemonic: string): FailHere {
    return failAt(this.place(mnemonic));
  }

  /** An instruction in the form that suits its operands. */
  emit(mnemonic: string, form: Form): void {
    const place = this.place(mnemonic);
    const { bytes, fixups } = encode(form, this.bits, failAt(place));
    this.layout.add({ kind: 'bytes', bytes, fixups, place, segmentBase: this.segmentBase });
    this.written++;
  }

  /** A jump with a short form, a near one, or both. */
  jump(mnemonic: string, target: Value, short: readonly number[] | undefined, near?: readonly number[]): void {
    const { bits, segmentBase } = this;
    const isNear = short === undefined;
    this.layout.add({
      kind: 'jump',
      place: this.place(mnemonic),
      segmentBase,
      bits,
      target,
      short,
      near,
      isNear,
    });
    this.written++;
  }

  data(mnemonic: string, width: Width, values: readonly Value[]): void {
    this.emit(mnemonic, { opcode: [], immediates: values.map((value) => ({ value, width })) });
  }

  gap(mnemonic: string, to: { boundary: number } | { address: number } | { length: number }, fill: number): void {
    this.checkRange(mnemonic, fill, 0, 0xff);
    if ('boundary' in to) this.checkRange(mnemonic, to.boundary, 1, LongestAssembly);
    if ('length' in to) this.checkRange(mnemonic, to.length, 0, LongestAssembly);
    this.layout.add({ kind: 'gap', ...to, fill, place: this.place(mnemonic) });
    this.written++;
  }

  checkRange(mnemonic: string, value: number, lowest: number, highest: number): void {
    if (Number.isInteger(value) && value >= lowest && value <= highest) return;
    const why = `${value} is no whole number from ${count(lowest)} to ${count(highest)}.`;
    throw new AssemblyError('value-does-not-fit', this.place(mnemonic), why);
  }

  /** The types see to it, unless a caller has registers of more than one width. */
  checkWidths(mnemonic: string, one: { readonly width: Width }, other: { readonly width: Width }): void {
    if (one.width === other.width) return;
    const why = `its operands have ${one.width} and ${other.width} bits. Write operands of one width.`;
    throw new AssemblyError('operand-mismatch', this.place(mnemonic), why);
  }

  finish(): Assembled {
    return this.layout.finish();
  }

  private place(mnemonic: string): SourcePlace {
    return { index: this.written, mnemonic, label: this.lastLabel };
  }
}
