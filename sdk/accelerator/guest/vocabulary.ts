import { BackplaneError } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import { AccessStep, type GuestStep } from './access-step.ts';
import { GuestOperation, LargestString, OperationKind } from './operation.ts';

export type { GuestStep } from './access-step.ts';

/** What a guest program or an interrupt handler is written as. */
export type GuestBody = (guest: Guest) => GuestStep<void>;

/** Where a string that reads goes. */
export interface StringDestination {
  /** Guest physical address. The bytes are stored there as well as returned: what is no RAM is written as MMIO. */
  readonly destination: number;
  /** With the direction flag set: the first element goes to `destination`, each further one below the last. */
  readonly descending?: boolean;
}

/** More steps than this that have not run come from a loop without `yield*`, and not from a list that is run later. */
const MostUnrun = 100_000;

/**
 * The instructions of a guest program. Each fills in the operation that the processor handed over, and yields. The
 * processor executes it. When the step goes on, the same object holds what was read.
 */
export class Guest {
  /** The processor's own operation object. */
  operation: GuestOperation = new GuestOperation();
  readonly handlers = new Map<number, GuestBody>();
  /** Steps that were called and have not run yet; of the first of them, its name and its port or address. */
  #unrun = 0;
  #firstName = '';
  #firstAddress: number | undefined;

  /** Runs this handler whenever the processor takes that vector. A handler may be replaced at any time. */
  onInterrupt(vector: number, handler: GuestBody): void {
    if (!Number.isInteger(vector) || vector < 0 || vector > 255) {
      throw new BackplaneError(
        'invalid-vector',
        `Guest program: a vector is 0 to 255, not ${vector}. Give the vector that the PIC delivers.`,
      );
    }
    this.handlers.set(vector, handler);
  }

  out8(port: number, value: number): GuestStep<void> {
    return this.#called('out8', port, new AccessStep(this, OperationKind.Out, port, 1, value));
  }

  out16(port: number, value: number): GuestStep<void> {
    return this.#called('out16', port, new AccessStep(this, OperationKind.Out, port, 2, value));
  }

  out32(port: number, value: number): GuestStep<void> {
    return this.#called('out32', port, new AccessStep(this, OperationKind.Out, port, 4, value));
  }

  in8(port: number): GuestStep<number> {
    return this.#called('in8', port, new AccessStep(this, OperationKind.In, port, 1, 0));
  }

  in16(port: number): GuestStep<number> {
    return this.#called('in16', port, new AccessStep(this, OperationKind.In, port, 2, 0));
  }

  in32(port: number): GuestStep<number> {
    return this.#called('in32', port, new AccessStep(this, OperationKind.In, port, 4, 0));
  }

  store8(address: number, value: number): GuestStep<void> {
    return this.#called('store8', address, new AccessStep(this, OperationKind.Store, address, 1, value));
  }

  store16(address: number, value: number): GuestStep<void> {
    return this.#called('store16', address, new AccessStep(this, OperationKind.Store, address, 2, value));
  }

  store32(address: number, value: number): GuestStep<void> {
    return this.#called('store32', address, new AccessStep(this, OperationKind.Store, address, 4, value));
  }

  store64(address: number, value: bigint): GuestStep<void> {
    return this.#called('store64', address, this.#write64(address, value));
  }

  load8(address: number): GuestStep<number> {
    return this.#called('load8', address, new AccessStep(this, OperationKind.Load, address, 1, 0));
  }

  load16(address: number): GuestStep<number> {
    return this.#called('load16', address, new AccessStep(this, OperationKind.Load, address, 2, 0));
  }

  load32(address: number): GuestStep<number> {
    return this.#called('load32', address, new AccessStep(this, OperationKind.Load, address, 4, 0));
  }

  load64(address: number): GuestStep<bigint> {
    return this.#called('load64', address, this.#read64(address));
  }

  /** `rep outsb`: one port write per byte. */
  repOuts8(port: number, bytes: ArrayLike<number>): GuestStep<void> {
    return this.#called('repOuts8', port, this.#writeString(port, 1, bytes));
  }

  /** `rep outsw`: one port write per 16-bit element. */
  repOuts16(port: number, words: ArrayLike<number>): GuestStep<void> {
    return this.#called('repOuts16', port, this.#writeString(port, 2, words));
  }

  /** `rep outsd`: one port write per 32-bit element. */
  repOuts32(port: number, words: ArrayLike<number>): GuestStep<void> {
    return this.#called('repOuts32', port, this.#writeString(port, 4, words));
  }

  /** `rep insb`: the bytes, little endian whatever the width of the elements. */
  repIns8(port: number, count: number, where?: StringDestination): GuestStep<Uint8Array> {
    return this.#called('repIns8', port, this.#readString(port, 1, count, where));
  }

  /** `rep insw`: two bytes per element, little endian. */
  repIns16(port: number, count: number, where?: StringDestination): GuestStep<Uint8Array> {
    return this.#called('repIns16', port, this.#readString(port, 2, count, where));
  }

  /** `rep insd`: four bytes per element, little endian. */
  repIns32(port: number, count: number, where?: StringDestination): GuestStep<Uint8Array> {
    return this.#called('repIns32', port, this.#readString(port, 4, count, where));
  }

