import { PciCommand, PciRegister } from '../../sdk/pci.ts';
import type { Guest, GuestStep } from '../../sdk/runtime.ts';

const Address = 0xcf8;
const Data = 0xcfc;
const Slots = 32;

/** What a driver needs of a PCI function: found by its identity, reached through mechanism #1, as on any PC. */
export class PciFunction {
  private constructor(readonly slot: number) {}

  /** Looks at function 0 of every slot. */
  static *find(guest: Guest, vendorId: number, deviceId: number): GuestStep<PciFunction> {
    for (let slot = 0; slot < Slots; slot++) {
      const candidate = new PciFunction(slot);
      if ((yield* candidate.read32(guest, PciRegister.VendorId)) === ((deviceId << 16) | vendorId) >>> 0)
        return candidate;
    }
    throw new Error(`no function ${vendorId.toString(16)}:${deviceId.toString(16)} on the bus`);
  }

  *read32(guest: Guest, register: number): GuestStep<number> {
    yield* guest.out32(Address, this.addressOf(register));
    return yield* guest.in32(Data);
  }

  *write32(guest: Guest, register: number, value: number): GuestStep<void> {
    yield* guest.out32(Address, this.addressOf(register));
    yield* guest.out32(Data, value);
  }

  *write16(guest: Guest, register: number, value: number): GuestStep<void> {
    yield* guest.out32(Address, this.addressOf(register));
    yield* guest.out16(Data + (register & 2), value);
  }

  /** How many bytes BAR `index` covers: written with ones, it answers with the address bits it has. */
  *sizeOf(guest: Guest, index: number): GuestStep<number> {
    const register = PciRegister.BaseAddress0 + 4 * index;
    yield* this.write32(guest, register, 0xffff_ffff);
    const answer = yield* this.read32(guest, register);
    return (~(answer & ((answer & 1) === 1 ? ~0x3 : ~0xf)) + 1) >>> 0;
  }

  /** Puts BAR 0 at the address, and lets the function decode it and be a bus master. */
  *enable(guest: Guest, address: number): GuestStep<void> {
    yield* this.write32(guest, PciRegister.BaseAddress0, address);
    yield* this.write16(guest, PciRegister.Command, PciCommand.Io | PciCommand.Memory | PciCommand.Master);
  }

  /** Walks the list of capabilities. */
  *capability(guest: Guest, id: number): GuestStep<number> {
    let offset = (yield* this.read32(guest, PciRegister.CapabilityPointer)) & 0xff;
    while (offset !== 0) {
      const header = yield* this.read32(guest, offset);
      if ((header & 0xff) === id) return offset;
      offset = (header >>> 8) & 0xff;
    }
    throw new Error(`no capability ${id}`);
  }

  private addressOf(register: number): number {
    return (0x8000_0000 | (this.slot << 11) | (register & 0xfc)) >>> 0;
  }
}

/** Starts both PICs with edges, vectors from 0x20 and 0x28, and lets these lines through. */
export function* startPics(guest: Guest, ...lines: readonly number[]): GuestStep<void> {
  let mask = 0xfffb;
  for (const line of lines) mask &= ~(1 << line);
  for (const [port, vector, cascade] of [
    [0x20, 0x20, 0x04],
    [0xa0, 0x28, 0x02],
  ] as const) {
    yield* guest.out8(port, 0x11);
    for (const word of [vector, cascade, 0x01]) yield* guest.out8(port + 1, word);
  }
  yield* guest.out8(0x21, mask & 0xff);
  yield* guest.out8(0xa1, mask >>> 8);
}
