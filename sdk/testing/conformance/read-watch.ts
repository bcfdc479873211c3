/**
 * Tells which fields are read before they are written: those a device depends on. A field that is written first is worked out
 * anew each time, and needs no place in a snapshot. Elements of arrays cannot be watched, and are not.
 */
export class ReadWatch {
  private readonly restore: (() => void)[] = [];
  private readonly read = new Set<string>();
  private readonly written = new Set<string>();
  private readonly untouched = new Set<string>();

  /** Watches the fields at these paths, `time.base`, from now on. Where one is missing, what would hold it is watched. */
  constructor(device: object, paths: readonly string[]) {
    for (const path of paths) this.watch(device, path);
  }

  /** The fields are as before. Answers which of them were read first, written first, and neither. */
  end(): { readonly [what in 'read' | 'written' | 'untouched']: readonly string[] } {
    for (const restore of this.restore) restore();
    return { read: [...this.read], written: [...this.written], untouched: [...this.untouched] };
  }

  private watch(device: object, path: string): void {
    const names = path.split('.');
    let owner = device;
    for (const name of names) {
      const slot = Object.getOwnPropertyDescriptor(owner, name);
      if (slot === undefined || slot.configurable !== true || !('value' in slot)) return;
      if (typeof slot.value === 'object' && slot.value !== null) owner = slot.value as object;
      else {
        this.replace(owner, name, slot, path);
        return;
      }
    }
  }

  private replace(owner: object, name: string, slot: PropertyDescriptor, path: string): void {
    let { value } = slot;
    this.untouched.add(path);
    Object.defineProperty(owner, name, {
      configurable: true,
      enumerable: slot.enumerable === true,
      get: () => {
        if (this.untouched.delete(path)) this.read.add(path);
        return value;
      },
      set: (next: unknown) => {
        if (this.untouched.delete(path)) this.written.add(path);
        value = next;
      },
    });
    this.restore.push(() => Object.defineProperty(owner, name, { ...slot, value }));
  }
}
