import { LargestPort } from '../../guest/operation.ts';
import { PageSize } from '../abi.ts';
import type { ExitRows, ExitRowVisitor, KernelCounts } from '../kernel-counts.ts';

/** The counters that are plain numbers; snapshots name them so. */
export const KernelCounters = [
  ...(['vmExits', 'userspaceExits', 'portUserspaceExits', 'memoryUserspaceExits', 'haltExits'] as const),
  ...(['interruptWindowExits', 'coalescedWrites', 'ringFullExits', 'ioeventfdSignals'] as const),
  ...(['interruptions', 'injectedInterrupts'] as const),
] as const;

/**
 * What leaves guest mode, counted where KVM counts it. A VM exit is one instruction that leaves guest mode. A userspace
 * exit is one return of KVM_RUN for it. A coalesced write is a VM exit and no userspace exit. A sample is what `perf kvm
 * stat` counts: an element of a string that writes, a batch of one that reads, a page of memory. Tables grow
 * with what a guest uses, up to a fixed size.
 */
export class KernelExitStatistics implements KernelCounts, ExitRows {
  /** Every instruction that left guest mode. A rep string that stays in the kernel is one. */
  vmExits = 0;
  /** Returns of KVM_RUN with an exit; interruptions (kicks, slices, the guest's end) are not exits. */
  userspaceExits = 0;
  portUserspaceExits = 0;
  memoryUserspaceExits = 0;
  haltExits = 0;
  interruptWindowExits = 0;
  coalescedWrites = 0;
  /** Exits of writes that a zone matched and the ring had no room for. */
  ringFullExits = 0;
  ioeventfdSignals = 0;
  /** EINTR returns that a kick or a deadline caused. */
  interruptions = 0;
  injectedInterrupts = 0;
  readonly #ports = new PortRows();
  readonly #pages = new PageRows();

  samplePort(port: number, isWrite: boolean): void {
    this.#ports.sample(port, isWrite);
  }

  exitPort(port: number, isWrite: boolean): void {
    this.userspaceExits++;
    this.portUserspaceExits++;
    this.#ports.exit(port, isWrite);
  }

  sampleMemory(address: number, isWrite: boolean): void {
    this.#pages.sample(address, isWrite);
  }

  exitMemory(address: number, isWrite: boolean): void {
    this.userspaceExits++;
    this.memoryUserspaceExits++;
    this.#pages.exit(address, isWrite);
  }

  get rows(): ExitRows {
    return this;
  }

  forEachPort(visit: ExitRowVisitor): void {
    this.#ports.forEach(visit);
  }

  forEachPage(visit: ExitRowVisitor): void {
    this.#pages.forEach(visit);
  }

  /** Adds to a row, as much as another kernel had counted there; -1 is the row of pages that found none. */
  addRow(isPort: boolean, address: number, isWrite: boolean, samples: number, exits: number): void {
    (isPort ? this.#ports : this.#pages).add(address, isWrite, samples, exits);
  }

  reset(): void {
    for (const name of KernelCounters) this[name] = 0;
    this.#ports.reset();
    this.#pages.reset();
  }
}

/** The table of ports has room for so many: for those of ISA devices, of a PC's chipset, for all. */
const PortRoom = [0x400, 0x1000, LargestPort + 1];

/** Samples and userspace exits per port and direction, in a table that the first use of a higher port makes longer. */
class PortRows {
  #samples = new Float64Array(0);
  #exits = new Float64Array(0);

  sample(port: number, isWrite: boolean): void {
    const row = port * 2 + (isWrite ? 1 : 0);
    if (row >= this.#samples.length) this.#grow(port);
    this.#samples[row]!++;
  }

  exit(port: number, isWrite: boolean): void {
    const row = port * 2 + (isWrite ? 1 : 0);
    if (row >= this.#exits.length) this.#grow(port);
    this.#exits[row]!++;
  }

  add(port: number, isWrite: boolean, samples: number, exits: number): void {
    const row = port * 2 + (isWrite ? 1 : 0);
    if (row >= this.#samples.length) this.#grow(port);
    this.#samples[row]! += samples;
    this.#exits[row]! += exits;
  }

  forEach(visit: ExitRowVisitor): void {
    this.#samples.forEach((samples, row) => {
      if (samples > 0) visit(row >> 1, (row & 1) === 1, samples, this.#exits[row]!);
    });
  }

  reset(): void {
    this.#samples.fill(0);
    this.#exits.fill(0);
  }

  #grow(port: number): void {
    const room = PortRoom.find((ports) => port < ports)!;
    this.#samples = longer(this.#samples, 2 * room);
    this.#exits = longer(this.#exits, 2 * room);
  }
}

function longer(table: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const grown = new Float64Array(length);
  grown.set(table);
  return grown;
}

/** The table of pages has so many slots at first, and doubles while half of them are used. */
const FewestSlots = 2 ** 7;
/** Half of them hold pages and directions; a guest that touches more of them shares the overflow row of its direction. */
const MostSlots = 2 ** 14;
const Free = -1;
/** A guest cannot make one lookup slow: what finds no slot within so many steps counts as overflow. */
const MostSteps = 32;
/** The overflow rows come first, one for each direction; the row of each slot follows. */
const OverflowRows = 2;

/** Samples and userspace exits per memory page and direction: an open-addressed table that grows up to a fixed size. */
export class PageRows {
  /** Page number * 2 + direction, which a double holds exactly. */
  #keys = new Float64Array(0);
  #samples = new Float64Array(OverflowRows);
  #exits = new Float64Array(OverflowRows);
  #used = 0;
  #lastKey = Free;
  #lastRow = 0;

