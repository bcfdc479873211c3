import { maskOf, wideLowMask } from '../../base/bits.ts';
import { BackplaneError } from '../../base/errors.ts';
import { decimal, didYouMean, hex } from '../../base/text.ts';
import {
  type ClassMetadata,
  choosingValue,
  type Device,
  type Register,
  type RegisterDeclaration,
  type RegisterSpec,
  registerAtPlace,
  type Side,
  sideOf,
} from '../../device/index.ts';
import type { RegionWindow } from './guest.ts';

/** Powers of ten over a nanosecond. */
const Units = [
  [9, 's'],
  [6, 'ms'],
  [3, 'us'],
] as const;

/** Guest time as people read it: `1.5 ms`, exact to the nanosecond. */
function formatGuestTime(nanoseconds: bigint): string {
  const [digits, name] = Units.find(([power]) => nanoseconds >= 10 ** power) ?? [0, 'ns'];
  const text = decimal(nanoseconds, digits);
  return `${digits === 0 ? text : text.replace(/\.?0+$/, '')} ${name}`;
}

type Value = number | bigint;

/** What a probe needs of its bench. */
export interface ProbedBench {
  readonly device: Device;
  readonly clock: { absolute(): bigint };
  at(bank: RegisterDeclaration['bank']): RegionWindow;
}

/** Fields of a class that can be registers. */
export type RegisterMembers<D> = {
  [K in keyof D]: D[K] extends number | bigint | Uint8Array | Uint16Array | Uint32Array | BigUint64Array ? K : never;
}[keyof D] &
  string;
/** What the guest reads from such a field. */
export type ValueOfMember<M> = M extends bigint | BigUint64Array ? bigint : number;

/** The declaration of a register that a test names. */
export function declarationOf(
  { deviceClass, registers }: ClassMetadata,
  register: Register<RegisterSpec> | string,
): RegisterDeclaration {
  const byName = typeof register === 'string';
  const found = byName
    ? registers.find(({ member, name }) => member === register || name === register)
    : registerAtPlace(registers, register.definition);
  if (found !== undefined) return found;
  const names = registers.map(({ member }) => member);
  const asked = byName ? `'${register}'` : `at ${hex(register.definition.offset)}`;
  const known = names.length === 0 ? 'It declares none.' : `It has ${names.join(', ')}.`;
  throw new BackplaneError(
    'no-such-register',
    `Bench: ${deviceClass.name} has no register ${asked}. ${byName ? didYouMean(register, names, known) : known}`,
  );
}

/** What a test expected, and what the guest read: runners print both. */
export class RegisterMismatch extends Error {
  readonly code = 'register-mismatch';

  constructor(
    message: string,
    readonly expected: string,
    readonly actual: string,
  ) {
    super(message);
    this.name = 'RegisterMismatch';
  }
}

/** A register as the guest reaches it, by name: `bench.register('status').read()`. */
export class RegisterProbe<V extends number | bigint = number | bigint, F extends string = string> {
  /** @internal */
  constructor(
    private readonly bench: ProbedBench,
    private readonly declaration: RegisterDeclaration,
    private readonly element: number,
  ) {
    checkElement(declaration, element);
  }

  /** `'status[3]' at 0x2c of 'edu-mmio'`. */
  get description(): string {
    const { count, name, bank } = this.declaration;
    const which = count === undefined ? '' : `[${this.element}]`;
    return `register '${name}${which}' at ${hex(this.offset)} of '${bank.name}'`;
  }

  /** The guest reads the whole register, with all that follows from it. */
  read(): V {
    if (this.side === 'writes') {
      throw new BackplaneError(
        'write-only-register',
        `Bench: ${this.description} is only written: another register answers there.`,
      );
    }
    this.select();
    return this.narrow(this.bench.at(this.declaration.bank).read(this.offset, this.bytes));
  }

  /** The guest writes the whole register. */
  write(value: V): void {
    if (this.side === 'reads') {
      throw new BackplaneError(
        'read-only-register',
        `Bench: ${this.description} is only read: another register takes what is written there.`,
      );
    }
    checkFits(value, this.declaration.width, this.description);
    this.select();
    this.bench.at(this.declaration.bank).write(this.offset, value, this.bytes);
  }

  /** The guest reads it. Another value than this fails the test, with the fields that differ. */
  expect(expected: V): void {
    const got = this.read();
    if (BigInt(got) === BigInt(expected)) return;
    const { fields, width } = this.declaration;
    const differing = fields.filter(({ low, high }) => cut(got, low, high) !== cut(expected, low, high));
    const details = differing.map(
      ({ name, low, high }) => `'${name}' ${hex(cut(expected, low, high))}, got ${hex(cut(got, low, high))}`,
    );
    const inFields = details.length === 0 ? '' : ` (${details.join('; ')})`;
    throw this.mismatch('', padded(expected, width), padded(got, width), inFields);
  }

  /** One of its fields: `bench.register('status').field('computing')`. */
  field(name: F): FieldProbe {
    const { fields } = this.declaration;
    const found = fields.find((field) => field.name === name);
    if (found !== undefined) return new FieldProbe(this as unknown as RegisterProbe, found);
    const names = fields.map((field) => field.name);
    throw new BackplaneError(
      'no-such-field',
      `Bench: ${this.description} has no field '${name}'. ` +
        didYouMean(name, names, `It has ${names.join(', ') || 'none'}.`),
    );
  }

