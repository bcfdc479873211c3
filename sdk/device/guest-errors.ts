import { counted, hex } from '../base/text.ts';
import type { MemoryRegion } from '../memory/index.ts';

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
const Rest = 'further kinds of errors, counted together';

/** What a reporter keeps that will report the same again, so that it need not word it again. */
export interface GuestErrorKind extends GuestError {
  count: number;
  /** False once it was forgotten, or its device is gone: then it is to be reported in words again. */
  isOpen: boolean;
  /** False if only a device that is gone did it: the next one of its name is reported when it does the same. */
  isSaid: boolean;
}

/** Where a realized device reports. */
export const guestErrorsOf = new WeakMap<object, GuestErrors>();

/**
 * The mistakes of guests: reported once, then counted. Messages that differ only in their numbers are one kind, so that a
 * scan of all registers prints one line. Digits of a name, as in 'timer0', are no numbers.
 */
export class GuestErrors {
  private readonly kinds = new Map<string, Map<string, GuestErrorKind>>();

  constructor(private readonly sink: GuestErrorSink = () => {}) {}

  /** @internal */
  report(device: string, message: string): GuestErrorKind {
    const kind = this.kindOf(device, message);
    if (!kind.isSaid) this.sink(device, kind.message === Rest ? Rest : message);
    kind.isSaid = true;
    kind.count++;
    return kind;
  }

  /** The device is gone. Its counts stay, and the next device of its name reports in words again. @internal */
  leave(device: string): void {
    const ofDevice = this.kinds.get(device);
    for (const [shape, kind] of ofDevice ?? []) {
      ofDevice?.set(shape, { ...kind, isSaid: false });
      kind.isOpen = false;
    }
  }

  /** Every kind so far, in the order in which they were first seen. */
  get all(): readonly GuestError[] {
    return [...this.kinds.values()].flatMap((ofDevice) =>
      [...ofDevice.values()].map(({ device, message, count }) => ({ device, message, count })),
    );
  }

  /** How many mistakes altogether. */
  get total(): number {
    return this.all.reduce((sum, kind) => sum + kind.count, 0);
  }

  clear(): void {
    for (const device of this.kinds.keys()) this.leave(device);
    this.kinds.clear();
  }

  private kindOf(device: string, message: string): GuestErrorKind {
    let ofDevice = this.kinds.get(device);
    if (ofDevice === undefined) {
      ofDevice = new Map();
      this.kinds.set(device, ofDevice);
    }
    const full = ofDevice.size >= KindsPerDevice;
    const shape = message.replace(/\b(0x[0-9a-f]+|\d+)/gi, '#').replace('# bytes', '# byte');
    const key = full && !ofDevice.has(shape) ? 'everything else' : shape;
    let kind = ofDevice.get(key);
    if (kind === undefined) {
      const worded = key === shape ? message : Rest;
      kind = { device, message: worded, count: 0, isOpen: true, isSaid: false };
      ofDevice.set(key, kind);
    }
    return kind;
  }
}

/** Accesses that a region refused as a whole are guest errors of its device. */
export function refusedAccesses(errors: GuestErrors) {
  const refuse =
    (why: (region: MemoryRegion, isWrite: boolean) => string) =>
    (region: MemoryRegion, offset: number, size: number, isWrite: boolean) =>
      errors.report(
        region.owner?.id ?? region.name,
        `${isWrite ? 'write to' : 'read of'} offset ${hex(offset)} (${counted(size, 'byte')}) of region '${region.name}': ${why(region, isWrite)}`,
      );
  return {
    accessRefused: refuse((region, isWrite) =>
      isWrite && region.readOnly ? 'it is read-only' : 'the region does not accept this width or alignment',
    ),
    reentryRefused: refuse(() => 'the device is inside one of its own handlers'),
  };
}
