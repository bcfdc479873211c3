import { BodyWriter } from './body-source.ts';
import { answersReads, hearsWrites, type RegisterDeclaration, type Side, stretchesOf } from './model.ts';

// The source of the functions that read and write one register. Each register gets code of its own, with its masks as
// constants, since functions that share code share what the engine learns about it (decision 0012). Names in scope:
// `locksOf`, `readSpan`, `writeSpan`, and of register n `d<n>`, its declaration, and `r<n>`, the remarks on it.

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
  /** Has partial forms: `readPart<n>`, `writePart<n>`. */
  readonly takesParts: boolean;
}

export function registerSource(register: RegisterDeclaration, number: number, side: Side): RegisterSource {
  const accesses = stretchesOf(register).map(({ access }) => access);
  const reads = side !== 'writes' && answersReads(accesses);
  const writes = side !== 'reads' && hearsWrites(accesses);
  const isWide = register.width === 64 && register.region.implements.max === 8;
  const writer = new SourceWriter(register, number);
  const functions = [...(reads ? writer.readFunctions(isWide) : []), ...(writes ? writer.writeFunctions(isWide) : [])];
  return {
    register,
    text: functions.join('\n'),
    reset: writer.resetText(),
    reads,
    writes,
    isWide,
    takesParts: writer.takesParts,
  };
}

/** Puts bodies into functions: of whole accesses, of partial ones, and of eight bytes where the region takes them. */
class SourceWriter extends BodyWriter {
  readFunctions(isWide: boolean): string[] {
    const { number, bytes } = this;
    const part = this.isExtended
      ? `return Number(BigInt.asUintN(8 * size, readLanes${number}.call(this, index, ${this.literal(this.masks.all)})));`
      : `return readPart${number}.call(this, offset, at, size, index);`;
    const answer = this.isBig ? 'Number(BigInt.asUintN(8 * size, whole >> BigInt(shift)))' : 'whole >>> shift';
    const half = (at: string) => `BigInt(readSpan(this, d${number}, offset${at}, 4))`;
    const halves = `return ${half(this.halves.low)} | ${half(this.halves.high)} << 32n;`;
    const functions = [
      `function read${number}(offset, size${this.indexParameter}) {
  ${this.prologue()}${this.isBig ? part : this.guard(part) + this.readBody('')}
}`,
      ...this.ifParts(`function readPart${number}(offset, at, size, index) {
  if (at + size > ${bytes}) return readSpan(this, d${number}, offset, size);
  const shift = 8 * (${this.distance}), lanes = ${this.lanes};
  const whole = readLanes${number}.call(this, index, lanes);
  return ${answer};
}`),
      ...this.ifLanes(`function readLanes${number}(index, lanes) { ${this.readBody('lanes')} }`),
    ];
    const wide = `function readWide${number}(offset) {
  ${this.prologue()}${this.wideGuard(halves)}${this.readBody('')}
}`;
    return isWide ? [...functions, wide] : functions;
  }

  writeFunctions(isWide: boolean): string[] {
    const { number, bytes } = this;
    const part = this.isExtended
      ? `writeLanes${number}.call(this, BigInt(value), index, ${this.literal(this.masks.all)});`
      : `{ writePart${number}.call(this, value, offset, at, size, index); return; }`;
    const shifted = this.isBig ? 'BigInt(value) << BigInt(shift)' : 'value << shift';
    const half = (shift: string, at: string) =>
      `writeSpan(this, d${number}, Number(BigInt.asUintN(32, value${shift})), offset${at}, 4);`;
    const halves = `{ ${half('', this.halves.low)} ${half(' >> 32n', this.halves.high)} return; }`;
    const functions = [
      `function write${number}(value, offset, size${this.indexParameter}) {
  ${this.prologue()}${this.cut}${this.isBig ? part : this.guard(part) + this.writeBody('')}
}`,
      ...this.ifParts(`function writePart${number}(value, offset, at, size, index) {
  if (at + size > ${bytes}) { writeSpan(this, d${number}, value, offset, size); return; }
  const shift = 8 * (${this.distance}), lanes = ${this.lanes};
  writeLanes${number}.call(this, ${shifted}, index, lanes);
}`),
      ...this.ifLanes(`function writeLanes${number}(value, index, lanes) { ${this.writeBody('lanes')} }`),
    ];
    const wide = `function writeWide${number}(value, offset) {
  ${this.prologue()}${this.wideGuard(halves)}${this.writeBody('')}
}`;
    return isWide ? [...functions, wide] : functions;
  }

