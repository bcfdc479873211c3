import { Plic } from '../../devices/plic.ts';
import { device } from '../../sdk/index.ts';
import { Virt } from './boards.ts';
import { type KnownDifference, standIn } from './known-difference.ts';
import { load, type Operation, store } from './script.ts';

const Words = 32;
const Contexts = 2;
const Register = { Priority: 0x4, Pending: 0x1000, Enable: 0x2000, Threshold: 0x20_0000, Claim: 0x20_0004 } as const;

const set = (register: number, value: number): Operation => store(Virt.Plic + register, 4, value);
const get = (register: number): Operation => load(Virt.Plic + register, 4);
const input = (level: boolean): Operation => ({ kind: 'input', chip: 'plic', line: 1, level });
/** Source 1 interrupts context 0. */
const prepare = [set(Register.Priority, 1), set(Register.Enable, 2)];

const hasNoGateways = standIn(Plic, (base: typeof Plic) => {
  @device({ type: 'plic', description: 'a PLIC that takes rising edges, and no levels' })
  class PlicWithoutGateways extends base {
    override source(level: boolean, source: number): void {
      super.source(level, source);
      if (level) this.pendingBits[source >> 5]! |= 1 << (source & 31);
    }

    protected override requestIn(): void {}
  }
  return PlicWithoutGateways;
});

const completesAnything = standIn(Plic, (base: typeof Plic) => {
  @device({ type: 'plic', description: 'a PLIC in which any context completes any interrupt' })
  class PlicThatCompletesAnything extends base {
    override complete(source: number, context: number): undefined {
      const at = context * Words + (source >> 5);
      const before = this.enables[at] ?? 0;
      this.enables[at] = 0xffff_ffff;
      super.complete(source, context);
      this.enables[at] = before;
      return undefined;
    }
  }
  return PlicThatCompletesAnything;
});

const claimsAboveThreshold = standIn(Plic, (base: typeof Plic) => {
  @device({ type: 'plic', description: 'a PLIC whose threshold holds for claims too' })
  class PlicThatClaimsAboveThreshold extends base {
    override claimHighest(value: number, context: number): number {
      return this.highest(context, this.threshold[context]!) === 0 ? 0 : super.claimHighest(value, context);
    }
  }
  return PlicThatClaimsAboveThreshold;
});

/** Its outputs are worked out with a rising source, a priority, a threshold, a claim and a completion, and stay till then. */
const enablesLater = standIn(Plic, (base: typeof Plic) => {
  @device({ type: 'plic', description: 'a PLIC whose outputs do not follow its enables' })
  class PlicThatEnablesLater extends base {
    private readonly shown = [false, false];

    protected override isRequested(context: number): boolean {
      return this.shown[context] === true;
    }

    private show(): void {
      for (const context of this.shown.keys()) this.shown[context] = super.isRequested(context);
    }

    override source(level: boolean, source: number): void {
      super.source(level, source);
      if (level) this.show();
    }

    override keepPriority(value: number, previous: number, at: number): number {
      this.priority[at] = super.keepPriority(value, previous, at);
      this.show();
      return this.priority[at]!;
    }

    override keepThreshold(value: number, previous: number, context: number): number {
      this.threshold[context] = super.keepThreshold(value, previous, context);
      if (context < Contexts) this.show();
      return this.threshold[context]!;
    }

    override claimHighest(value: number, context: number): number {
      const source = super.claimHighest(value, context);
      if (context < Contexts) this.show();
      return source;
    }

    override complete(source: number, context: number): undefined {
      super.complete(source, context);
      if (source <= this.config.sources && context < Contexts) this.show();
      return undefined;
    }

    override reset(): void {
      super.reset();
      this.show();
    }
  }
  return PlicThatEnablesLater;
});

const keepsEnableOfSource0 = standIn(Plic, (base: typeof Plic) => {
  @device({ type: 'plic', description: 'a PLIC that stores an enable bit of source 0' })
  class PlicThatKeepsEnable0 extends base {
    override showEnables(value: number, at: number): number {
      const shown = super.showEnables(value, at);
      return at === 0 || at === Words ? (shown | (value & 1)) >>> 0 : shown;
    }
  }
  return PlicThatKeepsEnable0;
});

export const plicDifferences: readonly KnownDifference[] = [
  {
    register: 'pending',
    condition: 'a source is high when its interrupt is completed or the board is reset, or rises meanwhile',
    reason:
      'Gateways turn levels into requests, one at a time (PLIC specification, "Interrupt Gateways"). QEMU takes each rising edge.',
    standIn: hasNoGateways,
    there: {
      operations: [...prepare, input(true), get(Register.Claim), set(Register.Claim, 1), get(Register.Pending)],
      ours: [1, 2],
      qemu: [1, 0],
    },
  },
  {
    register: 'claim/complete',
    condition: 'a context completes what it has not enabled',
    reason: 'That is ignored (PLIC specification, "Interrupt Completion"). QEMU completes it.',
    standIn: completesAnything,
  },
  {
    register: 'claim/complete',
    condition: 'a claim finds nothing above the threshold',
    reason:
      'The threshold does not matter for a claim (PLIC specification, "Interrupt Claim Process"). In QEMU it does.',
    standIn: claimsAboveThreshold,
    there: {
      operations: [...prepare, set(Register.Threshold, 7), input(true), get(Register.Claim)],
      ours: [1],
      qemu: [0],
    },
  },
  {
    register: 'the outputs',
    condition: 'an enable was written, and nothing else since',
    reason: 'The outputs are a function of the registers. QEMU works them out with the next claim, priority or source.',
    standIn: enablesLater,
  },
  {
    register: 'enable',
    condition: 'bit 0 is set',
    reason: 'There is no source 0 (PLIC specification, "Memory Map"). QEMU stores its enable bit.',
    standIn: keepsEnableOfSource0,
    there: { operations: [set(Register.Enable, 1), get(Register.Enable)], ours: [0], qemu: [1] },
  },
];
