import { BackplaneError } from '../base/errors.ts';
import { isMadeLate } from '../clock/index.ts';
import type { Device } from '../device/index.ts';
import { AddressSpace, MemoryRegion, MemoryTopology, type RamBlock, WholeSpace } from '../memory/index.ts';
import type { MachineOptionValues } from './wiring.ts';

/**
 * What a machine has before anything is plugged in: two empty address spaces, and what was asked for. Service modules
 * take it to lay out memory and ports. Devices do not: they ask for buses.
 */
export abstract class MachineBoard {
  abstract readonly topology: MemoryTopology;
  /** What the processor's loads and stores reach; its root is the container `system`. */
  abstract readonly memory: AddressSpace;
  /** What IN and OUT reach; its root is `io`, 64 KiB that read all ones. */
  abstract readonly io: AddressSpace;
  abstract readonly system: MemoryRegion;
  abstract readonly ports: MemoryRegion;
  /** Bytes of RAM asked for. */
  abstract readonly ramSize: number;
  /** The machine's own options, defaults filled in. */
  abstract readonly options: MachineOptionValues;
}

/** A machine with nothing in it: two roots, two address spaces. */
export class EmptyBoard extends MachineBoard {
  readonly topology: MemoryTopology;
  readonly system: MemoryRegion;
  readonly ports: MemoryRegion;
  readonly memory: AddressSpace;
  readonly io: AddressSpace;
  /** Every block of RAM or ROM that the machine was given, by name; the second of a name is numbered. */
  readonly ramBlocks = new Map<string, RamBlock>();
  readonly ramOwners = new RamOwners();

  constructor(
    allocateRam: MemoryTopology['allocateRam'],
    readonly ramSize: number,
    readonly options: MachineOptionValues,
  ) {
    super();
    this.topology = new MemoryTopology();
    this.topology.allocateRam = (size, name) => {
      const inherited = this.ramOwners.inherit(name, size);
      if (inherited !== undefined) return inherited;
      if (isMadeLate(this.topology.handlerDepth > 0)) throw lateRam(name);
      const block = allocateRam(size, name);
      const fullName = this.ramOwners.fullName(name);
      let unique = fullName;
      for (let number = 2; this.ramBlocks.has(unique); number++) unique = `${fullName}-${number}`;
      this.ramBlocks.set(unique, block);
      this.ramOwners.note(name, size, block);
      return block;
    };
    this.system = MemoryRegion.container(this.topology, 'system', WholeSpace);
    this.ports = MemoryRegion.unassignedPorts(this.topology, 'io');
    this.memory = new AddressSpace(this.topology, 'memory', this.system);
    this.io = new AddressSpace(this.topology, 'I/O', this.ports);
  }

  /**
   * Gives the memory back to the host at once. The container keeps what it made until the present job of the event loop ends, and
   * a loop that makes machines would hold the memory of all of them.
   */
  dispose(): void {
    for (const { bytes } of this.ramBlocks.values()) {
      const { buffer } = bytes;
      if (buffer instanceof ArrayBuffer) structuredClone(buffer, { transfer: [buffer] });
    }
    this.ramBlocks.clear();
    for (const space of [...this.topology.addressSpaces]) space.dispose();
  }

  /** The device is gone, and its RAM with it, but for what another one has inherited from it, or left to it. */
  forgetRamOf(device: Device, other?: Device): void {
    const kept = other === undefined ? [] : this.ramOwners.blocksOf(other);
    const blocks = this.ramOwners.blocksOf(device).filter((block) => !kept.includes(block));
    for (const [name, block] of this.ramBlocks) if (blocks.includes(block)) this.ramBlocks.delete(name);
  }
}

function lateRam(name: string): BackplaneError {
  return new BackplaneError(
    'late-ram',
    `RAM '${name}' is made by a device that runs already, in a handler, a hook, a callback or reset(): a guest could make more and ` +
      'more of it, and no snapshot could bring it back. Make it in onRealize(), and map it here.',
  );
}

interface OwnedBlock {
  readonly name: string;
  readonly size: number;
  readonly block: RamBlock;
}

/** A device, and what the machine calls it. */
interface Owner {
  readonly id: string;
  readonly device: Device;
}

/** Remembers which RAM a device asked for while it was realized, so that its successor gets the same, contents and all. */
export class RamOwners {
  private readonly owned = new WeakMap<Device, readonly OwnedBlock[]>();
  private owner: string | undefined;
  private current: OwnedBlock[] = [];
  private heirlooms: OwnedBlock[] = [];

  /**
   * Realizes a device; what it allocates meanwhile is its own. With a predecessor, it is that one's as far as it matches;
   * answers how to put back what was in it.
   */
  realize({ id, device }: Owner, work: () => void, predecessor?: Device): () => void {
    const inherited = (predecessor && this.owned.get(predecessor)) ?? [];
    const contents = inherited.map(({ block }) => block.bytes.slice());
    const putBack = () =>
      inherited.forEach(({ block }, index) => {
        block.bytes.set(contents[index] as Uint8Array);
      });
    this.owner = id;
    this.current = [];
    this.heirlooms = [...inherited];
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
      this.current = this.heirlooms = [];
    }
  }

  /** What the guest has stored would be gone without a word. */
  private refuseLoss(id: string): void {
    const [lost] = this.heirlooms;
    if (lost === undefined) return;
    throw new BackplaneError(
      'replacement-mismatch',
      `Device '${id}' cannot take over its memory: '${lost.name}' has ${lost.size} bytes, and the new class asks for none of ` +
        'that name and size. Keep both, or start the machine again.',
    );
  }

  /** The predecessor's block of that name and size, once. */
  inherit(name: string, size: number): RamBlock | undefined {
    const index = this.heirlooms.findIndex((one) => one.name === name && one.size === size);
    const [found] = index < 0 ? [] : this.heirlooms.splice(index, 1);
    if (found !== undefined) this.current.push(found);
    return found?.block;
  }

  note(name: string, size: number, block: RamBlock): void {
    this.current.push({ name, size, block });
  }

  /** What a block is called in the machine: after the device that asks for it, so that it is called the same whoever came before. */
  fullName(name: string): string {
    return this.owner === undefined ? name : `${this.owner}.${name}`;
  }

  blocksOf(device: Device): readonly RamBlock[] {
    return (this.owned.get(device) ?? []).map(({ block }) => block);
  }
}
