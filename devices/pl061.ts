import { bits, device, InterruptPin, input, mmioRegion, reserved, SystemDevice, state } from '../sdk/index.ts';

const Register = {
  ...{ Data: 0x000, Direction: 0x400, Sense: 0x404, BothEdges: 0x408, Event: 0x40c, Mask: 0x410, RawStatus: 0x414 },
  ...{ MaskedStatus: 0x418, Clear: 0x41c, ModeControl: 0x420, Identification: 0xfe0 },
} as const;
const Pins = 8;
/** The data register is at each of these bytes: bits 9 to 2 of the address are a mask of its bits. */
const MaskedAddresses = { length: 4 * 2 ** Pins } as const;

export const pl061Registers = mmioRegion({ name: 'pl061', size: 0x1000, accessSizes: [1, 2, 4] });
const ofPins = { width: 32, fields: { pins: bits(0, 7), rest: reserved([8, 31]) } } as const;
const notModelled = { width: 32, fields: { pins: bits(0, 7, 'unimplemented'), rest: reserved([8, 31]) } } as const;
const readOnly = { width: 32, access: 'read-only' } as const;
/** @see Arm DDI 0190, 3.3.11 "Peripheral identification registers" */
const ofChip = { width: 32, count: 8, access: 'constant', atReset: 'set-by-device' } as const;

/**
 * PL061: eight pins, each an input that interrupts by level or edge, or an output. `out[n]` is low while pin n is no output.
 * A hostile guest can drive outputs and interrupt itself.
 *
 * @see Arm DDI 0190, 2.4 "Functional description" and 3.3 "Register descriptions"
 */
@device({ type: 'pl061', description: 'PL061 general-purpose input and output' })
export class Pl061 extends SystemDevice {
  readonly irq = new InterruptPin(() => this.maskedStatus !== 0);
  readonly out = Array.from(
    { length: Pins },
    (_, pin) => new InterruptPin(() => ((this.data & this.direction) >> pin) % 2 === 1),
  );
  @pl061Registers.register(Register.Direction, ofPins) direction = 0;
  @pl061Registers.register(Register.Sense, ofPins) sense = 0;
  @pl061Registers.register(Register.BothEdges, ofPins) bothEdges = 0;
  @pl061Registers.register(Register.Event, ofPins) event = 0;
  @pl061Registers.register(Register.Mask, ofPins) mask = 0;
  @pl061Registers.register(Register.ModeControl, notModelled) modeControl = 0;
  @pl061Registers.register(Register.Identification, ofChip)
  readonly identification = Uint32Array.of(0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1);
  @state protected data = 0; // what outputs drive
  @state({ atReset: 'kept' }) protected inputs = 0; // levels of the pins
  @state protected edges = 0; // seen, and not cleared

  @input({ count: Pins })
  line(level: boolean, pin: number): void {
    const bit = 1 << pin;
    this.inputs = (this.inputs & ~bit) | (level ? bit : 0);
    this.edges |= bit & (this.bothEdges | (level ? this.event : ~this.event)) & ~this.sense & ~this.direction;
  }

  @pl061Registers.read(Register.Data, MaskedAddresses)
  readData(offset: number): number {
    return this.levels & (offset >> 2);
  }

  /** A write reaches outputs only, so that a pin becomes an output before it gets its level. */
  @pl061Registers.write(Register.Data, MaskedAddresses)
  writeData(value: number, offset: number): void {
    const written = (offset >> 2) & this.direction;
    this.data = (this.data & ~written) | (value & written);
  }

  /** A level is not latched: it is there as long as the pin has it. */
  @pl061Registers.register(Register.RawStatus, readOnly) get rawStatus(): number {
    return this.edges | (this.sense & ~(this.levels ^ this.event));
  }

  @pl061Registers.register(Register.MaskedStatus, readOnly) get maskedStatus(): number {
    return this.rawStatus & this.mask;
  }

  @pl061Registers.register(Register.Clear, { width: 32, access: 'trigger' })
  clearEdges(value: number): void {
    this.edges &= ~value;
  }

  override reset(): void {
    super.reset();
    this.data = 0;
    this.edges = 0;
  }

  /** What the data register shows. */
  protected get levels(): number {
    return (this.data & this.direction) | (this.inputs & ~this.direction);
  }
}
