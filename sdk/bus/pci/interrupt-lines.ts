/** Called when a line of the bus has changed. */
export type PciRouter = (pirq: number, level: boolean) => void;

/** The interrupt lines of a PCI bus, which its functions share, and the bridge that routes them. */
export class PciInterruptLines {
  private readonly asserted = new Map<number, number>();
  /** The first of them routes. The others are replacements, which wait until it disconnects. */
  private readonly routers: PciRouter[] = [];

  /** Whether a function asserts the line. */
  isAsserted(pirq: number): boolean {
    return (this.asserted.get(pirq) ?? 0) > 0;
  }

  /** Several functions may assert one line; the router is called for the first and the last. */
  assert(pirq: number, level: boolean): void {
    const before = this.asserted.get(pirq) ?? 0;
    const after = before + (level ? 1 : -1);
    this.asserted.set(pirq, after);
    if (before > 0 !== after > 0) this.routers[0]?.(pirq, after > 0);
  }

  /** From a snapshot: the lines of all functions that assert one, without a call. The router is restored too. */
  restore(pirqs: readonly number[]): void {
    this.asserted.clear();
    for (const pirq of pirqs) this.asserted.set(pirq, (this.asserted.get(pirq) ?? 0) + 1);
  }

  /**
   * Connects the bridge that routes the interrupt lines, and reports those that are high. A second router, which replaces the
   * first, waits until that one disconnects, so that no line moves. Answers how to disconnect: the lines go down without a
   * second router.
   */
  connectRouter(router: PciRouter): () => void {
    this.routers.push(router);
    if (this.routers[0] === router) this.notifyRouter(true);
    return () => {
      const index = this.routers.indexOf(router);
      if (index < 0) return;
      if (index === 0 && this.routers.length === 1) this.notifyRouter(false);
      this.routers.splice(index, 1);
      if (index === 0) this.notifyRouter(true);
    };
  }

  private notifyRouter(level: boolean): void {
    for (const [pirq, count] of this.asserted) if (count > 0) this.routers[0]?.(pirq, level);
  }
}
