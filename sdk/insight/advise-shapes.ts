import type { Machine } from '../machine/index.ts';
import type { AddressSpace, MemoryRegion, MemorySection } from '../memory/index.ts';

/** Writes of one width to one address that leave for userspace, and what they did when they were delivered. */
export interface WriteShape {
  readonly isPort: boolean;
  readonly address: number;
  readonly size: number;
  /** The device's region that takes them; undefined where the machine models no device. */
  readonly region: MemoryRegion | undefined;
  /** In the region, or the address itself where there is none. */
  readonly offset: number;
  /** One range of the map holds all of it, as a zone must. */
  readonly whole: boolean;
  writes: number;
  /** How many of the writes moved the memory map, moved one of their device's interrupt pins, or a timer. */
  mapMoves: number;
  pinMoves: number;
  timerMoves: number;
}

/** Finds who takes a write, in the map as it is now, and keeps one shape for all writes that are alike. */
export class WriteShapes {
  readonly all: WriteShape[] = [];
  private readonly known = new Map<string, number>();
  private readonly sections: (MemorySection | undefined)[] = [undefined, undefined];

  constructor(private readonly machine: Machine) {}

  /** The map changed. */
  forget(): void {
    this.sections.fill(undefined);
  }

  sectionAt(isPort: boolean, address: number): MemorySection | undefined {
    const last = this.sections[isPort ? 1 : 0];
    if (last !== undefined && address >= last.start && address < last.start + last.size) return last;
    const space: AddressSpace = isPort ? this.machine.io : this.machine.memory;
    const section = space.lookup(address);
    this.sections[isPort ? 1 : 0] = section;
    return section;
  }

  indexOf(isPort: boolean, address: number, size: number, section: MemorySection | undefined): number {
    const region = section === undefined || section.region.owner === undefined ? undefined : section.region;
    const offset =
      region === undefined || section === undefined ? address : address - section.start + section.offsetInRegion;
    const whole = section === undefined || address + size <= section.start + section.size;
    const key = `${isPort} ${address} ${size} ${region?.owner?.id} ${region?.name} ${offset} ${whole}`;
    let index = this.known.get(key);
    if (index === undefined) {
      index = this.all.length;
      this.known.set(key, index);
      const counts = { writes: 0, mapMoves: 0, pinMoves: 0, timerMoves: 0 };
      this.all.push({ isPort, address, size, region, offset, whole, ...counts });
    }
    return index;
  }
}