  mismatch(field: string, expected: string, actual: string, more = ''): RegisterMismatch {
    const at = formatGuestTime(this.bench.clock.absolute());
    return new RegisterMismatch(
      `${this.description}${field}: expected ${expected}, got ${actual}${more}, at guest time ${at}`,
      expected,
      actual,
    );
  }

  /** What the device holds in it, as a driver remembers a register that it cannot read back. */
  get held(): number | bigint {
    const held = (this.bench.device as unknown as Readonly<Record<string, Value | ArrayLike<Value>>>)[
      this.declaration.member
    ];
    return typeof held === 'object' ? (held[this.element] as Value) : (held as Value);
  }

  get isWriteOnly(): boolean {
    return this.side === 'writes' || this.declaration.access === 'write-only' || this.declaration.kind === 'trigger';
  }

  private get side(): Side {
    return sideOf(this.declaration, this.bench.device.metadata.registers);
  }

  private get bytes(): number {
    return this.declaration.width / 8;
  }

  private get step(): number {
    const { stride, indexedBy } = this.declaration;
    return this.element * (stride ?? (indexedBy === undefined ? this.bytes : 1));
  }

  private get offset(): number {
    return this.declaration.offset + (this.declaration.indexedBy === undefined ? this.step : 0);
  }

  /** The guest writes the index first, where there is one. */
  private select(): void {
    const { indexedBy } = this.declaration;
    if (indexedBy === undefined) return;
    const { device } = this.bench;
    const index = declarationOf(device.metadata, indexedBy.indexMember);
    const held = Number((device as unknown as Readonly<Record<string, Value>>)[indexedBy.indexMember]);
    new RegisterProbe(this.bench, index, 0).write(choosingValue(indexedBy, held, indexedBy.index + this.step));
  }

  private narrow(value: Value): V {
    return (this.declaration.width === 64 ? BigInt(value) : Number(value)) as V;
  }
}

/** A field of a register. The guest accesses the register, and the test sees the field's bits only. */
export class FieldProbe {
  /** @internal */
  constructor(
    private readonly register: RegisterProbe,
    private readonly declaration: RegisterDeclaration['fields'][number],
  ) {}

  read(): number {
    const { low, high } = this.declaration;
    return Number(cut(this.register.read(), low, high));
  }

  /** Reads the register, changes these bits and writes it back. Where it cannot be read, `held` is used. */
  write(value: number | string): void {
    const { name, low, high } = this.declaration;
    const number = this.numberOf(value);
    checkFits(number, high - low + 1, `field '${name}' of ${this.register.description}`);
    const old = this.register.isWriteOnly ? this.register.held : this.register.read();
    const mask = maskOf({ low, high });
    const changed = (BigInt(old) & ~mask) | (BigInt(number) << BigInt(low));
    this.register.write(typeof old === 'bigint' ? changed : Number(changed));
  }

  /** A number, or one of the field's named values. */
  expect(expected: number | string): void {
    const got = this.read();
    if (got === this.numberOf(expected)) return;
    const { name } = this.declaration;
    throw this.register.mismatch(`, field '${name}'`, this.named(this.numberOf(expected)), this.named(got));
  }

  private numberOf(value: number | string): number {
    if (typeof value === 'number') return value;
    const { name, values = {} } = this.declaration;
    const found = values[value];
    if (found !== undefined) return found;
    const known = Object.keys(values).join(', ') || 'none';
    throw new BackplaneError('no-such-field-value', `Bench: field '${name}' has no value '${value}'. It has ${known}.`);
  }

  private named(value: number): string {
    const name = Object.entries(this.declaration.values ?? {}).find(([, known]) => known === value)?.[0];
    return name === undefined ? hex(value) : `${hex(value)} (${name})`;
  }
}

function checkElement({ name, count }: RegisterDeclaration, element: number): void {
  if (Number.isInteger(element) && element >= 0 && element < (count ?? 1)) return;
  const there = count === undefined ? 'is a single one, and has' : `has the elements 0 to ${count - 1}, and`;
  throw new BackplaneError('no-such-element', `Bench: register '${name}' ${there} no [${element}].`);
}

/** Refuses a value that the register or field would cut. */
function checkFits(value: Value, bits: number, where: string): void {
  const isWhole = typeof value === 'bigint' || Number.isInteger(value);
  if (isWhole && value >= 0 && BigInt(value) < 1n << BigInt(bits)) return;
  const shown = isWhole && value >= 0 ? hex(value) : String(value);
  throw new BackplaneError(
    'value-too-wide',
    `Bench: ${shown} does not fit into ${where}, which has ${bits} ${bits === 1 ? 'bit' : 'bits'}.`,
  );
}

const cut = (value: Value, low: number, high: number): bigint =>
  (BigInt(value) >> BigInt(low)) & wideLowMask(high - low + 1);

const padded = (value: Value, width: number): string => hex(value, width / 4);
