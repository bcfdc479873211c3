import type { AddressSpace } from '../memory/index.ts';

/** A region of the device as the guest reaches it, by offsets from the region's start. */
export class RegionWindow {
  constructor(
    private readonly space: AddressSpace,
    readonly address: number,
  ) {}

  /** 1, 2 or 4 bytes as a number, 8 as a bigint. */
  read(offset: number, size: number): number | bigint {
    return size === 8 ? this.read64(offset) : this.space.read(this.address + offset, size);
  }

  /** As wide as `size` says. */
  write(offset: number, value: number | bigint, size: number): void {
    if (size === 8) this.write64(offset, BigInt(value));
    else this.space.write(this.address + offset, Number(value), size);
  }

  read8(offset = 0): number {
    return this.space.read(this.address + offset, 1);
  }

  read16(offset = 0): number {
    return this.space.read(this.address + offset, 2);
  }

  read32(offset = 0): number {
    return this.space.read(this.address + offset, 4);
  }

  read64(offset = 0): bigint {
    return this.space.read64(this.address + offset);
  }

  write8(offset: number, value: number): void {
    this.space.write(this.address + offset, value, 1);
  }

  write16(offset: number, value: number): void {
    this.space.write(this.address + offset, value, 2);
  }

  write32(offset: number, value: number): void {
    this.space.write(this.address + offset, value, 4);
  }

  write64(offset: number, value: bigint): void {
    this.space.write64(this.address + offset, value);
  }
}
