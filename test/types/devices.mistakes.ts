/**
 * Mistakes of device authors that the compiler refuses. Each directive is removed in turn by mistakes.test.ts, which then
 * wants an error: a mistake that has begun to compile fails the test.
 */
import {
  addCoalescedIo,
  containerRegion,
  contains,
  defineOptions,
  device,
  flushCoalescedIo,
  InterruptPin,
  IsaDevice,
  inject,
  isaIrq,
  mmioRegion,
  type OptionsOf,
  option,
  options,
  portRegion,
  ramRegion,
  romRegion,
  subDevice,
  use,
  VirtualClock,
} from 'backplane';
import { PciDevice, pci } from 'backplane/pci';

const ports = portRegion({ name: 'ports', size: 2, accessSizes: [1] });
const registers = mmioRegion({ name: 'registers', size: 0x100, accessSizes: [4, 8] });
const box = containerRegion({ name: 'box', size: 0x100 });
const memory = ramRegion({ name: 'memory', size: 0x1000 });
const firmware = romRegion({ name: 'firmware', size: 0x1000, image: new Uint8Array([0x55, 0xaa]) });
const rtcOptions = defineOptions({
  baseYear: option.integer({ default: 1980, description: 'year that 00 stands for' }),
  lostTickPolicy: option.choice(['discard', 'slew'], { default: 'discard', description: 'what happens to lost ticks' }),
  date: option.date({ description: 'date at power-on' }),
});
type RtcOptions = OptionsOf<typeof rtcOptions>;

// What is right compiles, or the mistakes below would prove nothing.
@device({ type: 'right', description: 'Every declaration there is' })
@addCoalescedIo(ports, { offset: 0, size: 1, independent: [registers] })
@flushCoalescedIo(registers)
@contains(box)
@contains(memory)
@contains(firmware)
export class Right extends IsaDevice {
  readonly irq = new InterruptPin();

  constructor(
    @inject(VirtualClock) readonly clock: VirtualClock,
    @options(rtcOptions) readonly config: RtcOptions,
  ) {
    super();
    const date: Date | undefined = config.date;
    const policy: 'discard' | 'slew' = config.lostTickPolicy;
    this.guestError(`${config.baseYear + 1} ${policy} ${date}`);
  }

  @ports.read(0)
  readNothing(): number {
    return 0;
  }

  @ports.write(0)
  write(value: number, offset: number, size: number): void {
    if (value + offset + size > 3) return;
    this.guestError('too little');
  }

  @registers.write(8)
  complain(): undefined {
    return this.guestError('no');
  }

  @registers.read64(0)
  readWide(offset: number): bigint {
    return BigInt(offset);
  }

  @registers.write64(0, { size: [4, 8] })
  writeWide(value: bigint): void {
    this.guestError(`${value}`);
  }

  @registers.readWithAttributes(16)
  readSecret(offset: number, size: number, attributes: number): number {
    return offset + size + attributes;
  }

  @registers.writeWithAttributes(16)
  writeSecret(value: number, _offset: number, _size: number, attributes: number): number | undefined {
    return value > attributes ? 1 : undefined;
  }
}

export class HandlerMistakes extends IsaDevice {
  // @ts-expect-error a read answers a number
  @ports.read(0)
  readText(): string {
    return '0';
  }

  // @ts-expect-error a read answers something
  @ports.read(0)
  readNothing(): void {}

  // @ts-expect-error a read is not given a value
  @ports.read(0)
  readText2(value: string): number {
    return value.length;
  }

  // @ts-expect-error a handler is called and done: nothing async
  @ports.read(0)
  async readLater(): Promise<number> {
    return 0;
  }

  // @ts-expect-error a handler is called and done: nothing async
  @ports.write(0)
  async writeLater(_value: number): Promise<void> {}

  // @ts-expect-error a write answers nothing
  @ports.write(0)
  writeAndAnswer(value: number): number {
    return value;
  }

  // @ts-expect-error values are numbers, not objects
  @ports.write(0)
  writeObject(access: { value: number }): number {
    return access.value;
  }

  // @ts-expect-error attributes come with the second form only
  @ports.write(0)
  writeWithTooMuch(_value: number, _offset: number, _size: number, _lanes: number, _attributes: number): void {}

  // @ts-expect-error attributes come with the second form only
  @ports.read(0)
  readWithTooMuch(_offset: number, _size: number, _attributes: number): number {
    return 0;
  }

  // @ts-expect-error 64 bits do not fit into a number
  @registers.read64(0)
  readNarrow(): number {
    return 0;
  }

  // @ts-expect-error 64 bits do not fit into a number
  @registers.write64(0)
  writeNarrow(_value: number): void {}

  // @ts-expect-error bigint comes with 64-bit handlers only
  @registers.read(0)
  readWide(): bigint {
    return 0n;
  }

  // @ts-expect-error bigint comes with 64-bit handlers only
  @registers.write(0)
  writeWide(_value: bigint): void {}

  // @ts-expect-error the second form is not async either
  @registers.writeWithAttributes(0)
  async writeSecretLater(): Promise<void> {}

