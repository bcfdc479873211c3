import { Ich9Lpc, PcTestdev, Piix3 } from '../../devices/index.ts';
import { q35PinWiring } from '../../machines/index.ts';
import { device, IsaBus, inject, ResetController } from '../../sdk/index.ts';
import { PciBus, PciCommand, type PciFunction, type PciPinWiring, PciRegister, pcPinWiring } from '../../sdk/pci.ts';
import { type KnownDifference, type StandIn, standIn } from './known-difference.ts';
import { lower, mapCards, pcRoutes, pullIsaLine, q35Routes, raise, route } from './routing.ts';
import { isaLines, type Operation } from './script.ts';

type BridgeClass = typeof Piix3;

const IsaLines = 16;

/** An ISA device writes to the line that the bridge writes to: the level of the last one holds. */
function writesToLine(base: typeof PcTestdev): typeof PcTestdev {
  @device({ type: 'pc-testdev', description: 'shares lines as QEMU does' })
  class TestdevThatWrites extends base {
    constructor(@inject(IsaBus) private readonly shared: IsaBus) {
      super(shared);
    }

    override setLine(value: number, line: number): undefined {
      if (line < IsaLines) this.shared.line(line).set(value !== 0);
    }
  }
  return TestdevThatWrites;
}

/** The bridge writes the line of the PIRQ that changed, whatever an ISA device has written there. */
function writesOneLine(base: BridgeClass): BridgeClass {
  @device({ type: 'bridge', description: 'writes the one line of a PIRQ that changed' })
  class BridgeThatWritesOneLine extends base {
    protected override onPirqChange(pirq: number): void {
      const line = this.routeOf(pirq);
      if (line < IsaLines) this.driveIsaLine(line);
    }
  }
  return BridgeThatWritesOneLine;
}

/**
 * The bridge hears of a PIRQ each time that one of its cards rises or falls, and of those of all four pins when the guest switches
 * the interrupts of a card off or on.
 */
const hearsRepeats = (wiring: PciPinWiring) => (base: BridgeClass) => {
  @device({ type: 'bridge', description: 'hears unchanged levels' })
  class BridgeThatHearsRepeats extends base {
    private heard: readonly PciFunction[] = [];

    constructor(
      @inject(PciBus) private readonly cards: PciBus,
      @inject(IsaBus) isa: IsaBus,
      @inject(ResetController) resets: ResetController,
    ) {
      super(cards, isa, resets);
    }

    override reset(): void {
      super.reset();
      for (const card of this.cards.devices) if (!this.heard.includes(card)) this.hear(card);
      this.heard = this.cards.devices;
    }

    private hear(card: PciFunction): void {
      const { slot = 0 } = this.cards.addressOf(card) ?? {};
      const isOff = () => (card.config.get(PciRegister.Command, 2) & PciCommand.InterruptDisable) !== 0;
      card.interruptOut.connect(() => this.onPirqChange(wiring(slot, 0)));
      const write = card.writeConfig.bind(card);
      card.writeConfig = (offset, value, size) => {
        const wasOff = isOff();
        write(offset, value, size);
        for (let pin = 0; pin < 4 && wasOff !== isOff(); pin++) this.onPirqChange(wiring(slot, pin));
      };
    }
  }
  return BridgeThatHearsRepeats;
};

/** A reset takes the routes away first, and then no line hears that the cards are quiet. */
function keepsLinesOverReset(base: BridgeClass): BridgeClass {
  @device({ type: 'bridge', description: 'leaves lines high over a reset' })
  class BridgeThatKeepsLines extends base {
    private isResetting = false;

    override reset(): void {
      this.isResetting = true;
      super.reset();
      this.isResetting = false;
    }

    protected override driveIsaLines(): void {
      if (!this.isResetting) super.driveIsaLines();
    }
  }
  return BridgeThatKeepsLines;
}

/** Routes are looked at when a PIRQ changes, and at no other time. */
function ignoresNewRoutes(base: BridgeClass): BridgeClass {
  @device({ type: 'bridge', description: 'moves no level when a route is written' })
  class BridgeThatIgnoresRoutes extends base {
    override reroute(): void {}
  }
  return BridgeThatIgnoresRoutes;
}

/** The line in a route that is off is written all the same, as if that PIRQ were low. */
function writesLineOfRouteOff(base: BridgeClass): BridgeClass {
  @device({ type: 'bridge', description: 'writes the line of a route that is off' })
  class BridgeThatWritesRouteOff extends base {
    protected override onPirqChange(pirq: number): void {
      super.onPirqChange(pirq);
      const route = this.readConfig(pirq < 4 ? 0x60 + pirq : 0x64 + pirq, 1);
      if ((route & 0x80) !== 0) this.driveIsaLine(route & 0x0f);
    }
  }
  return BridgeThatWritesRouteOff;
}

