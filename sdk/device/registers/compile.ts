import { maskOf } from '../../base/bits.ts';
import type { AccessModel, DataPort, RegistersCode } from './access-model.ts';
import type { RegisterHelpers } from './byte-enables.ts';
import type { FieldDeclaration, IndexedPlace } from './model.ts';

// Each register gets code of its own, with its masks as constants: functions that share code share what the engine learns about it
// (decision 0012). In scope are the functions of `helpers`. Register n has its code `c<n>`, and its log of unimplemented and reserved
// bits `r<n>`.

/** Compiles checked declarations, whose names are quoted, into functions. */
export function compileRegisters(
  models: readonly AccessModel[],
  ports: readonly DataPort[],
  helpers: RegisterHelpers,
  className: string,
): RegistersCode {
  const writers = models.map((model, number) => new RegisterWriter(model, number));
  const names = (prefix: string) => models.map((_, number) => `${prefix}${number}`).join(', ');
  const text = [
    "'use strict';",
    'const { locksOf, absentRead, absentWrite, cutRead, cutWrite, cutReadWide, cutWriteWide } = helpers;',
    `const [${names('r')}] = helpers.logs;`,
    ...writers.map((writer, number) => `const c${number} = ${writer.functions()};`),
    `return { registers: [${names('c')}],`,
    `ports: [${ports.map((port) => portFunctions(port, models)).join(',\n')}] };`,
    `//# sourceURL=backplane-registers/${className.replace(/\W/g, '_')}.js`,
  ].join('\n');
  return new Function('helpers', text)(helpers) as RegistersCode;
}

/** Prints what happens to a register's bits. `lanes` names the bits that an access touches; empty, it touches all. */
class RegisterWriter {
  private readonly cell: string;
  private readonly all: string;

  constructor(
    private readonly model: AccessModel,
    private readonly number: number,
  ) {
    const { member, count } = model.register;
    this.cell = `this[${JSON.stringify(member)}]${count === undefined ? '' : '[index]'}`;
    this.all = this.literal(model.masks.all);
  }

  functions(): string {
    const { reads, writes } = this.model;
    return `{ ${[...(reads ? this.readers() : []), ...(writes ? this.writers() : [])].join(',\n')} }`;
  }

  private readers(): string[] {
    const { number, all, model } = this;
    const { isBig, isExtended, isWide, takesParts } = model;
    const inside = this.ofOneRegister((lanes) => `return c${number}.readLanes.call(this, index, ${lanes}) >>> shift;`);
    const part = `${inside}return cutRead(this, ${number}, offset, size);`;
    const extended = `return Number(BigInt.asUintN(8 * size, c${number}.readLanes.call(this, index, ${all})));`;
    const body = isBig ? (isExtended ? extended : part) : this.ifPart(part) + this.readBody('');
    const readers = [`read(offset, size${this.indexParameter}) { ${this.place()}${body} }`];
    if (takesParts || isBig) readers.push(`readLanes(index, lanes) { ${this.readBody('lanes')} }`);
    const parts = this.ifInside(`return cutReadWide(this, ${number}, offset);`);
    if (isWide) readers.push(`readWide(offset) { ${this.place()}${parts}${this.readBody('')} }`);
    return readers;
  }

  private writers(): string[] {
    const { number, all, model } = this;
    const { bytes, isBig, isExtended, isWide, takesParts } = model;
    const inside = this.ofOneRegister(
      (lanes) => `c${number}.writeLanes.call(this, value << shift, index, ${lanes}); return;`,
    );
    const part = `${inside}cutWrite(this, ${number}, value, offset, size); return;`;
    const extended = `c${number}.writeLanes.call(this, BigInt(value), index, ${all});`;
    const cut = isExtended && bytes < 4 ? `value &= ${all};` : '';
    const body = isBig ? (isExtended ? extended : part) : this.ifPart(part) + cut + this.writeBody('');
    const writers = [`write(value, offset, size${this.indexParameter}) { ${this.place()}${body} }`];
    if (takesParts || isBig) writers.push(`writeLanes(value, index, lanes) { ${this.writeBody('lanes')} }`);
    const parts = this.ifInside(`cutWriteWide(this, ${number}, value, offset); return;`);
    if (isWide) writers.push(`writeWide(value, offset) { ${this.place()}${parts}${this.writeBody('')} }`);
    return writers;
  }

  /** The index of an indexed array is found by its data port; others work it out from the offset. */
  private get indexParameter(): string {
    return this.model.register.indexedBy === undefined ? '' : ', index';
  }

  private place(): string {
    const { bank, offset, count, stride, indexedBy } = this.model.register;
    const mirror = bank.mirrored ? `offset %= ${bank.size};` : '';
    if (indexedBy !== undefined) return `${mirror}const at = offset - ${offset};`;
    if (count === undefined) return `${mirror}const index = 0, at = offset - ${offset};`;
    return `${mirror}const index = (offset - ${offset}) / ${stride} | 0, at = offset - ${offset} - index * ${stride};`;
  }

