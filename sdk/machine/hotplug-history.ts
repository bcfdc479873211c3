/** What became of a machine since it was built: a snapshot says it, so that a restored one can be made the same. */
export class HotplugHistory {
  private readonly added = new Set<string>();
  private readonly removed = new Set<string>();

  /** Ids of devices that were plugged in and are there. */
  get plugged(): ReadonlySet<string> {
    return this.added;
  }

  /** Ids of devices that the definition has and that were taken out. */
  get unplugged(): ReadonlySet<string> {
    return this.removed;
  }

  notePlugged(id: string): void {
    this.added.add(id);
  }

  noteUnplugged(id: string): void {
    if (!this.added.delete(id)) this.removed.add(id);
  }
}