  sample(address: number, isWrite: boolean): void {
    const row = this.#rowOf(address, isWrite);
    this.#samples[row]!++;
  }

  exit(address: number, isWrite: boolean): void {
    const row = this.#rowOf(address, isWrite);
    this.#exits[row]!++;
  }

  /** An address of -1 is the overflow row. */
  add(address: number, isWrite: boolean, samples: number, exits: number): void {
    const row = address < 0 ? overflowRow(isWrite) : this.#rowOf(address, isWrite);
    this.#samples[row]! += samples;
    this.#exits[row]! += exits;
  }

  forEach(visit: ExitRowVisitor): void {
    const used: number[] = [];
    for (let slot = 0; slot < this.#keys.length; slot++) if (this.#keys[slot] !== Free) used.push(slot);
    used.sort((a, b) => this.#keys[a]! - this.#keys[b]!);
    for (const slot of used) {
      const key = this.#keys[slot]!;
      const row = OverflowRows + slot;
      visit(Math.floor(key / 2) * PageSize, key % 2 === 1, this.#samples[row]!, this.#exits[row]!);
    }
    for (const isWrite of [false, true]) {
      const row = overflowRow(isWrite);
      if (this.#samples[row]! > 0) visit(-1, isWrite, this.#samples[row]!, this.#exits[row]!);
    }
  }

  reset(): void {
    this.#keys.fill(Free);
    this.#samples.fill(0);
    this.#exits.fill(0);
    this.#used = 0;
    this.#lastKey = Free;
  }

  #rowOf(address: number, isWrite: boolean): number {
    const key = Math.floor(address / PageSize) * 2 + (isWrite ? 1 : 0);
    if (key === this.#lastKey) return this.#lastRow;
    const slot = this.#slotOf(key);
    if (slot < 0) return overflowRow(isWrite);
    this.#lastKey = key;
    this.#lastRow = OverflowRows + slot;
    return this.#lastRow;
  }

  /** The key's slot, claimed if it has none yet; -1 where there is no room for it. */
  #slotOf(key: number): number {
    const slots = this.#keys.length;
    let slot = startOf(key, slots);
    for (let step = 0; step <= MostSteps && slots > 0; step++) {
      const found = this.#keys[slot];
      if (found === key) return slot;
      if (found === Free && this.#used * 2 < slots) {
        this.#used++;
        this.#keys[slot] = key;
        return slot;
      }
      if (found === Free) break;
      slot = (slot + 1) % slots;
    }
    if (slots >= MostSlots) return -1;
    this.#grow();
    return this.#slotOf(key);
  }

  #grow(): void {
    const [keys, samples, exits] = [this.#keys, this.#samples, this.#exits];
    const slots = Math.max(FewestSlots, 2 * keys.length);
    this.#keys = new Float64Array(slots);
    this.#samples = new Float64Array(OverflowRows + slots);
    this.#exits = new Float64Array(OverflowRows + slots);
    this.reset();
    for (const isWrite of [false, true])
      this.add(-1, isWrite, samples[overflowRow(isWrite)]!, exits[overflowRow(isWrite)]!);
    keys.forEach((key, slot) => {
      const row = OverflowRows + slot;
      if (key !== Free) this.add(Math.floor(key / 2) * PageSize, key % 2 === 1, samples[row]!, exits[row]!);
    });
  }
}

const overflowRow = (isWrite: boolean): number => (isWrite ? 1 : 0);

/** Spreads keys over the slots, a power of two: the upper bits of a product with the golden ratio. */
function startOf(key: number, slots: number): number {
  return Math.imul(key ^ Math.floor(key / 2 ** 32), 0x9e37_79b1) >>> (Math.clz32(slots) + 1);
}
