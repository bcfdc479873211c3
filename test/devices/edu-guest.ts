import { expect } from 'vitest';
import { MiB } from '../../sdk/index.ts';
import type { Guest, GuestStep } from '../../sdk/runtime.ts';
import { PciFunction, startPics } from './pci-guest.ts';

/** Where the driver puts the card. */
export const EduBar = 0xe000_0000;
const IsaLine = 11;
export const EduMessageVector = 0x61;
export const EduRegister = {
  Identification: 0x00,
  Liveness: 0x04,
  Factorial: 0x08,
  Status: 0x20,
  InterruptStatus: 0x24,
  Raise: 0x60,
  Acknowledge: 0x64,
  Source: 0x80,
  Destination: 0x88,
  Count: 0x90,
  Command: 0x98,
} as const;

/** A driver in the guest, which knows nothing of the machine but that it is a PC. */
export class EduDriver {
  interrupts = 0;
  causes = 0;

  private constructor(private readonly card: PciFunction) {}

  static *probe(guest: Guest): GuestStep<EduDriver> {
    const card = yield* PciFunction.find(guest, 0x1234, 0x11e8);
    expect(yield* card.sizeOf(guest, 0)).toBe(1 * MiB);
    yield* card.enable(guest, EduBar);
    expect(yield* guest.load32(EduBar + EduRegister.Identification)).toBe(0x0100_00ed);
    return new EduDriver(card);
  }

  /** The interrupt by pin: through the bridge's routing to ISA line 11. */
  *usePin(guest: Guest): GuestStep<void> {
    const bridge = yield* PciFunction.find(guest, 0x8086, 0x7000);
    const pirq = (0 + this.card.slot - 1) & 3;
    const routes = yield* bridge.read32(guest, 0x60);
    yield* bridge.write32(guest, 0x60, ((routes & ~(0xff << (8 * pirq))) | (IsaLine << (8 * pirq))) >>> 0);
    yield* guest.out8(0x4d1, 1 << (IsaLine - 8));
    yield* startPics(guest, 2, IsaLine);
    const driver = this;
    guest.onInterrupt(0x28 + (IsaLine - 8), function* (g) {
      yield* driver.serve(g);
      yield* g.out8(0xa0, 0x20);
      yield* g.out8(0x20, 0x20);
    });
  }

  /** The interrupt by message: the processor's vector goes into the message's data. */
  *useMessages(guest: Guest): GuestStep<void> {
    const msi = yield* this.card.capability(guest, 0x05);
    yield* this.card.write32(guest, msi + 4, 0xfee0_0000);
    yield* this.card.write32(guest, msi + 8, 0);
    yield* this.card.write32(guest, msi + 12, EduMessageVector);
    yield* this.card.write16(guest, msi + 2, 0x0001);
    guest.onInterrupt(EduMessageVector, (g) => this.serve(g));
  }

  *serve(guest: Guest): GuestStep<void> {
    this.interrupts++;
    const causes = yield* guest.load32(EduBar + EduRegister.InterruptStatus);
    this.causes |= causes;
    yield* guest.store32(EduBar + EduRegister.Acknowledge, causes);
  }

  *factorial(guest: Guest, n: number): GuestStep<number> {
    yield* guest.store32(EduBar + EduRegister.Status, 0x80);
    yield* guest.store32(EduBar + EduRegister.Factorial, n);
    yield* this.wait(guest, 0x001);
    return yield* guest.load32(EduBar + EduRegister.Factorial);
  }

  *transfer(guest: Guest, source: number, destination: number, count: number, command: number): GuestStep<void> {
    yield* guest.store64(EduBar + EduRegister.Source, BigInt(source));
    yield* guest.store64(EduBar + EduRegister.Destination, BigInt(destination));
    yield* guest.store64(EduBar + EduRegister.Count, BigInt(count));
    yield* guest.store64(EduBar + EduRegister.Command, BigInt(command));
    yield* this.wait(guest, 0x100);
  }

  private *wait(guest: Guest, cause: number): GuestStep<void> {
    this.causes = 0;
    yield* guest.sti();
    while ((this.causes & cause) === 0) yield* guest.hlt();
    yield* guest.cli();
  }
}
