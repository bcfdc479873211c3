import { BackplaneError } from '../../base/errors.ts';
import { bit, portRegion } from '../../device/index.ts';
import { state } from '../../state/schema.ts';
import type { IsaBus } from '../isa-bus.ts';
import type { PciBus } from './bus.ts';
import { PciDevice } from './device.ts';

/** The port at which a bridge of Intel's resets the machine: one byte, a wider access comes here byte by byte. */
export const resetControlPort = (name: string) =>
  portRegion({ name, base: 0xcf9, size: 1, priority: 1, implements: { max: 1 }, mirrored: true });

/** What its register has on every such bridge: the reset itself is not kept, its kind is. */
export const resetControlFields = {
  hardNextTime: bit(1, 'read-write', { description: 'the next reset is a hard one' }),
  now: bit(2, 'trigger', { description: 'resets the machine' }),
} as const;

/** Why the machine is reset, for people: machines here are reset in one way, and the guest's wish is told. */
export const resetReason = (kind: 'soft' | 'hard' | 'full'): string => `${kind} reset by the reset control register`;

/**
 * A bridge between PCI and ISA as interrupt router: an ISA line is high while one of the PCI interrupts routed to it is. A route
 * that is no ISA line has no effect.
 */
export abstract class IsaBridge extends PciDevice {
  @state private readonly pirqLevels: boolean[];

  readonly #pciBus: PciBus;
  readonly #isa: IsaBus;
  #stopRouting = (): void => {};

  /** `pirqs` interrupts of the PCI bus arrive at this bridge, PIRQ A first. */
  constructor(pciBus: PciBus, isa: IsaBus, pirqs: number) {
    super();
    this.#pciBus = pciBus;
    this.#isa = isa;
    this.pirqLevels = new Array(pirqs).fill(false);
  }

  override reset(): void {
    super.reset();
    this.driveIsaLines();
  }

  /** On which ISA line a PCI interrupt arrives, as the bridge's registers say now. */
  protected abstract routeOf(pirq: number): number;

  protected override onRealize(): void {
    this.#stopRouting = this.#pciBus.connectRouter((pirq, level) => {
      this.pirqLevels[pirq] = level;
      this.onPirqChange(pirq);
    });
  }

  /** The levels must be those of the bus, whose cards are restored by now. */
  override onStateLoaded(version: number): void {
    const wrong = this.pirqLevels.findIndex((level, pirq) => level !== this.#pciBus.lines.isAsserted(pirq));
    if (wrong >= 0) {
      const [says, others] = this.pirqLevels[wrong] ? ['high', 'low'] : ['low', 'high'];
      throw new BackplaneError(
        'contradicting-state',
        `'pirqLevels[${wrong}]' is ${says}, and the cards on its bus say that it is ${others}`,
      );
    }
    super.onStateLoaded(version);
    this.driveIsaLines();
  }

  protected override onUnrealize(): void {
    this.#stopRouting();
  }

  /** A PCI interrupt rose or fell. */
  protected onPirqChange(_pirq: number): void {
    this.driveIsaLines();
  }

  /** Routes or levels have changed. */
  protected driveIsaLines(): void {
    const { lines } = this.#isa;
    const high = this.#highLines();
    for (let line = 0; line < lines.length; line++) lines[line]?.set((high & (1 << line)) !== 0);
  }

  /** The same for one of them. */
  protected driveIsaLine(line: number): void {
    this.#isa.line(line).set((this.#highLines() & (1 << line)) !== 0);
  }

  /** Those to which a PCI interrupt is routed that is high. */
  #highLines(): number {
    let high = 0;
    for (let pirq = 0; pirq < this.pirqLevels.length; pirq++) {
      const route = this.routeOf(pirq);
      if (this.pirqLevels[pirq] && route < this.#isa.lines.length) high |= 1 << route;
    }
    return high;
  }
}