/** PIIX3 and ICH9 are made of the same parts. */
const onPc = (over: (base: BridgeClass) => BridgeClass): StandIn => standIn(Piix3, over);
const onQ35 = (over: (base: BridgeClass) => BridgeClass): StandIn => {
  return standIn(Ich9Lpc, over as unknown as (base: typeof Ich9Lpc) => typeof Ich9Lpc);
};

const bit = (line: number): number => 1 << line;
const reset: Operation = { kind: 'reset' };
/** Slots 2 and 6 are on this route's PIRQ: B of the pc, G of q35. */
const toPc = (value: number) => route(pcRoutes, 0x61, value);
const toQ35 = (value: number) => route(q35Routes, 0x6a, value);

const wiredOr = {
  register: 'ISA lines',
  reason:
    'Each device holds a line of ours high until it lets go, as on a board. A line of QEMU has the level that was written last.',
};

const repeats = (toBridge: typeof toPc, standIn: StandIn): KnownDifference => ({
  register: 'ISA lines',
  condition:
    'a second card on a PIRQ rises or falls, or interrupts of a card are switched off or on, and an ISA device has written the line before',
  reason:
    'A bridge of ours hears a PIRQ when its level changes. QEMU writes the line again each time that a card moves.',
  there: {
    operations: [...mapCards, ...toBridge(11), ...raise(2), ...pullIsaLine(11, 1), ...pullIsaLine(11, 0), ...raise(6)],
    ours: [0, bit(11), bit(11), 0, 0],
    qemu: [0, bit(11), bit(11), 0, bit(11)],
  },
  standIn,
});

const overReset = (toBridge: typeof toPc, standIn: StandIn): KnownDifference => ({
  register: 'ISA lines',
  condition: 'a reset while a PCI interrupt is up',
  reason:
    'A reset takes all interrupts of ours down. QEMU resets the routes before the cards, so that no line hears of it.',
  there: {
    operations: [...mapCards, ...toBridge(11), ...raise(2), reset, isaLines],
    ours: [0, bit(11), 0],
    qemu: [0, bit(11), bit(11)],
  },
  standIn,
});

export const pcRoutingDifferences: readonly KnownDifference[] = [
  {
    ...wiredOr,
    condition:
      'an ISA device drives a line, and a PIRQ that is routed there changes, or a route is written: QEMU writes all 16 then, 2 too',
    there: {
      operations: [...mapCards, ...pullIsaLine(2, 1), ...toPc(11), ...pullIsaLine(11, 1), ...raise(2), ...lower(2)],
      ours: [bit(2), bit(2), bit(2) | bit(11), bit(2) | bit(11), bit(2) | bit(11)],
      qemu: [bit(2), 0, bit(11), bit(11), 0],
    },
    standIn: [standIn(PcTestdev, writesToLine), onPc(writesOneLine)],
  },
  repeats(toPc, onPc(hearsRepeats(pcPinWiring))),
  overReset(toPc, onPc(keepsLinesOverReset)),
];

export const q35RoutingDifferences: readonly KnownDifference[] = [
  {
    ...wiredOr,
    condition: 'an ISA device drives a line, and a PIRQ that is routed there changes',
    there: {
      operations: [...mapCards, ...toQ35(11), ...pullIsaLine(11, 1), ...raise(2), ...lower(2)],
      ours: [0, bit(11), bit(11), bit(11)],
      qemu: [0, bit(11), bit(11), 0],
    },
    standIn: [standIn(PcTestdev, writesToLine), onQ35(writesOneLine)],
  },
  {
    register: 'ISA lines',
    condition: 'a route is written while its PIRQ is up',
    reason:
      'The bridge connects a PIRQ to the line in its route, so that the level moves at once. QEMU moves it when the PIRQ changes.',
    there: {
      operations: [...mapCards, ...toQ35(11), ...raise(2), ...toQ35(10), ...lower(2)],
      ours: [0, bit(11), bit(10), 0],
      qemu: [0, bit(11), bit(11), bit(11)],
    },
    standIn: onQ35(ignoresNewRoutes),
  },
  {
    register: 'ISA lines',
    condition: 'a PIRQ changes whose route is off, and an ISA device drives the line in the low bits of it',
    reason:
      'A route that is off leads nowhere. QEMU writes the line in its low bits all the same, as if that PIRQ were low.',
    there: {
      operations: [...mapCards, ...toQ35(0x8b), ...pullIsaLine(11, 1), ...raise(2)],
      ours: [0, bit(11), bit(11)],
      qemu: [0, bit(11), 0],
    },
    standIn: onQ35(writesLineOfRouteOff),
  },
  repeats(toQ35, onQ35(hearsRepeats(q35PinWiring))),
  overReset(toQ35, onQ35(keepsLinesOverReset)),
];