  // @ts-expect-error a MemTxResult is a number
  @registers.readWithAttributes(0)
  readSecretBoolean(): boolean {
    return true;
  }

  // @ts-expect-error a handler is a method
  @ports.read(0)
  value = 3;

  // @ts-expect-error a handler has an instance
  @ports.read(0)
  static readStatic(): number {
    return 0;
  }

  // @ts-expect-error there is no such option of a handler
  @ports.read(0, { width: 1 })
  readWidth(): number {
    return 0;
  }

  // @ts-expect-error a container has no registers
  @box.read(0)
  readBox(): number {
    return 0;
  }
}

// @ts-expect-error memory has no handlers
export const handlerOfMemory = memory.read;

// @ts-expect-error RAM is zeros at power-on; a ROM has an image
ramRegion({ name: 'memory', size: 0x1000, image: new Uint8Array(1) });

// @ts-expect-error an image is bytes
romRegion({ name: 'firmware', size: 0x1000, image: [0x55, 0xaa] });

// @ts-expect-error writes to memory reach no handler
@addCoalescedIo(memory, { offset: 0, size: 1 })
export class CoalescedMemory extends IsaDevice {}

// @ts-expect-error registers are no memory
@contains(registers)
export class ContainsRegisters extends IsaDevice {}

export class Inner extends IsaDevice {
  readonly irq = new InterruptPin();
}

export class Outer extends IsaDevice {
  readonly inner = subDevice(() => new Inner(), { inside: box, offset: 0x10 });
  // @ts-expect-error a sub-device is made by a function
  readonly made = subDevice(new Inner());
  // @ts-expect-error only devices are inside a device
  readonly date = subDevice(() => new Date());
  // @ts-expect-error its place is a container
  readonly misplaced = subDevice(() => new Inner(), { inside: ports });
}

use(Outer, { interrupts: { 'inner.irq': isaIrq(3) } });
// @ts-expect-error the device inside has no such pin
use(Outer, { interrupts: { 'inner.ire': isaIrq(3) } });

export class Plain {
  // @ts-expect-error only devices have handlers
  @ports.read(0)
  read(): number {
    return 0;
  }
}

// @ts-expect-error only devices are described
@device({ type: 'plain', description: 'Not a device' })
export class PlainDescribed {}

// @ts-expect-error coalescing on a plain class
@addCoalescedIo(ports, { offset: 0, size: 1 })
export class PlainCoalesced {}

// @ts-expect-error flushing on a plain class
@flushCoalescedIo(ports)
export class PlainFlushing {}

// @ts-expect-error a region is named by its value
@addCoalescedIo('ports', { offset: 0, size: 1 })
export class CoalescedByName extends IsaDevice {}

// @ts-expect-error a range has a size
@addCoalescedIo(ports, { offset: 0 })
export class CoalescedWithoutSize extends IsaDevice {}

// @ts-expect-error a container has no writes
@addCoalescedIo(box, { offset: 0, size: 1 })
export class CoalescedContainer extends IsaDevice {}

// @ts-expect-error independent regions are named by their values
@addCoalescedIo(ports, { offset: 0, size: 1, independent: ['registers'] })
export class IndependentByName extends IsaDevice {}

// @ts-expect-error a class says what it is
@device({ type: 'undescribed' })
export class Undescribed extends IsaDevice {}

// @ts-expect-error only a PCI device has a PCI identity
@pci({ vendorId: 1, deviceId: 2, classCode: 3 })
export class IsaCardWithIdentity extends IsaDevice {}

// @ts-expect-error a PCI identity has a class code
@pci({ vendorId: 1, deviceId: 2 })
export class ClasslessCard extends PciDevice {}

export class OptionsOfAnotherType extends IsaDevice {
  // @ts-expect-error the declared options have numbers and more
  constructor(@options(rtcOptions) readonly config: { readonly baseYear: string }) {
    super();
  }
}

export class OptionsLeftOut extends IsaDevice {
  // @ts-expect-error the parameter has the type of all declared options
  constructor(@options(rtcOptions) readonly config: { readonly baseYear: number }) {
    super();
  }
}

export class OptionsTooWide extends IsaDevice {
  // @ts-expect-error what takes anything is not checked
  constructor(@options(rtcOptions) readonly config: Readonly<Record<string, unknown>>) {
    super();
  }
}

export class ServiceOfAnotherType extends IsaDevice {
  // @ts-expect-error the clock is not a number
  constructor(@inject(VirtualClock) readonly clock: number) {
    super();
  }
}

export function changesItsOptions(right: Right): void {
  // @ts-expect-error options are values of the machine, not of the device
  right.config.baseYear = 2000;
  // @ts-expect-error there is no such option
  right.config.baseYaer;
}

// @ts-expect-error a region has a size
portRegion({ name: 'sizeless' });
// @ts-expect-error there is no such property of a region
portRegion({ name: 'misspelt', size: 2, accesSizes: [1] });
// @ts-expect-error a default is one of the words
option.choice(['on', 'off'], { default: 'of', description: '' });
// @ts-expect-error an integer's default is one
option.integer({ default: '1980', description: '' });
// @ts-expect-error an option says what it does
option.integer({ default: 1980 });