  /** Whether an access may touch a part of the register, or run over into another. */
  get takesParts(): boolean {
    return !this.isExtended && (this.isBig || this.guard('return') !== '');
  }

  private ifParts(text: string): string[] {
    return this.takesParts ? [text] : [];
  }

  private ifLanes(text: string): string[] {
    return this.takesParts || (this.isExtended && this.isBig) ? [text] : [];
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

  /** A wide write brings a zero-extended register no more than it has. */
  private get cut(): string {
    return this.isExtended && this.bytes < 4 ? `value &= ${this.literal(this.masks.all)};` : '';
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

  /** Bytes between the access and the register's lowest bit. */
  private get distance(): string {
    return this.isBigEndian ? `${this.bytes} - at - size` : 'at';
  }

  /** Where the lower and the upper half of eight bytes begin. */
  private get halves(): { readonly low: string; readonly high: string } {
    return this.isBigEndian ? { low: ' + 4', high: '' } : { low: '', high: ' + 4' };
  }

  private get isBigEndian(): boolean {
    return this.register.region.endianness === 'big';
  }

  private get lanes(): string {
    if (this.isBig) return '((1n << BigInt(8 * size)) - 1n) << BigInt(shift)';
    return '((size > 3 ? -1 : (1 << 8 * size) - 1) << shift) >>> 0';
  }
}

/** The registers that one data port shows, one at a time. */
export interface DataPort {
  readonly registers: readonly [RegisterDeclaration, ...RegisterDeclaration[]];
}

export function dataPortsOf(registers: readonly RegisterDeclaration[]): DataPort[] {
  const ports: { registers: [RegisterDeclaration, ...RegisterDeclaration[]] }[] = [];
  for (const register of registers) {
    if (register.indexedBy === undefined) continue;
    const port = ports.find(
      ({ registers: [first] }) => first.region === register.region && first.offset === register.offset,
    );
    if (port === undefined) ports.push({ registers: [register] });
    else port.registers.push(register);
  }
  return ports;
}

/** `readPort<n>` and `writePort<n>`: what stands in the index register says whose code runs. */
export function portSource(
  { registers: [first, ...others] }: DataPort,
  sources: readonly RegisterSource[],
  number: number,
) {
  const all = [first, ...others].map((register) => sources.findIndex((source) => source.register === register));
  const { indexMember, low, high } = first.indexedBy as NonNullable<RegisterDeclaration['indexedBy']>;
  const held = `this[${JSON.stringify(indexMember)}]`;
  const chosen = high >= 31 && low === 0 ? `${held} >>> 0` : `${held} >>> ${low} & ${2 ** (high - low + 1) - 1}`;
  const choose = (verb: 'read' | 'write', values: string): string => {
    const has = all.filter((one) => (verb === 'read' ? sources[one]?.reads : sources[one]?.writes));
    const call = (one: number, index: string) => `return ${verb}${one}.call(this, ${values}, ${index});`;
    const cases = has.flatMap((one) => casesOf(sources[one] as RegisterSource, (index) => call(one, index)));
    const ranges = has.flatMap((one) => rangeOf(sources[one] as RegisterSource, (index) => call(one, index)));
    return `const chosen = ${chosen};
  switch (chosen) {
${cases.join('\n')}
  }
  ${ranges.join('\n  ')}`;
  };
  const d = `d${all[0]}`;
  return `function readPort${number}(offset, size) {
  ${choose('read', 'offset, size')}
  return absentRead(this, ${d}, chosen);
}
function writePort${number}(value, offset, size) {
  ${choose('write', 'value, offset, size')}
  absentWrite(this, ${d}, chosen);
}`;
}

function casesOf({ register }: RegisterSource, call: (index: string) => string): string[] {
  if (register.count !== undefined) return [];
  return [`    case ${register.indexedBy?.index}: ${call('0')}`];
}

function rangeOf({ register }: RegisterSource, call: (index: string) => string): string[] {
  const { count, stride = 1, indexedBy } = register;
  if (count === undefined || indexedBy === undefined) return [];
  const { index } = indexedBy;
  const inside = `chosen >= ${index} && chosen <= ${index + (count - 1) * stride}`;
  if (stride === 1) return [`if (${inside}) { ${call(`chosen - ${index}`)} }`];
  return [`if (${inside} && (chosen - ${index}) % ${stride} === 0) { ${call(`(chosen - ${index}) / ${stride}`)} }`];
}
