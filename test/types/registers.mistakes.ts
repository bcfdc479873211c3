/**
 * Mistakes with registers that the compiler refuses. Each directive is removed in turn by mistakes.test.ts, which then wants
 * an error.
 */
import { bit, bits, device, IsaDevice, indexedRegisters, mmioRegion, portRegion, reserved } from 'backplane';

const registers = mmioRegion({ name: 'registers', size: 0x100, accessSizes: [4, 8] });
const ports = portRegion({ name: 'ports', size: 2, accessSizes: [1] });

const status = registers.register(0x20, {
  width: 32,
  reset: 0x80,
  fields: {
    computing: bit(0, 'read-only'),
    rate: bits(1, 2, 'read-write', { values: { Slow: 0, Fast: 3 }, description: 'how fast' }),
    rest: reserved([3, 31]),
  },
});
const source = registers.register(0x80, { width: 64, reset: 1n });
const command = registers.register(0x30, {
  width: 32,
  access: 'trigger',
  fields: { start: bit(0), rest: reserved([1, 31]) },
});
const level = registers.register(0x34, { width: 32, access: 'read-only' });
const slots = registers.register(0x40, { width: 16, count: 4, stride: 4 });
const index = ports.register(0, { width: 8, fields: { number: bits(0, 6), spare: reserved(7) } });
const cmos = indexedRegisters({ index, field: 'number', data: 1 });

// What is right compiles, or the mistakes below would prove nothing.
@device({ type: 'right', description: 'Every kind of register' })
export class Right extends IsaDevice {
  @registers.register(0, { width: 32, access: 'constant', reset: 5 }) readonly identification = 5;
  @status status: number = 0x80;
  @source source = 1n;
  @slots readonly slots = new Uint16Array(4);
  @index index = 0;
  @cmos.register(3, { width: 8, atReset: 'kept' }) third = 0;

  @level get level(): number {
    return this.status & status.fields.computing.mask;
  }

  @command start(value: number, index: number): void {
    this.status = value + index + command.fields.start.low;
  }

  @source.onWrite()
  keepSource(value: bigint, previous: bigint): bigint | undefined {
    return value === 0n ? previous : undefined;
  }

  @status.onWrite('rate')
  private changeRate(value: number, previous: number): void {
    const { Fast } = status.fields.rate.values;
    this.status = status.fields.rate.with(value, Fast) + previous;
  }

  @status.onRead()
  look(value: number): number {
    return value & status.fields.computing.mask;
  }

  @status.onRead('computing')
  lookOnly(): void {
    this.changeRate(0, 0);
  }

  @slots.onWrite()
  fillSlot(value: number, previous: number, slot: number): void {
    this.slots[slot] = value + previous;
  }
}

export class Wrong extends IsaDevice {
  // @ts-expect-error a register is a number
  @status asText = '';

  // @ts-expect-error up to 32 bits a register is a number
  @status asBigint = 0n;

  // @ts-expect-error 64 bits are a bigint
  @source asNumber = 0;

  // @ts-expect-error the register of the device is public: snapshots and tests look at it
  @status protected hidden = 0;

  // @ts-expect-error an array of registers is a typed array
  @slots single = 0;

  // @ts-expect-error an array of 16-bit registers is a Uint16Array
  @slots readonly bytes = new Uint8Array(4);

  // @ts-expect-error a register stands on a field, not on a method
  @status method(): void {}

  // @ts-expect-error the register has no such field
  @status.onWrite('rat') writeRat(): void {}

  // @ts-expect-error reserved bits mean nothing
  @status.onWrite('rest') writeRest(): void {}

  // @ts-expect-error a register without fields has none
  @source.onWrite('high') writeHigh(): void {}

  // @ts-expect-error a hook is called and done: nothing async
  @status.onWrite() async writeLater(): Promise<void> {}

  // @ts-expect-error a hook is called and done: nothing async
  @status.onRead() async readLater(): Promise<number> {
    return 1;
  }

  // @ts-expect-error a register of 32 bits is read as a number
  @status.onRead() readWide(): bigint {
    return 1n;
  }

  // @ts-expect-error a register of 64 bits is written as a bigint
  @source.onWrite() writeNarrow(value: number): void {
    this.asNumber = value;
  }

  // @ts-expect-error a write hook answers the value to keep, or nothing
  @status.onWrite() writeAndAnswer(): string {
    return '1';
  }

  // @ts-expect-error what a register of 64 bits keeps is a bigint
  @source.onWrite() keepNarrow(): number {
    return 1;
  }

  // @ts-expect-error a trigger holds nothing: it stands on the method that takes what is written
  @command commandField = 0;

  // @ts-expect-error a trigger of 32 bits takes a number
  @command takeWide(value: bigint): void {
    this.asBigint = value;
  }

  // @ts-expect-error a trigger has nothing to answer
  @command answer(): number {
    return 1;
  }

  // @ts-expect-error a derived register of 32 bits is a number
  @level get wideLevel(): bigint {
    return 1n;
  }

  // @ts-expect-error a hook stands on a method
  @status.onRead() field = 0;
}

// @ts-expect-error a register of 32 bits resets to a number
registers.register(4, { width: 32, reset: 5n });

// @ts-expect-error a register of 64 bits resets to a bigint
registers.register(4, { width: 64, reset: 5 });

// @ts-expect-error no hardware has registers of 24 bits
registers.register(4, { width: 24 });

// @ts-expect-error a register has a width
registers.register(4, { reset: 1 });

// @ts-expect-error the modes are spelt out
registers.register(4, { width: 32, access: 'ro' });

// @ts-expect-error a misspelt word would be ignored
registers.register(4, { width: 32, descripton: 'what it is' });

// @ts-expect-error what a trigger of 32 bits reads as is a number
registers.register(4, { width: 32, access: 'trigger', reads: 5n });

// @ts-expect-error the modes of fields are spelt out
registers.register(4, { width: 32, fields: { done: bit(0, 'w1c'), rest: reserved([1, 31]) } });

// @ts-expect-error a field is made by bit, bits, reserved or undocumented
registers.register(4, { width: 32, fields: { done: 0 } });

// @ts-expect-error the index register has no such field
indexedRegisters({ index, field: 'spare', data: 1 });

// @ts-expect-error an offset does not choose: a register does
indexedRegisters({ index: 0, data: 1 });

// @ts-expect-error the value has no such name
status.fields.rate.values.Medium;

// @ts-expect-error reserved bits are no field of the device's code
status.fields.rest;
