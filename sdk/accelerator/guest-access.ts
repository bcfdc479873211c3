import { hex, sentence } from '../base/text.ts';
import { LateTimer } from '../clock/index.ts';
import {
  type AddressSpace,
  BackplaneError,
  DeviceFailure,
  describeThrown,
  type MemorySection,
} from '../memory/index.ts';

/** How the guest's accesses reach the machine: by address, from exits and from the ring alike. */
export interface GuestAccess {
  /** 1, 2 or 4 bytes. */
  read(isPort: boolean, address: number, size: number): number;
  write(isPort: boolean, address: number, value: number, size: number): void;
  read64(isPort: boolean, address: number): bigint;
  write64(isPort: boolean, address: number, value: bigint): void;
  /** Any other width: the parts of an access that crosses a page. */
  readBytes(isPort: boolean, address: number, target: Uint8Array): void;
  writeBytes(isPort: boolean, address: number, source: Uint8Array): void;
}

/**
 * Straight into the machine's two address spaces. A handler that throws is its author's mistake: the error that comes
 * out names the device, the region and the offset, and holds the original as its cause.
 */
export class MachineAccess implements GuestAccess {
  constructor(
    private readonly memory: AddressSpace,
    private readonly io: AddressSpace,
  ) {}

  read(isPort: boolean, address: number, size: number): number {
    const space = isPort ? this.io : this.memory;
    try {
      return space.read(address, size);
    } catch (error) {
      throw handlerFailure(space, 'read', address, size, error);
    }
  }

  write(isPort: boolean, address: number, value: number, size: number): void {
    const space = isPort ? this.io : this.memory;
    try {
      space.write(address, value, size);
    } catch (error) {
      throw handlerFailure(space, 'write', address, size, error);
    }
  }

  read64(isPort: boolean, address: number): bigint {
    const space = isPort ? this.io : this.memory;
    try {
      return space.read64(address);
    } catch (error) {
      throw handlerFailure(space, 'read', address, 8, error);
    }
  }

  write64(isPort: boolean, address: number, value: bigint): void {
    const space = isPort ? this.io : this.memory;
    try {
      space.write64(address, value);
    } catch (error) {
      throw handlerFailure(space, 'write', address, 8, error);
    }
  }

  readBytes(isPort: boolean, address: number, target: Uint8Array): void {
    const space = isPort ? this.io : this.memory;
    try {
      space.readBytes(address, target);
    } catch (error) {
      throw handlerFailure(space, 'read', address, target.length, error);
    }
  }

  writeBytes(isPort: boolean, address: number, source: Uint8Array): void {
    const space = isPort ? this.io : this.memory;
    try {
      space.writeBytes(address, source);
    } catch (error) {
      throw handlerFailure(space, 'write', address, source.length, error);
    }
  }
}

function handlerFailure(space: AddressSpace, verb: string, address: number, size: number, cause: unknown): Error {
  const section = space.lookup(address);
  const where = section === undefined ? `${space.name} at ${hex(address)}` : describeSection(section, address);
  // What the SDK refused says itself what to change.
  const isOurs = cause instanceof BackplaneError || cause instanceof LateTimer;
  const advice = isOurs ? '' : ' A handler must answer every guest; report what the guest did wrong with guestError().';
  return new DeviceFailure(
    `${where}: the handler of a ${verb} of ${size} ${size === 1 ? 'byte' : 'bytes'} threw: ${sentence(describeThrown(cause))}${advice}`,
    section?.region.owner,
    cause,
  );
}

function describeSection(section: MemorySection, address: number): string {
  const { region } = section;
  const offset = hex(section.offsetInRegion + address - section.start);
  const owner = region.owner === undefined ? '' : `Device '${region.owner.id}', `;
  return `${owner}region '${region.name}', offset ${offset}`;
}
