import { Pl022 } from '../../devices/pl022.ts';
import { Pl061 } from '../../devices/pl061.ts';
import { type ConcreteDeviceClass, device } from '../../sdk/index.ts';
import { type KnownDifference, standIn } from './known-difference.ts';

/** A chip whose interrupt follows from its masked status keeps it over a reset, till the next access that changes something. */
function keepsInterrupt(type: string, base: typeof Pl022 | typeof Pl061): ConcreteDeviceClass {
  @device({ type, description: 'a chip whose interrupt stays up over a reset' })
  class WithInterruptOverReset extends (base as typeof Pl061) {
    private isHeld = false;

    override get maskedStatus(): number {
      const held = this.isHeld && this.irq.level;
      this.isHeld = false;
      return held ? 1 : super.maskedStatus;
    }

    override reset(): void {
      this.isHeld = true;
      super.reset();
    }
  }
  return WithInterruptOverReset;
}

const difference = (over: KnownDifference['standIn']): KnownDifference => ({
  register: 'interrupt',
  condition: 'it is up when the board is reset',
  reason: 'A reset masks all interrupts of the chip. QEMU lowers the output with the next write.',
  ...(over === undefined ? {} : { standIn: over }),
});

export const pl061OverReset = difference(standIn(Pl061, (base: typeof Pl061) => keepsInterrupt('pl061', base)));
export const pl022OverReset = difference(standIn(Pl022, (base: typeof Pl022) => keepsInterrupt('pl022', base)));