  /** Lets only accesses of the whole register pass. Empty where no others come. */
  private ifPart(otherwise: string): string {
    const { takesParts, hasOneWidth, isAligned, bytes } = this.model;
    if (!takesParts) return '';
    const conditions = [...(hasOneWidth ? [] : [`size !== ${bytes}`]), ...(isAligned ? [] : ['at !== 0'])];
    return `if (${conditions.join(' || ')}) { ${otherwise} }`;
  }

  /** What an access inside a register of up to 32 bits does. */
  private ofOneRegister(access: (lanes: string) => string): string {
    const { bytes, isBig, register } = this.model;
    if (isBig || bytes === 1) return '';
    const distance = register.bank.endianness === 'big' ? `${bytes} - at - size` : 'at';
    const lanes = '((size > 3 ? -1 : (1 << 8 * size) - 1) << shift) >>> 0';
    return `if (at + size <= ${bytes}) { const shift = 8 * (${distance}); ${access(lanes)} } `;
  }

  private ifInside(otherwise: string): string {
    return this.model.isAligned ? '' : `if (at !== 0) { ${otherwise} }`;
  }

  private readBody(lanes: string): string {
    const { cell, number, model } = this;
    const { register, masks } = model;
    const terms =
      masks.shown === masks.all ? [cell] : masks.shown === 0n ? [] : [`${cell} & ${this.literal(masks.shown)}`];
    if (masks.fixed !== 0n || terms.length === 0) terms.push(this.literal(masks.fixed));
    const value = terms.length === 1 ? terms[0] : `(${terms[0]}) | ${terms[1]}`;
    const report = register.access === 'unimplemented' ? `r${number}.read(this, index);` : '';
    const kept = this.normal(`${cell} & ~${this.within(masks.readToClear, lanes)}`);
    const clear = masks.readToClear === 0n ? '' : `${cell} = ${kept};`;
    const hooks = this.readHooks(lanes);
    if (clear === '' && hooks === '') return `${report}return ${value};`;
    return `${report}let value = ${this.normal(value as string)}; ${clear}${hooks}return value;`;
  }

  private readHooks(lanes: string): string {
    const { fields, readHook } = this.model.register;
    const answering = (answer: string, value: string) =>
      `{ const answer = ${answer}; if (answer !== undefined) value = ${value}; }`;
    const ofFields = fields.map((field) => {
      if (field.readHook === undefined) return '';
      const merged = this.merged('value', 'answer', field);
      return this.touched(field, lanes) + answering(this.call(field.readHook, this.extract('value', field)), merged);
    });
    return ofFields.join('') + (readHook === undefined ? '' : answering(this.call(readHook, 'value'), 'answer'));
  }

  private writeBody(lanes: string): string {
    const { cell, model } = this;
    const { register, masks, stores } = model;
    const hooks = this.writeHooks(lanes);
    const before = this.report(lanes) + this.takeLocks(lanes);
    if (register.kind === 'trigger') {
      const previous = this.literal(0n);
      const isAll = lanes === '' && masks.trigger === masks.all;
      const now = isAll ? 'value' : this.normal(`value & ${this.within(masks.trigger, lanes)}`);
      return `const previous = ${previous};${before}const now = ${now};${hooks}`;
    }
    const now = this.writtenValue(lanes);
    if (hooks === '' && before === '' && now === 'value' && stores) return `${cell} = value;`;
    const triggered =
      masks.trigger === 0n ? '' : `now = ${this.normal(`now | (value & ${this.within(masks.trigger, lanes)})`)};`;
    return `const previous = ${this.normal(cell)};${before}let now = ${now};${stores ? `${cell} = now;` : ''}${triggered}${hooks}`;
  }

  private writtenValue(lanes: string): string {
    const { taken, brought, oneToClear, once, all } = this.model.masks;
    if (taken === all && lanes === '') return 'value';
    const outside = lanes === '' ? this.literal(all & ~taken) : `~${this.within(taken, lanes)}`;
    let kept = taken === 0n ? 'previous' : `previous & ${outside}`;
    if (oneToClear !== 0n) kept += ` & ~(value & ${this.within(oneToClear, lanes)})`;
    if (once !== 0n) kept += ' & ~free';
    const terms = [
      kept,
      ...(brought === 0n ? [] : [`value & ${this.within(brought, lanes)}`]),
      ...(once === 0n ? [] : ['value & free']),
    ];
    return this.normal(terms.length === 1 ? kept : terms.map((term) => `(${term})`).join(' | '));
  }

  /** Write-once bits that were still free become locked by this write. */
  private takeLocks(lanes: string): string {
    const { masks, register } = this.model;
    if (masks.once === 0n) return '';
    const place = `locks[${JSON.stringify(register.member)}]${register.count === undefined ? '' : '[index]'}`;
    const reached = this.within(masks.once, lanes);
    return `const locks = locksOf(this); const free = ${reached} & ~${place}; ${place} = ${this.normal(`${place} | free`)};`;
  }

