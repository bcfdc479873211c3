import { describe, expect, it } from 'vitest';
import { device, IsaDevice, type OptionsOf, portRegion, state } from '../../sdk/index.ts';
import { PciDevice, pci } from '../../sdk/pci.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { expectRefusal } from '../refusal.ts';

// A plugin is not type-checked: what follows is what reaches us when nobody looked at the types.
const Isa = IsaDevice as unknown as new () => object;
const Pci = PciDevice as unknown as new () => object;
const define = (deviceClass: object, isPci = false) => {
  if (isPci) pci({ vendorId: 1, deviceId: 2, classCode: 3 })(deviceClass as never);
  device({ type: 'mine', description: 'mine' })(deviceClass as never);
};
const bench = (deviceClass: object) => testBench(deviceClass as never);

describe('a member with the name of one that the base class needs', () => {
  it('is refused while the class is defined, if it is a method', () => {
    class Uart extends Isa {
      region(): number {
        return 1;
      }
    }
    expectRefusal(() => define(Uart), 'reserved-member', 'Uart', 'region');
    class Card extends Pci {
      connectToBus(): void {}
    }
    expectRefusal(() => define(Card, true), 'reserved-member', 'Card', 'connectToBus');
  });

  it('is refused while the class is defined, if it holds a register or state', () => {
    const ports = portRegion({ name: 'ports', base: 0x300, size: 4 });
    class Uart extends Isa {
      id = 7;
    }
    ports.register(0, { width: 8, access: 'constant', reset: 7 })(Uart.prototype as never, 'id');
    expectRefusal(() => define(Uart), 'reserved-member', 'id');
    class Card extends Pci {
      bars = 0;
    }
    state(Card.prototype, 'bars');
    expectRefusal(() => define(Card, true), 'reserved-member', 'bars');
  });

  it('is refused when a device is made, if it is a field or a parameter that is one', () => {
    class Uart extends Isa {
      topology = 'ring';
    }
    define(Uart);
    expectRefusal(() => bench(Uart), 'reserved-member', 'Uart', 'topology');
    class Card extends Pci {
      constructor(readonly config: OptionsOf<never> = {} as never) {
        super();
      }
    }
    define(Card, true);
    expectRefusal(() => bench(Card), 'reserved-member', 'Card', 'config');
  });

  it('is harmless where the base keeps it to itself', () => {
    class Card extends Pci {
      surroundings = 1;
      regions = 2;
      capabilities = 3;
      updateInterrupt(): void {
        throw new Error('called by the base');
      }
    }
    define(Card, true);
    const { device: card } = bench(Card) as unknown as { device: PciDevice };
    card.interrupt.set(true);
    expect(card.interruptOut.level).toBe(true);
  });
});
