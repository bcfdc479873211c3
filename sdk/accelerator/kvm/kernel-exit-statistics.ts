import { LargestPort } from '../guest/operation.ts';
import { PageSize } from './abi.ts';

const Ports = LargestPort + 1;

/** One row of the exit table: how often it was sampled, and how many of those went to userspace. */
type ExitRowVisitor = (address: number, isWrite: boolean, samples: number, userspaceExits: number) => void;

/** The counters that are plain numbers; snapshots name them so. */
export const KernelCounters = [
  ...(['vmExits', 'userspaceExits', 'portUserspaceExits', 'memoryUserspaceExits', 'haltExits'] as const),
  ...(['interruptWindowExits', 'coalescedWrites', 'ringFullExits', 'ioeventfdSignals'] as const),
  ...(['interruptions', 'injectedInterrupts'] as const),
] as const;

/**
 * What leaves guest mode, counted where KVM counts it. A VM exit is one instruction that leaves guest mode. A userspace
 * exit is one return of KVM_RUN for it. A coalesced write is a VM exit and no userspace exit. A sample is what `perf kvm
 * stat` counts: an element of a string that writes, a batch of one that reads, a page of memory. Tables have a
 * fixed size.
 */
export class KernelExitStatistics {
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
  readonly #portSamples = new Float64Array(2 * Ports);
  readonly #portExits = new Float64Array(2 * Ports);
  readonly #pages = new PageRows();

  samplePort(port: number, isWrite: boolean): void {
    this.#portSamples[port * 2 + (isWrite ? 1 : 0)]!++;
  }

  exitPort(port: number, isWrite: boolean): void {
    this.userspaceExits++;
    this.portUserspaceExits++;
    this.#portExits[port * 2 + (isWrite ? 1 : 0)]!++;
  }

  sampleMemory(address: number, isWrite: boolean): void {
    this.#pages.sample(address, isWrite);
  }

  exitMemory(address: number, isWrite: boolean): void {
    this.userspaceExits++;
    this.memoryUserspaceExits++;
    this.#pages.exit(address, isWrite);
  }

  /** Visits the ports and directions that were used, in order. */
  forEachPort(visit: ExitRowVisitor): void {
    for (let row = 0; row < 2 * Ports; row++) {
      const samples = this.#portSamples[row]!;
      if (samples > 0) visit(row >> 1, (row & 1) === 1, samples, this.#portExits[row]!);
    }
  }

  /** Visits the pages and directions that were used, in order of address; what found no row comes last, as -1. */
  forEachPage(visit: ExitRowVisitor): void {
    this.#pages.forEach(visit);
  }

  /** Adds to a row, as much as another kernel had counted there; -1 is the row of pages that found none. */
  addRow(isPort: boolean, address: number, isWrite: boolean, samples: number, exits: number): void {
    if (!isPort) {
      this.#pages.add(address, isWrite, samples, exits);
      return;
    }
    this.#portSamples[address * 2 + (isWrite ? 1 : 0)]! += samples;
    this.#portExits[address * 2 + (isWrite ? 1 : 0)]! += exits;
  }

  reset(): void {
    for (const name of KernelCounters) this[name] = 0;
    this.#portSamples.fill(0);
    this.#portExits.fill(0);
    this.#pages.reset();
  }
}

/** Rows for pages and directions; a guest that touches more of them shares the overflow row of its direction. */
const MostPageRows = 8192;
/** 2 ** 14. */
const Slots = 2 * MostPageRows;
const Free = -1;
/** A guest cannot make one lookup slow: what finds no row within so many steps counts as overflow. */
const MostSteps = 32;

/** Samples and userspace exits per memory page and direction: an open-addressed table that never grows. */
export class PageRows {
  /** Page number * 2 + direction, which a double holds exactly. */
  readonly #keys = new Float64Array(Slots).fill(Free);
  readonly #samples = new Float64Array(Slots + 2);
  readonly #exits = new Float64Array(Slots + 2);
  #used = 0;
  #lastKey = Free;
  #lastSlot = 0;

  sample(address: number, isWrite: boolean): void {
    this.#samples[this.#slotOf(address, isWrite)]!++;
  }

  exit(address: number, isWrite: boolean): void {
    this.#exits[this.#slotOf(address, isWrite)]!++;
  }

  /** An address of -1 is the overflow row. */
  add(address: number, isWrite: boolean, samples: number, exits: number): void {
    const slot = address < 0 ? Slots + (isWrite ? 1 : 0) : this.#slotOf(address, isWrite);
    this.#samples[slot]! += samples;
    this.#exits[slot]! += exits;
  }

  forEach(visit: (address: number, isWrite: boolean, samples: number, exits: number) => void): void {
    const used: number[] = [];
    for (let slot = 0; slot < Slots; slot++) if (this.#keys[slot] !== Free) used.push(slot);
    used.sort((a, b) => this.#keys[a]! - this.#keys[b]!);
    for (const slot of used) {
      const key = this.#keys[slot]!;
      visit(Math.floor(key / 2) * PageSize, key % 2 === 1, this.#samples[slot]!, this.#exits[slot]!);
    }
    for (const direction of [0, 1]) {
      const slot = Slots + direction;
      if (this.#samples[slot]! > 0) visit(-1, direction === 1, this.#samples[slot]!, this.#exits[slot]!);
    }
  }

  reset(): void {
    this.#keys.fill(Free);
    this.#samples.fill(0);
    this.#exits.fill(0);
    this.#used = 0;
    this.#lastKey = Free;
  }

  #slotOf(address: number, isWrite: boolean): number {
    const key = Math.floor(address / PageSize) * 2 + (isWrite ? 1 : 0);
    if (key === this.#lastKey) return this.#lastSlot;
    let slot = startOf(key);
    for (let step = 0; this.#keys[slot] !== key; step++) {
      if (this.#keys[slot] === Free && this.#used < MostPageRows) {
        this.#used++;
        this.#keys[slot] = key;
        break;
      }
      if (this.#keys[slot] === Free || step === MostSteps) return Slots + (isWrite ? 1 : 0);
      slot = (slot + 1) % Slots;
    }
    this.#lastKey = key;
    this.#lastSlot = slot;
    return slot;
  }
}

/** Spreads keys over the slots: the upper 14 bits of a product with the golden ratio. */
function startOf(key: number): number {
  return Math.imul((key % 2 ** 32) ^ Math.floor(key / 2 ** 32), 0x9e37_79b1) >>> 18;
}
