/** Mistakes of machine authors that the compiler refuses; see devices.mistakes.ts. */
import {
  anyOf,
  defineOptions,
  device,
  InterruptPin,
  IsaDevice,
  input,
  inverted,
  isaIrq,
  type OptionsOf,
  option,
  options,
  pin,
  use,
} from 'backplane';

const chipOptions = defineOptions({
  speed: option.integer({ default: 3, description: 'how fast' }),
  mode: option.choice(['fast', 'slow'], { default: 'fast', description: 'how' }),
});

@device({ type: 'chip', description: 'A chip with a pin' })
class Chip extends IsaDevice {
  readonly irq = new InterruptPin();
  protected readonly hidden = new InterruptPin();
  readonly notAPin = 3;
  readonly out = [new InterruptPin(), new InterruptPin()];

  constructor(@options(chipOptions) readonly config: OptionsOf<typeof chipOptions>) {
    super();
  }
}

@device({ type: 'listener', description: 'A chip with inputs' })
class Listener extends IsaDevice {
  @input()
  hold(_level: boolean): void {}

  @input({ count: 4, unconnected: true })
  line(_level: boolean, _index: number): void {}

  // @ts-expect-error an input takes a level
  @input()
  number(_level: number): void {}

  // @ts-expect-error an array of inputs takes an index
  @input({ count: 2 })
  text(_level: boolean, _index: string): void {}

  // @ts-expect-error a machine wires it, so it is public
  @input()
  protected hidden(_level: boolean): void {}
}

@device({ type: 'simple', description: 'A chip without options' })
class Simple extends IsaDevice {}

abstract class Unfinished extends IsaDevice {}

export const right = [
  use(Chip),
  use(Chip, { options: { speed: 4 }, interrupts: { irq: isaIrq(8) } }),
  use(Chip, { options: { mode: 'slow' } }),
  use(Simple, { options: {} }),
];

export const rightWires = [
  use(Chip, { interrupts: { irq: [isaIrq(8), pin('x', 'hold')], 'out[1]': inverted(pin('x', 'line[3]')) } }),
  use(Listener, { inputs: { hold: anyOf(pin('a', 'irq'), inverted(isaIrq(3))), 'line[2]': pin('a', 'out[0]') } }),
  use(Listener, { inputs: { line: [isaIrq(0), undefined, isaIrq(2)] } }),
];

export const wrongWires = [
  // @ts-expect-error there is no such array of pins
  use(Chip, { interrupts: { 'ouy[1]': isaIrq(8) } }),
  // @ts-expect-error a wire leads to one place, or several in a list: a gate is written at an input
  use(Chip, { interrupts: { irq: anyOf(pin('x', 'hold')) } }),
  // @ts-expect-error there is no such input
  use(Listener, { inputs: { holt: pin('a', 'irq') } }),
  // @ts-expect-error there is no such array of inputs
  use(Listener, { inputs: { 'lime[2]': pin('a', 'irq') } }),
  // @ts-expect-error one input follows one signal
  use(Listener, { inputs: { hold: [pin('a', 'irq')] } }),
  // @ts-expect-error a method that takes no level is no input
  use(Listener, { inputs: { reset: pin('a', 'irq') } }),
  // @ts-expect-error this device has no inputs
  use(Simple, { inputs: { hold: pin('a', 'irq') } }),
  // @ts-expect-error an output is no input
  use(Chip, { inputs: { irq: pin('a', 'irq') } }),
  // @ts-expect-error a gate has something to combine
  anyOf(),
];

export const wrong = [
  // @ts-expect-error there is no such option
  use(Chip, { options: { sped: 4 } }),
  // @ts-expect-error this option is a number
  use(Chip, { options: { speed: 'fast' } }),
  // @ts-expect-error this option is one of two words
  use(Chip, { options: { mode: 'medium' } }),
  // @ts-expect-error this device has no options
  use(Simple, { options: { speed: 4 } }),
  // @ts-expect-error there is no such pin
  use(Chip, { interrupts: { irk: isaIrq(8) } }),
  // @ts-expect-error this is not a pin
  use(Chip, { interrupts: { notAPin: isaIrq(8) } }),
  // @ts-expect-error this pin is the device's own business
  use(Chip, { interrupts: { hidden: isaIrq(8) } }),
  // @ts-expect-error this device has no pins
  use(Simple, { interrupts: { irq: isaIrq(8) } }),
  // @ts-expect-error a wire is not a number
  use(Chip, { interrupts: { irq: 8 } }),
  // @ts-expect-error what is unfinished cannot be plugged in
  use(Unfinished),
  // @ts-expect-error only devices can be plugged in
  use(Date),
];
