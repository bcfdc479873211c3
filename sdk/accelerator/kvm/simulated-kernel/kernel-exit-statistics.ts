import { LargestPort } from '../../guest/operation.ts';
import { PageRows } from './page-rows.ts';

const Ports = LargestPort + 1;

/** One row of the exit table: how often it was sampled, and how many of those went to userspace. */
export type ExitRowVisitor = (address: number, isWrite: boolean, samples: number, userspaceExits: number) => void;

/**
 * What leaves guest mode, counted where KVM counts it.
 *
 * A VM exit is one instruction that leaves guest mode; a userspace exit is one return of KVM_RUN for it. A coalesced
 * write is a VM exit and no userspace exit. A sample is what `perf kvm stat` counts: one per element of a string that
 * writes, one per batch of a string that reads, one per page of a memory access. Tables have a fixed size.
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
    this.vmExits = this.userspaceExits = this.portUserspaceExits = this.memoryUserspaceExits = 0;
    this.haltExits = this.interruptWindowExits = this.coalescedWrites = this.ringFullExits = 0;
    this.ioeventfdSignals = this.interruptions = this.injectedInterrupts = 0;
    this.#portSamples.fill(0);
    this.#portExits.fill(0);
    this.#pages.reset();
  }
}
