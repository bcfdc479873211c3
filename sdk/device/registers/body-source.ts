import { maskOf } from '../../base/bits.ts';
import { type AccessMasks, type FieldDeclaration, masksOf, type RegisterDeclaration } from './model.ts';

/**
 * Writes what happens to a register's bits, as statements. `lanes`, where it names a variable of the text, holds the bits that
 * a narrow access touches; empty, the access touches all.
 */
export class BodyWriter {
  protected readonly masks: AccessMasks;
  protected readonly isBig: boolean;
  protected readonly bytes: number;
  private readonly cell: string;

  constructor(
    protected readonly register: RegisterDeclaration,
    protected readonly number: number,
  ) {
    this.masks = masksOf(register);
    this.isBig = register.width === 64;
    this.bytes = register.width / 8;
    this.cell = `this[${JSON.stringify(register.member)}]${register.count === undefined ? '' : '[index]'}`;
  }

  protected readBody(lanes: string): string {
    const { register, masks, cell } = this;
    const reset = BigInt(register.reset);
    const held = masks.all & ~masks.fixed & ~masks.writeOnly;
    const fixed = reset & masks.fixed;
    const terms = held === masks.all ? [cell] : held === 0n ? [] : [`${cell} & ${this.literal(held)}`];
    if (fixed !== 0n || terms.length === 0) terms.push(this.literal(fixed));
    const value = terms.length === 1 ? terms[0] : `(${terms[0]}) | ${terms[1]}`;
    const remark = register.access === 'unimplemented' ? `r${this.number}.read(this, index);` : '';
    const hooks = this.readHooks(lanes);
    if (masks.readToClear === 0n && hooks === '') return `${remark}return ${value};`;
    const clear =
      masks.readToClear === 0n
        ? ''
        : `${cell} = ${this.normal(`${cell} & ~${this.within(masks.readToClear, lanes)}`)};`;
    return `${remark}let value = ${this.normal(value as string)}; ${clear}${hooks}return value;`;
  }

  private readHooks(lanes: string): string {
    const fields = this.register.fields.filter(({ readHook }) => readHook !== undefined);
    const { readHook } = this.register;
    const ofRegister =
      readHook === undefined
        ? ''
        : `{ const answer = ${this.call(readHook, 'value')}; if (answer !== undefined) value = answer; }`;
    return fields.map((field) => this.fieldReadHook(field, lanes)).join('') + ofRegister;
  }

  private fieldReadHook(field: FieldDeclaration, lanes: string): string {
    const mask = this.literal(maskOf(field));
    const shift = this.count(field.low);
    const answer = this.call(field.readHook as string, this.extract('value', field));
    const merged = this.normal(`value & ~${mask} | (answer << ${shift}) & ${mask}`);
    return `${this.touched(field, lanes)}{ const answer = ${answer}; if (answer !== undefined) value = ${merged}; }`;
  }

  protected writeBody(lanes: string): string {
    const { cell } = this;
    const hooks = this.writeHooks(lanes);
    const now = this.writtenValue(lanes);
    const before = this.remark(lanes) + this.takeLocks(lanes);
    if (hooks === '' && before === '' && now === 'value') return `${cell} = value;`;
    return `const previous = ${this.normal(cell)};${before}const now = ${now};${cell} = now;${hooks}`;
  }

  private writtenValue(lanes: string): string {
    const { taken, oneToClear, once, all } = this.masks;
    if (taken === all && lanes === '') return 'value';
    const terms: string[] = [];
    let kept = 'previous';
    if (taken !== 0n) kept += ` & ${this.outside(taken, lanes)}`;
    if (oneToClear !== 0n) kept += ` & ~(value & ${this.within(oneToClear, lanes)})`;
    if (once !== 0n) kept += ' & ~free';
    terms.push(kept);
    if (taken !== 0n) terms.push(`value & ${this.within(taken, lanes)}`);
    if (once !== 0n) terms.push('value & free');
    return this.normal(terms.length === 1 ? kept : terms.map((term) => `(${term})`).join(' | '));
  }

  /** Write-once bits that were still free become locked by this write. */
  private takeLocks(lanes: string): string {
    const { once } = this.masks;
    if (once === 0n) return '';
    const { member, count } = this.register;
    const place = `locks[${JSON.stringify(member)}]${count === undefined ? '' : '[index]'}`;
    const reached = this.within(once, lanes);
    return `const locks = locksOf(this); const free = ${reached} & ~${place}; ${place} = ${this.normal(`${place} | free`)};`;
  }

  private remark(lanes: string): string {
    const { reserved, remarkable } = this.masks;
    const changed = [
      ...(reserved === 0n
        ? []
        : [`(value ^ ${this.literal(BigInt(this.register.reset))}) & ${this.within(reserved, lanes)}`]),
      ...(remarkable === 0n ? [] : [`(value ^ previous) & ${this.within(remarkable, lanes)}`]),
    ];
    if (changed.length === 0) return '';
    const seen = lanes === '' ? 'value' : this.normal('value & lanes | previous & ~lanes');
    const condition = changed.map((one) => `(${one}) !== ${this.literal(0n)}`).join(' || ');
    return `if (${condition}) r${this.number}.written(this, index, ${seen}, previous);`;
  }

  private writeHooks(lanes: string): string {
    const { fields, writeHook } = this.register;
    const ofFields = fields
      .filter((field) => field.writeHook !== undefined)
      .map((field) => {
        const call = this.call(field.writeHook as string, this.extract('now', field), this.extract('previous', field));
        return `${this.touched(field, lanes)}${call};`;
      });
    return ofFields.join('') + (writeHook === undefined ? '' : `${this.call(writeHook, 'now', 'previous')};`);
  }

  private call(method: string, ...values: readonly string[]): string {
    return `this[${JSON.stringify(method)}](${[...values, 'index'].join(', ')})`;
  }

  private touched(field: FieldDeclaration, lanes: string): string {
    return lanes === '' ? '' : `if ((${this.literal(maskOf(field))} & lanes) !== ${this.literal(0n)}) `;
  }

  private extract(value: string, field: FieldDeclaration): string {
    const shift = this.isBig ? '>>' : '>>>';
    return `(${value} & ${this.literal(maskOf(field))}) ${shift} ${this.count(field.low)}`;
  }

  /** The bits of the mask that the access touches, and all that are not among those. */
  private within(mask: bigint, lanes: string): string {
    return lanes === '' ? this.literal(mask) : `(${this.literal(mask)} & lanes)`;
  }

  private outside(mask: bigint, lanes: string): string {
    return lanes === '' ? this.literal(this.masks.all & ~mask) : `~(${this.literal(mask)} & lanes)`;
  }

  /** Bitwise operators leave signed 32 bits; registers are never negative. */
  private normal(expression: string): string {
    return this.register.width === 32 ? `(${expression}) >>> 0` : expression;
  }

  protected literal(value: bigint): string {
    return `0x${value.toString(16)}${this.isBig ? 'n' : ''}`;
  }

  private count(shift: number): string {
    return `${shift}${this.isBig ? 'n' : ''}`;
  }
}
