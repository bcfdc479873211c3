import { type AccessMasks, answersReads, hearsWrites, maskOf, masksOf, stretchesOf } from './access-masks.ts';
import type { FieldDeclaration, RegisterDeclaration } from './declaration.ts';

// The source of the functions that read and write one register. Each register gets code of its own, with its masks as
// constants, since functions that share code share what the engine learns about it (decision 0012). Names in scope:
// `locksOf`, `remark`, `remarkRead`, `readSpan`, `writeSpan`, and `d<n>`, the declaration of register n.

/** One register's code: declarations of `read<n>`, `write<n>` and the like, whichever it needs. */
export interface RegisterSource {
  readonly register: RegisterDeclaration;
  readonly text: string;
  /** Statements that put the register into its reset state. */
  readonly reset: string;
  readonly reads: boolean;
  readonly writes: boolean;
  /** Has eight-byte forms: `readWide<n>`, `writeWide<n>`. */
  readonly isWide: boolean;
}

export function registerSource(register: RegisterDeclaration, number: number): RegisterSource {
  const accesses = stretchesOf(register).map(({ access }) => access);
  const reads = answersReads(accesses);
  const writes = hearsWrites(accesses);
  const isWide = register.width === 64 && register.region.implements.max === 8;
  const writer = new SourceWriter(register, number);
  const functions = [...(reads ? writer.readFunctions(isWide) : []), ...(writes ? writer.writeFunctions(isWide) : [])];
  return { register, text: functions.join('\n'), reset: writer.resetText(), reads, writes, isWide };
}

/** Assembles the text. `lanes`, where it is a variable of the text, holds the bits that a narrow access touches. */
class SourceWriter {
  private readonly masks: AccessMasks;
  private readonly isBig: boolean;
  private readonly cell: string;
  private readonly bytes: number;

  constructor(
    private readonly register: RegisterDeclaration,
    private readonly number: number,
  ) {
    this.masks = masksOf(register);
    this.isBig = register.width === 64;
    this.bytes = register.width / 8;
    this.cell = `this[${JSON.stringify(register.member)}]${register.count === undefined ? '' : '[index]'}`;
  }

  readFunctions(isWide: boolean): string[] {
    const { number, bytes } = this;
    const part = this.isExtended
      ? `return Number(BigInt.asUintN(8 * size, readLanes${number}.call(this, index, ${this.literal(this.masks.all)})));`
      : `return readPart${number}.call(this, offset, at, size, index);`;
    const answer = this.isBig ? 'Number(BigInt.asUintN(8 * size, whole >> BigInt(shift)))' : 'whole >>> shift';
    const halves = `return BigInt(readSpan(this, d${number}, offset, 4)) | BigInt(readSpan(this, d${number}, offset + 4, 4)) << 32n;`;
    const functions = [
      `function read${number}(offset, size${this.indexParameter}) {
  ${this.prologue()}${this.isBig ? part : this.guard(part) + this.readBody('')}
}`,
      `function readPart${number}(offset, at, size, index) {
  if (at + size > ${bytes}) return readSpan(this, d${number}, offset, size);
  const shift = 8 * at, lanes = ${this.lanes};
  const whole = readLanes${number}.call(this, index, lanes);
  return ${answer};
}`,
      `function readLanes${number}(index, lanes) { ${this.readBody('lanes')} }`,
    ];
    if (!isWide) return functions;
    return [
      ...functions,
      `function readWide${number}(offset) {
  ${this.prologue()}${this.wideGuard(halves)}${this.readBody('')}
}`,
    ];
  }

  writeFunctions(isWide: boolean): string[] {
    const { number, bytes } = this;
    const part = this.isExtended
      ? `writeLanes${number}.call(this, BigInt(value), index, ${this.literal(this.masks.all)});`
      : `{ writePart${number}.call(this, value, offset, at, size, index); return; }`;
    const shifted = this.isBig ? 'BigInt(value) << BigInt(shift)' : 'value << shift';
    const halves = `{ writeSpan(this, d${number}, Number(value & 0xffffffffn), offset, 4);
    writeSpan(this, d${number}, Number(value >> 32n), offset + 4, 4); return; }`;
    const functions = [
      `function write${number}(value, offset, size${this.indexParameter}) {
  ${this.prologue()}${this.isBig ? part : this.guard(part) + this.writeBody('')}
}`,
      `function writePart${number}(value, offset, at, size, index) {
  if (at + size > ${bytes}) { writeSpan(this, d${number}, value, offset, size); return; }
  const shift = 8 * at, lanes = ${this.lanes};
  writeLanes${number}.call(this, ${shifted}, index, lanes);
}`,
      `function writeLanes${number}(value, index, lanes) { ${this.writeBody('lanes')} }`,
    ];
    if (!isWide) return functions;
    return [
      ...functions,
      `function writeWide${number}(value, offset) {
  ${this.prologue()}${this.wideGuard(halves)}${this.writeBody('')}
}`,
    ];
  }