  /** Lets interrupts in, one instruction later: `sti` followed by `hlt` cannot miss a wake-up. */
  sti(): GuestStep<void> {
    return this.#called('sti', undefined, this.#word(OperationKind.Sti, 0));
  }

  cli(): GuestStep<void> {
    return this.#called('cli', undefined, this.#word(OperationKind.Cli, 0));
  }

  /** Stops until an interrupt comes. */
  hlt(): GuestStep<void> {
    return this.#called('hlt', undefined, this.#word(OperationKind.Hlt, 0));
  }

  /** Spends guest time, at most 2 ** 52 nanoseconds, as a loop of plain instructions does. Interrupts are taken meanwhile. */
  pause(nanoseconds: number): GuestStep<void> {
    return this.#called('pause', undefined, this.#word(OperationKind.Pause, nanoseconds));
  }

  /** The message about steps that were called without `yield*` and never ran. */
  get forgotten(): string | undefined {
    if (this.#unrun === 0) return undefined;
    const where = this.#firstAddress === undefined ? '' : ` at ${hex(this.#firstAddress)}`;
    return (
      `${this.#unrun === 1 ? '1 step was' : `${this.#unrun} steps were`} called without yield* and never ran; the first is ` +
      `${this.#firstName}${where}. Write 'yield* guest.${this.#firstName}(...)'.`
    );
  }

  /** A step that was called begins. */
  begin(): void {
    this.#unrun--;
  }

  /** A step was called. It has no effect until it runs: a generator does nothing by itself. */
  #called<Step>(name: string, address: number | undefined, step: Step): Step {
    if (this.#unrun++ === 0) {
      this.#firstName = name;
      this.#firstAddress = address;
    } else if (this.#unrun >= MostUnrun) throw new BackplaneError('step-not-run', `Guest program: ${this.forgotten}`);
    return step;
  }

  *#write64(address: number, value: bigint): GuestStep<void> {
    this.begin();
    if (typeof value !== 'bigint' || value < 0n || value >= 1n << 64n) {
      throw new BackplaneError(
        'invalid-operation',
        `store64: the value is a bigint of 64 bits, 0n to 2n ** 64n - 1n, not ${String(value)}.`,
      );
    }
    yield this.#access(OperationKind.Store, address, 8, Number(value & 0xffff_ffffn), Number(value >> 32n));
  }

  *#read64(address: number): GuestStep<bigint> {
    this.begin();
    yield this.#access(OperationKind.Load, address, 8, 0);
    return (BigInt(this.operation.valueHigh) << 32n) | BigInt(this.operation.value);
  }

  *#writeString(port: number, size: 1 | 2 | 4, elements: ArrayLike<number>): GuestStep<void> {
    this.begin();
    const bytes = bytesOf(elements, size);
    yield this.#string(OperationKind.RepOuts, port, size, elements.length, bytes);
  }

  *#readString(port: number, size: 1 | 2 | 4, count: number, where?: StringDestination): GuestStep<Uint8Array> {
    this.begin();
    this.operation.destination = where?.destination ?? 0;
    this.operation.descending = where?.descending ?? false;
    this.operation.stored = where !== undefined;
    yield this.#string(OperationKind.RepIns, port, size, count);
    return this.operation.bytes ?? new Uint8Array(0);
  }

  *#word(kind: OperationKind, duration: number): GuestStep<void> {
    this.begin();
    this.operation.kind = kind;
    if (kind === OperationKind.Pause) this.operation.duration = duration;
    yield;
  }

  #access(kind: OperationKind, address: number, size: number, value: number, valueHigh = 0): undefined {
    const operation = this.operation;
    operation.kind = kind;
    operation.address = address;
    operation.size = size;
    operation.value = value;
    operation.valueHigh = valueHigh;
  }

  #string(kind: OperationKind, port: number, size: number, count: number, bytes?: Uint8Array): undefined {
    this.#access(kind, port, size, 0);
    this.operation.count = count;
    this.operation.position = 0;
    this.operation.bytes = bytes;
  }
}

/** The elements of an author's array, little endian: a value that does not fit would otherwise be cut in silence. */
function bytesOf(elements: ArrayLike<number>, size: 1 | 2 | 4): Uint8Array {
  const name = `repOuts${size * 8}`;
  const length: unknown = elements?.length;
  if (typeof elements !== 'object' || !Number.isInteger(length) || (length as number) < 0) {
    const found =
      elements === null || typeof elements !== 'object' ? String(elements) : `a length of ${String(length)}`;
    throw new BackplaneError(
      'invalid-operation',
      `${name}: the string is an array of numbers, or a typed array, not ${found}.`,
    );
  }
  if (elements.length * size > LargestString) return new Uint8Array(0); // the processor refuses the string
  const bytes = new Uint8Array(elements.length * size);
  const largest = 2 ** (8 * size) - 1;
  for (let index = 0; index < elements.length; index++) {
    const value = elements[index] as number;
    if (!Number.isInteger(value) || value < 0 || value > largest) {
      throw new BackplaneError(
        'invalid-operation',
        `${name}: element ${index} is ${String(value)}, and an element is a whole number from 0 to ${hex(largest)}.`,
      );
    }
    for (let byte = 0; byte < size; byte++) bytes[index * size + byte] = value >>> (8 * byte);
  }
  return bytes;
}
