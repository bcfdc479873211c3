import { BackplaneError } from '../base/errors.ts';
import { isMadeLate } from '../clock/index.ts';
import type { Device } from '../device/index.ts';
import { AddressSpace, MemoryRegion, MemoryTopology, type RamBlock, WholeSpace } from '../memory/index.ts';
import type { FirmwareImage } from './firmware-image.ts';
import type { MachineOptionValues } from './wiring.ts';

/**
 * A machine before its devices are plugged in: two empty address spaces, the RAM size, the options. Service modules inject it
 * to lay out memory and ports. Devices inject buses instead.
 */
export abstract class MachineBoard {
  abstract readonly topology: MemoryTopology;
  /** The processor's memory; its root is the container `system`. */
  abstract readonly memory: AddressSpace;
  /** The processor's ports; its root is `io`, 64 KiB that read all ones. */
  abstract readonly io: AddressSpace;
  abstract readonly system: MemoryRegion;
  abstract readonly ports: MemoryRegion;
  /** Bytes of RAM asked for. */
  abstract readonly ramSize: number;
  /** The machine's own options, defaults filled in. */
  abstract readonly options: MachineOptionValues;
  /** The image for its ROM; undefined is none. A board that has no ROM leaves it, and is refused with one. */
  abstract readonly firmware: FirmwareImage;
}

/** A machine with nothing in it: two roots, two address spaces. */
export class EmptyBoard extends MachineBoard {
  readonly topology = new MemoryTopology();
  readonly system = MemoryRegion.container(this.topology, 'system', WholeSpace);
  readonly ports = MemoryRegion.unassignedPorts(this.topology, 'io');
  readonly memory = new AddressSpace(this.topology, 'memory', this.system);
  readonly io = new AddressSpace(this.topology, 'I/O', this.ports);
  /** All blocks of RAM and ROM by name; the second block of a name has a number. */
  readonly ramBlocks = new Map<string, RamBlock>();
  readonly ramOwners = new RamOwners();
  private hasRam = false;

  constructor(
    allocateRam: (size: number, name: string, isMachineRam: boolean) => RamBlock,
    readonly ramSize: number,
    readonly options: MachineOptionValues,
    readonly firmware: FirmwareImage,
  ) {
    super();
    this.topology.allocateRam = (size, name) => {
      const inherited = this.ramOwners.inherit(name, size);
      if (inherited !== undefined) return inherited;
      if (isMadeLate(this.topology.handlerDepth > 0)) throw lateRam(name);
      const block = allocateRam(size, name, this.isMachineRam(size));
      const fullName = this.ramOwners.fullName(name);
      let unique = fullName;
      for (let number = 2; this.ramBlocks.has(unique); number++) unique = `${fullName}-${number}`;
      this.ramBlocks.set(unique, block);
      this.ramOwners.note(name, size, block);
      return block;
    };
  }

  /**
   * Gives the memory back to the host at once. The container keeps its services until the current job of the event loop ends: a
   * loop that makes machines would hold all their memory.
   */
  dispose(): void {
    for (const { bytes } of this.ramBlocks.values()) {
      const { buffer } = bytes;
      // A block in the memory of something else goes with that.
      const isWhole = bytes.byteOffset === 0 && bytes.byteLength === buffer.byteLength;
      if (buffer instanceof ArrayBuffer && isWhole) structuredClone(buffer, { transfer: [buffer] });
    }
    this.ramBlocks.clear();
    for (const space of [...this.topology.addressSpaces]) space.dispose();
  }

  /** The first block of that size which is no device's: a processor for machine code has it in a place of its own. */
  private isMachineRam(size: number): boolean {
    if (this.hasRam || size !== this.ramSize || this.ramOwners.hasOwner) return false;
    this.hasRam = true;
    return true;
  }

  /** The device is gone, and its RAM with it, but for the blocks that `other` has too. */
  forgetRamOf(device: Device, other?: Device): void {
    const kept = other === undefined ? [] : this.ramOwners.blocksOf(other);
    const blocks = this.ramOwners.blocksOf(device).filter((block) => !kept.includes(block));
    for (const [name, block] of this.ramBlocks) if (blocks.includes(block)) this.ramBlocks.delete(name);
  }
}

function lateRam(name: string): BackplaneError {
  return new BackplaneError(
    'late-ram',
    `RAM '${name}' is made by a device that runs already, in a handler, a hook, a callback or reset(). A guest could make more and ` +
      'more of it, and no snapshot could restore it. Make it in onRealize(), and map it here.',
  );
}

interface OwnedBlock {
  readonly name: string;
  readonly size: number;
  readonly block: RamBlock;
}

interface Owner {
  readonly id: string;
  readonly device: Device;
}

/** The RAM blocks that each device made while it was realized, so that a replacement inherits them with their contents. */
export class RamOwners {
  private readonly owned = new WeakMap<Device, readonly OwnedBlock[]>();
  private owner: string | undefined;
  private current: OwnedBlock[] = [];
  private unclaimed: OwnedBlock[] = [];

  /**
   * Realizes a device; the RAM that it makes meanwhile is its own. A replacement inherits the blocks of the old device by name and
   * size. Answers how to restore the contents of these.
   */
  realize({ id, device }: Owner, work: () => void, old?: Device): () => void {
    const inherited = (old && this.owned.get(old)) ?? [];
    const contents = inherited.map(({ block }) => block.bytes.slice());
    const putBack = () =>
      inherited.forEach(({ block }, index) => {
        block.bytes.set(contents[index] as Uint8Array);
      });
    this.owner = id;
    this.current = [];
    this.unclaimed = [...inherited];
    try {
      work();
      this.refuseLoss(id);
      return putBack;
    } catch (error) {
      putBack();
      throw error;
    } finally {
      this.owned.set(device, this.current);
      this.owner = undefined;
      this.current = this.unclaimed = [];
    }
  }

  /** The data that the guest has stored there would be lost silently. */
  private refuseLoss(id: string): void {
    const [lost] = this.unclaimed;
    if (lost === undefined) return;
    throw new BackplaneError(
      'replacement-mismatch',
      `Device '${id}' cannot inherit its memory: '${lost.name}' has ${lost.size} bytes, and the new class makes no RAM of ` +
        'that name and size. Keep both, or start the machine again.',
    );
  }

  /** The old device's block of that name and size, once. */
  inherit(name: string, size: number): RamBlock | undefined {
    const index = this.unclaimed.findIndex((one) => one.name === name && one.size === size);
    const [found] = index < 0 ? [] : this.unclaimed.splice(index, 1);
    if (found !== undefined) this.current.push(found);
    return found?.block;
  }

  note(name: string, size: number, block: RamBlock): void {
    this.current.push({ name, size, block });
  }

  /** A device is being realized. */
  get hasOwner(): boolean {
    return this.owner !== undefined;
  }

  /** The name of a block in the machine: with the id of its device, so that it does not depend on other devices. */
  fullName(name: string): string {
    return this.owner === undefined ? name : `${this.owner}.${name}`;
  }

  blocksOf(device: Device): readonly RamBlock[] {
    return (this.owned.get(device) ?? []).map(({ block }) => block);
  }
}
