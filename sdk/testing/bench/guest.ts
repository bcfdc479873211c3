import { type BankAccess, bankOf, type Device, inDeviceEvent, type RegisterBank } from '../../device/index.ts';
import type { AddressSpace } from '../../memory/index.ts';
import { refuseAccess } from '../../memory/region-checks.ts';

/** The address, where a guest can access it. */
function checked(address: number): number {
  return Number.isInteger(address) && address >= 0 && address < 2 ** 64 ? address : refuseAccess('Bench', address);
}

/** The guest's instructions, as a test gives them: by port and by address. */
export abstract class BenchGuest {
  constructor(
    /** The port space. */
    readonly io: AddressSpace,
    /** The memory space, with RAM behind the device's regions. */
    readonly memory: AddressSpace,
  ) {}

  in8(port: number): number {
    return this.io.read(checked(port), 1);
  }

  in16(port: number): number {
    return this.io.read(checked(port), 2);
  }

  in32(port: number): number {
    return this.io.read(checked(port), 4);
  }

  out8(port: number, value: number): void {
    this.io.write(checked(port), value, 1);
  }

  out16(port: number, value: number): void {
    this.io.write(checked(port), value, 2);
  }

  out32(port: number, value: number): void {
    this.io.write(checked(port), value, 4);
  }

  load8(address: number): number {
    return this.memory.read(checked(address), 1);
  }

  load16(address: number): number {
    return this.memory.read(checked(address), 2);
  }

  load32(address: number): number {
    return this.memory.read(checked(address), 4);
  }

  load64(address: number): bigint {
    return this.memory.read64(checked(address));
  }

  store8(address: number, value: number): void {
    this.memory.write(checked(address), value, 1);
  }

  store16(address: number, value: number): void {
    this.memory.write(checked(address), value, 2);
  }

  store32(address: number, value: number): void {
    this.memory.write(checked(address), value, 4);
  }

  store64(address: number, value: bigint): void {
    this.memory.write64(checked(address), value);
  }
}

/** A region of the device as the guest reaches it, by offsets from the region's start. */
export class RegionWindow {
  constructor(
    private readonly space: Pick<BankAccess, 'read' | 'write' | 'read64' | 'write64' | 'peek'>,
    readonly address: number,
  ) {}

  /** 1, 2 or 4 bytes as a number, 8 as a bigint. */
  read(offset: number, size: number): number | bigint {
    return size === 8 ? this.read64(offset) : this.space.read(checked(this.address + offset), size);
  }

  /** As wide as `size` says. */
  write(offset: number, value: number | bigint, size: number): void {
    if (size === 8) this.write64(offset, BigInt(value));
    else this.space.write(checked(this.address + offset), Number(value), size);
  }

  /** What a read of 1, 2 or 4 bytes would answer, without side effects; undefined where that is not known. */
  peek(offset: number, size: number): number | undefined {
    return this.space.peek(checked(this.address + offset), size);
  }

  read8(offset = 0): number {
    return this.space.read(checked(this.address + offset), 1);
  }

  read16(offset = 0): number {
    return this.space.read(checked(this.address + offset), 2);
  }

  read32(offset = 0): number {
    return this.space.read(checked(this.address + offset), 4);
  }

  read64(offset = 0): bigint {
    return this.space.read64(checked(this.address + offset));
  }

  write8(offset: number, value: number): void {
    this.space.write(checked(this.address + offset), value, 1);
  }

  write16(offset: number, value: number): void {
    this.space.write(checked(this.address + offset), value, 2);
  }

  write32(offset: number, value: number): void {
    this.space.write(checked(this.address + offset), value, 4);
  }

  write64(offset: number, value: bigint): void {
    this.space.write64(checked(this.address + offset), value);
  }
}

/** A bank of registers that is no region. As on its bus, each access is an event of the device: derived pins follow. */
export function bankWindow(device: Device, bank: RegisterBank): RegionWindow {
  const access = device.registerAccess(bank) ?? bankOf(device, bank);
  const events: ConstructorParameters<typeof RegionWindow>[0] = {
    read: (offset, size) => inDeviceEvent(device, () => access.read(offset, size)),
    write: (offset, value, size) => inDeviceEvent(device, () => access.write(offset, value, size)),
    read64: (offset) => inDeviceEvent(device, () => access.read64(offset)),
    write64: (offset, value) => inDeviceEvent(device, () => access.write64(offset, value)),
    peek: (offset, size) => access.peek(offset, size),
  };
  return new RegionWindow(events, 0);
}
