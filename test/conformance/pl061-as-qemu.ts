import { Pl061 } from '../../devices/pl061.ts';
import { device } from '../../sdk/index.ts';
import { Versatile } from './boards.ts';
import { type KnownDifference, standIn } from './known-difference.ts';
import { load, type Operation, store } from './script.ts';

const Base = Versatile.Gpio[0];
const Register = { Data: 0x3fc, Direction: 0x400, Sense: 0x404, Event: 0x40c, Mask: 0x410, RawStatus: 0x414 } as const;

const set = (register: number, value: number): Operation => store(Base + register, 4, value);
const get = (register: number): Operation => load(Base + register, 4);
const input = (line: number, level: boolean): Operation => ({ kind: 'input', chip: 'gpio', line, level });

/** The interrupt pin asks for the status after each access and each edge. */
const latchesLevels = standIn(Pl061, (base: typeof Pl061) => {
  @device({ type: 'pl061', description: 'a PL061 that latches levels' })
  class Pl061ThatLatchesLevels extends base {
    override get rawStatus(): number {
      this.edges |= super.rawStatus;
      return this.edges;
    }
  }
  return Pl061ThatLatchesLevels;
});

const keepsInputsInData = standIn(Pl061, (base: typeof Pl061) => {
  @device({ type: 'pl061', description: 'a PL061 whose data register holds the inputs too' })
  class Pl061WithInputsInData extends base {
    /** The data when edges were last looked for. */
    private seen = 0;

    protected override get levels(): number {
      return this.data;
    }

    override get rawStatus(): number {
      const changed = (this.seen ^ this.data) & ~this.direction;
      if (changed !== 0) this.seen = this.data;
      this.edges |= changed & ~this.sense & (this.bothEdges | ~(this.data ^ this.event));
      return super.rawStatus;
    }

    override line(level: boolean, pin: number): void {
      const bit = (1 << pin) & ~this.direction;
      this.data = level ? this.data | bit : this.data & ~bit;
    }

    override reset(): void {
      this.seen = 0;
      super.reset();
    }
  }
  return Pl061WithInputsInData;
});

export const pl061Differences: readonly KnownDifference[] = [
  {
    register: 'raw and masked interrupt status',
    condition: 'a level-sensitive pin had its level, and has it no longer',
    reason: 'Only edges are latched (Arm DDI 0190, 3.3.9, GPIOIC). QEMU keeps a level until it is cleared.',
    standIn: latchesLevels,
    there: {
      operations: [set(Register.Sense, 1), set(Register.Event, 1), get(Register.RawStatus)],
      ours: [0],
      qemu: [1],
    },
  },
  {
    register: 'data',
    condition:
      'a pin with a high input becomes an output, or an output that was high becomes an input, or after a reset',
    reason:
      'The data register holds what was written, and inputs are read from their pins. QEMU keeps both in one place.',
    standIn: keepsInputsInData,
    there: { operations: [input(0, true), set(Register.Direction, 1), get(Register.Data)], ours: [0], qemu: [1] },
  },
];