  private report(lanes: string): string {
    const { masks, register } = this.model;
    const { reserved, reported } = masks;
    const changed = (from: string, mask: bigint) =>
      mask === 0n ? [] : [`(value ^ ${from}) & ${this.within(mask, lanes)}`];
    const all = [...changed(this.literal(BigInt(register.reset)), reserved), ...changed('previous', reported)];
    if (all.length === 0) return '';
    const seen = lanes === '' ? 'value' : this.normal('value & lanes | previous & ~lanes');
    const condition = all.map((one) => `(${one}) !== ${this.literal(0n)}`).join(' || ');
    return `if (${condition}) r${this.number}.written(this, index, ${seen}, previous);`;
  }

  private writeHooks(lanes: string): string {
    const { fields, kind, member, writeHook } = this.model.register;
    const ofFields = fields.map((field) => {
      if (field.writeHook === undefined) return '';
      const call = this.call(field.writeHook, this.extract('now', field), this.extract('previous', field));
      const merged = (value: string) => this.merged(value, 'kept', field);
      return this.touched(field, lanes) + this.keeping(call, `now = ${merged('now')};`, merged(this.cell));
    });
    const all = this.literal(this.model.masks.all);
    if (kind === 'trigger') ofFields.push(`${this.call(member, 'now')};`);
    else if (writeHook !== undefined) {
      ofFields.push(this.keeping(this.call(writeHook, 'now', 'previous'), '', this.normal(`kept & ${all}`)));
    }
    return ofFields.join('');
  }

  /** A hook may answer the value to keep, where there is a place to keep it. */
  private keeping(call: string, also: string, kept: string): string {
    const { stores, masks } = this.model;
    if (!stores) return `${call};`;
    const storable = this.literal(masks.all & ~masks.trigger);
    const stored = masks.trigger === 0n ? kept : this.normal(`(${kept}) & ${storable}`);
    return `{ const kept = ${call}; if (kept !== undefined) { ${also}${this.cell} = ${stored}; } }`;
  }

  /** A value of the register with one field changed. */
  private merged(value: string, content: string, field: FieldDeclaration): string {
    const mask = this.literal(maskOf(field));
    return this.normal(`${value} & ~${mask} | (${content} << ${this.count(field.low)}) & ${mask}`);
  }

  private call(method: string, ...values: readonly string[]): string {
    return `this[${JSON.stringify(method)}](${[...values, 'index'].join(', ')})`;
  }

  private touched(field: FieldDeclaration, lanes: string): string {
    return lanes === '' ? '' : `if (${this.within(maskOf(field), lanes)} !== ${this.literal(0n)}) `;
  }

  private extract(value: string, field: FieldDeclaration): string {
    return `(${value} & ${this.literal(maskOf(field))}) ${this.model.isBig ? '>>' : '>>>'} ${this.count(field.low)}`;
  }

  /** The bits of the mask that the access touches. */
  private within(mask: bigint, lanes: string): string {
    return lanes === '' ? this.literal(mask) : `(${this.literal(mask)} & lanes)`;
  }

  /** Bitwise operators leave signed 32 bits; registers are never negative. */
  private normal(expression: string): string {
    return this.model.register.width === 32 ? `(${expression}) >>> 0` : expression;
  }

  private literal(value: bigint): string {
    return `0x${value.toString(16)}${this.model.isBig ? 'n' : ''}`;
  }

  private count(shift: number): string {
    return `${shift}${this.model.isBig ? 'n' : ''}`;
  }
}

/** What stands in the index register says whose code runs. */
function portFunctions({ first, numbers }: DataPort, models: readonly AccessModel[]): string {
  const { indexMember, low, high } = first.indexedBy as IndexedPlace;
  const held = `this[${JSON.stringify(indexMember)}]`;
  const chosen = high >= 31 && low === 0 ? `${held} >>> 0` : `${held} >>> ${low} & ${2 ** (high - low + 1) - 1}`;
  const choose = (verb: 'read' | 'write', values: string): string => {
    const cases: string[] = [];
    const ranges: string[] = [];
    for (const number of numbers) {
      const { register, reads, writes } = models[number] as AccessModel;
      if (!(verb === 'read' ? reads : writes)) continue;
      const { count, stride = 1, indexedBy } = register;
      const { index } = indexedBy as IndexedPlace;
      const call = (which: string) => `return c${number}.${verb}.call(this, ${values}, ${which});`;
      const steps = `(chosen - ${index})`;
      const inside = `chosen >= ${index} && chosen <= ${index + ((count ?? 1) - 1) * stride}`;
      if (count === undefined) cases.push(`case ${index}: ${call('0')}`);
      else if (stride === 1) ranges.push(`if (${inside}) { ${call(steps)} }`);
      else ranges.push(`if (${inside} && ${steps} % ${stride} === 0) { ${call(`${steps} / ${stride}`)} }`);
    }
    return `const chosen = ${chosen}; switch (chosen) { ${cases.join('\n')} } ${ranges.join('\n')}`;
  };
  return `{ read(offset, size) { ${choose('read', 'offset, size')} return absentRead(this, ${numbers[0]}, chosen); },
write(value, offset, size) { ${choose('write', 'value, offset, size')} absentWrite(this, ${numbers[0]}, chosen); } }`;
}
