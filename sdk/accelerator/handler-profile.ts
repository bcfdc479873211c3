import { hex } from '../base/text.ts';
import { hostNanoseconds } from '../clock/index.ts';
import type { GuestAccess } from './guest-access.ts';

/** Host time that handlers took for one port or memory page and direction. */
export interface HandlerProfileRow {
  /** As in the exit tables: `0x70:POUT`. */
  readonly key: string;
  readonly calls: number;
  readonly hostNanoseconds: number;
}

interface Measured {
  calls: number;
  hostNanoseconds: number;
}

/**
 * Measures the host time of each access on its way to the handlers. This is the only place of the accelerator where
 * host time is read, and it is there only when a profile was asked for.
 */
export class HandlerProfile implements GuestAccess {
  private readonly measured = new Map<string, Measured>();

  constructor(private readonly next: GuestAccess) {}

  /** The most expensive first. */
  rows(): HandlerProfileRow[] {
    const rows = [...this.measured].map(([key, row]) => ({ key, ...row }));
    return rows.sort((a, b) => b.hostNanoseconds - a.hostNanoseconds);
  }

  reset(): void {
    this.measured.clear();
  }

  read(isPort: boolean, address: number, size: number): number {
    return this.measure(isPort, address, false, () => this.next.read(isPort, address, size));
  }

  write(isPort: boolean, address: number, value: number, size: number): void {
    this.measure(isPort, address, true, () => this.next.write(isPort, address, value, size));
  }

  read64(isPort: boolean, address: number): bigint {
    return this.measure(isPort, address, false, () => this.next.read64(isPort, address));
  }

  write64(isPort: boolean, address: number, value: bigint): void {
    this.measure(isPort, address, true, () => this.next.write64(isPort, address, value));
  }

  readBytes(isPort: boolean, address: number, target: Uint8Array): void {
    this.measure(isPort, address, false, () => this.next.readBytes(isPort, address, target));
  }

  writeBytes(isPort: boolean, address: number, source: Uint8Array): void {
    this.measure(isPort, address, true, () => this.next.writeBytes(isPort, address, source));
  }

  private measure<Result>(isPort: boolean, address: number, isWrite: boolean, access: () => Result): Result {
    const begin = hostNanoseconds();
    try {
      return access();
    } finally {
      this.add(keyOf(isPort, address, isWrite), hostNanoseconds() - begin);
    }
  }

  private add(key: string, nanoseconds: number): void {
    const row = this.measured.get(key);
    if (row === undefined) {
      this.measured.set(key, { calls: 1, hostNanoseconds: nanoseconds });
      return;
    }
    row.calls++;
    row.hostNanoseconds += nanoseconds;
  }
}

function keyOf(isPort: boolean, address: number, isWrite: boolean): string {
  if (isPort) return `${hex(address)}:${isWrite ? 'POUT' : 'PIN'}`;
  return `${hex(Math.floor(address / 4096) * 4096)}:${isWrite ? 'W' : 'R'}`;
}
