import type { AddressSpace } from '../memory/index.ts';

/** The guest's instructions, as a test gives them: by port and by address. */
export abstract class BenchGuest {
  constructor(
    /** The port space. */
    readonly io: AddressSpace,
    /** The memory space, with RAM behind the device's regions. */
    readonly memory: AddressSpace,
  ) {}

  in8(port: number): number {
    return this.io.read(port, 1);
  }

  in16(port: number): number {
    return this.io.read(port, 2);
  }

  in32(port: number): number {
    return this.io.read(port, 4);
  }

  out8(port: number, value: number): void {
    this.io.write(port, value, 1);
  }

  out16(port: number, value: number): void {
    this.io.write(port, value, 2);
  }

  out32(port: number, value: number): void {
    this.io.write(port, value, 4);
  }

  load8(address: number): number {
    return this.memory.read(address, 1);
  }

  load16(address: number): number {
    return this.memory.read(address, 2);
  }

  load32(address: number): number {
    return this.memory.read(address, 4);
  }

  load64(address: number): bigint {
    return this.memory.read64(address);
  }

  store8(address: number, value: number): void {
    this.memory.write(address, value, 1);
  }

  store16(address: number, value: number): void {
    this.memory.write(address, value, 2);
  }

  store32(address: number, value: number): void {
    this.memory.write(address, value, 4);
  }

  store64(address: number, value: bigint): void {
    this.memory.write64(address, value);
  }
}
