/** Mistakes of machine authors that the compiler refuses; see devices.mistakes.ts. */
import {
  defineOptions,
  device,
  InterruptPin,
  IsaDevice,
  isaIrq,
  type OptionsOf,
  option,
  options,
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

  constructor(@options(chipOptions) readonly config: OptionsOf<typeof chipOptions>) {
    super();
  }
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
