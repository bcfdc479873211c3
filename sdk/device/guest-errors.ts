/** One kind of mistake that a guest made with one device. */
export interface GuestError {
  readonly device: string;
  /** As it was worded the first time. */
  readonly message: string;
  readonly count: number;
}

/** Where the first of each kind goes: a log, a terminal, a test. */
export type GuestErrorSink = (device: string, message: string) => void;

/** A hostile guest must not fill the memory with kinds: beyond this many, a device's mistakes are counted together. */
const KindsPerDevice = 256;

interface Kind {
  readonly device: string;
  readonly message: string;
  count: number;
}

/**
 * The mistakes guests make: loud once, then counted. Messages that differ only in their numbers are one kind, so that a
 * guest which scans a register file does not print a line per register.
 */
export class GuestErrors {
  private readonly kinds = new Map<string, Map<string, Kind>>();

  constructor(private readonly sink: GuestErrorSink = () => {}) {}

  report(device: string, message: string): void {
    const kind = this.kindOf(device, message);
    if (kind.count === 0) this.sink(device, kind.message);
    kind.count++;
  }

  /** Every kind so far, in the order in which they were first seen. */
  get all(): readonly GuestError[] {
    return [...this.kinds.values()].flatMap((ofDevice) => [...ofDevice.values()].map((kind) => ({ ...kind })));
  }

  /** How many mistakes altogether. */
  get total(): number {
    return this.all.reduce((sum, kind) => sum + kind.count, 0);
  }

  clear(): void {
    this.kinds.clear();
  }

  private kindOf(device: string, message: string): Kind {
    let ofDevice = this.kinds.get(device);
    if (ofDevice === undefined) {
      ofDevice = new Map();
      this.kinds.set(device, ofDevice);
    }
    const full = ofDevice.size >= KindsPerDevice;
    const shape = message.replace(/0x[0-9a-f]+|\d+/gi, '#');
    const key = full && !ofDevice.has(shape) ? 'everything else' : shape;
    let kind = ofDevice.get(key);
    if (kind === undefined) {
      kind = { device, message: key === shape ? message : 'further kinds of errors, counted together', count: 0 };
      ofDevice.set(key, kind);
    }
    return kind;
  }
}