  /** Statements that put the register into its reset state. */
  resetText(): string {
    const { register } = this;
    const member = `this[${JSON.stringify(register.member)}]`;
    const locks = register.hasLocks ? `locksOf(this)[${JSON.stringify(register.member)}] = ${this.freshLocks};` : '';
    if (register.atReset !== 'reset-value') return locks;
    const reset = this.literal(BigInt(register.reset));
    return register.count === undefined ? `${member} = ${reset};${locks}` : `${member}.fill(${reset});${locks}`;
  }

  private get isExtended(): boolean {
    return this.register.narrow === 'zero-extended';
  }

  private get freshLocks(): string {
    const zero = this.literal(0n);
    return this.register.count === undefined ? zero : `new Array(${this.register.count}).fill(${zero})`;
  }

  /** The index of an indexed array is found by its data port; others work it out from the offset. */
  private get indexParameter(): string {
    return this.register.indexedBy === undefined ? '' : ', index';
  }

  private prologue(): string {
    const { region, offset, count, stride, indexedBy } = this.register;
    const mirror = region.mirrored ? `offset %= ${region.size};` : '';
    if (indexedBy !== undefined) return `${mirror}const at = offset - ${offset};`;
    if (count === undefined) return `${mirror}const index = 0, at = offset - ${offset};`;
    return `${mirror}const index = (offset - ${offset}) / ${stride} | 0, at = offset - ${offset} - index * ${stride};`;
  }

  /** Lets only accesses of the whole register pass. Empty where the region has no others. */
  private guard(otherwise: string): string {
    if (this.isExtended) return '';
    const { region, indexedBy } = this.register;
    const { min, max } = region.implements;
    const onlyWhole = indexedBy === undefined && min === this.bytes && Math.min(max, 4) === this.bytes;
    const conditions = [...(onlyWhole ? [] : [`size !== ${this.bytes}`]), ...this.offPlace()];
    return conditions.length === 0 ? '' : `if (${conditions.join(' || ')}) ${otherwise}`;
  }

  private wideGuard(otherwise: string): string {
    const [condition] = this.offPlace();
    return condition === undefined ? '' : `if (${condition}) ${otherwise}`;
  }

  /** An access of the register's own width may begin inside it only where it is unaligned. */
  private offPlace(): string[] {
    const { region, offset, stride = 0 } = this.register;
    const aligned = !region.implements.unaligned && offset % this.bytes === 0 && stride % this.bytes === 0;
    return aligned ? [] : ['at !== 0'];
  }

  private get lanes(): string {
    if (this.isBig) return '((1n << BigInt(8 * size)) - 1n) << BigInt(shift)';
    return '((size > 3 ? -1 : (1 << 8 * size) - 1) << shift) >>> 0';
  }

  private readBody(lanes: string): string {
    const { register, masks, cell } = this;
    const reset = BigInt(register.reset);
    const held = masks.all & ~masks.fixed & ~masks.writeOnly;
    const fixed = reset & masks.fixed;
    const terms = held === masks.all ? [cell] : held === 0n ? [] : [`${cell} & ${this.literal(held)}`];
    if (fixed !== 0n || terms.length === 0) terms.push(this.literal(fixed));
    const value = terms.length === 1 ? terms[0] : `(${terms[0]}) | ${terms[1]}`;
    const remark = register.access === 'unimplemented' ? `remarkRead(this, d${this.number}, index);` : '';
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

  private writeBody(lanes: string): string {
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
    return `if (${condition}) remark(this, d${this.number}, index, ${seen}, previous);`;
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

  private literal(value: bigint): string {
    return `0x${value.toString(16)}${this.isBig ? 'n' : ''}`;
  }

  private count(shift: number): string {
    return `${shift}${this.isBig ? 'n' : ''}`;
  }
}
