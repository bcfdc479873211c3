import { Pl022 } from '../../devices/pl022.ts';
import { device } from '../../sdk/index.ts';
import { SpiBus } from '../../sdk/spi.ts';
import { Highbank } from './boards.ts';
import { type KnownDifference, standIn } from './known-difference.ts';
import { load, type Operation, store } from './script.ts';

const Register = { Control0: 0x00, Control1: 0x04, Data: 0x08, Prescale: 0x10, RawStatus: 0x18 } as const;
const set = (register: number, value: number): Operation => store(Highbank.Ssp + register, 4, value);
const get = (register: number): Operation => load(Highbank.Ssp + register, 4);

/** QEMU's bus without chips answers zeros. On a real one the pull-up of the line is read. */
class ZeroBus extends SpiBus {
  override exchange(): number {
    return 0;
  }
}

const readsZeros = standIn(Pl022, (base: typeof Pl022) => {
  @device({ type: 'pl022', description: 'a PL022 whose bus answers zeros' })
  class Pl022OnZeros extends base {
    override readonly spi = new ZeroBus({ selects: 4 });
  }
  return Pl022OnZeros;
});

const keepsControlOverReset = standIn(Pl022, (base: typeof Pl022) => {
  @device({ type: 'pl022', description: 'a PL022 whose control registers outlive a reset' })
  class Pl022WithControlOverReset extends base {
    override reset(): void {
      const { control0, control1, prescale, dmaControl } = this;
      super.reset();
      Object.assign(this, { control0, control1, prescale, dmaControl });
      this.configure();
    }
  }
  return Pl022WithControlOverReset;
});

const cutsWhenWritten = standIn(Pl022, (base: typeof Pl022) => {
  @device({ type: 'pl022', description: 'a PL022 that cuts frames when they are written' })
  class Pl022ThatCutsWhenWritten extends base {
    private isConfigured = false;

    override configure(): void {
      this.isConfigured = true;
      super.configure();
    }

    override writeFrame(value: number): void {
      super.writeFrame(this.isConfigured ? value & (2 ** this.spi.wordBits - 1) : 0);
    }

    override reset(): void {
      const { isConfigured } = this;
      super.reset();
      this.isConfigured = isConfigured;
    }
  }
  return Pl022ThatCutsWhenWritten;
});

/** The receive FIFO never overruns: the next frame waits until one was read. */
const waitsForRoom = standIn(Pl022, (base: typeof Pl022) => {
  @device({ type: 'pl022', description: 'a PL022 that waits for room in its receive FIFO' })
  class Pl022ThatWaits extends base {
    protected override isReady(): boolean {
      return super.isReady() && (this.status & 0x08) === 0;
    }
  }
  return Pl022ThatWaits;
});

export const pl022Differences: readonly KnownDifference[] = [
  {
    register: 'control and prescale registers',
    condition: 'after a reset',
    reason: 'A reset clears them (Arm DDI 0194, table 3-1). QEMU clears the FIFOs and the interrupt mask only.',
    standIn: keepsControlOverReset,
    there: { operations: [set(Register.Control1, 2), { kind: 'reset' }, get(Register.Control1)], ours: [0], qemu: [2] },
  },
  {
    register: 'data, status and interrupts',
    condition: 'a frame comes in while the receive FIFO is full',
    reason: 'The frame is lost, and the overrun reported (Arm DDI 0194, 3.4.3). QEMU starts no frame then.',
    standIn: waitsForRoom,
    there: {
      operations: [
        ...[set(Register.Control0, 7), set(Register.Control1, 3)],
        ...Array.from({ length: 9 }, (_, frame) => set(Register.Data, frame)),
        get(Register.RawStatus),
      ],
      ours: [0x0d],
      qemu: [0x0c],
    },
  },
  {
    register: 'data',
    condition: 'the frame size is changed while frames wait, or was never written',
    reason: 'A frame is cut when it is sent (Arm DDI 0194, 3.3.3). QEMU cuts it when it is written too.',
    standIn: cutsWhenWritten,
    there: {
      operations: [
        ...[
          set(Register.Control0, 7),
          set(Register.Data, 0x1ff),
          set(Register.Control0, 15),
          set(Register.Control1, 3),
        ],
        get(Register.Data),
      ],
      ours: [0x1ff],
      qemu: [0xff],
    },
  },
  {
    register: 'clock prescale',
    condition: 'an odd value is written',
    reason: 'Bit 0 is always zero (Arm DDI 0194, 3.3.5). QEMU stores it.',
    bits: 1,
    hides: (register) => register === 'register 0x010',
    there: { operations: [set(Register.Prescale, 3), get(Register.Prescale)], ours: [2], qemu: [3] },
  },
  {
    register: 'data',
    condition: 'no chip is on the bus',
    reason: 'The line that no chip drives reads as ones, by its pull-up. QEMU reads zeros.',
    standIn: readsZeros,
    there: {
      operations: [
        ...[set(Register.Control0, 7), set(Register.Control1, 2), set(Register.Data, 0)],
        get(Register.Data),
      ],
      ours: [0xff],
      qemu: [0],
    },
  },
];
