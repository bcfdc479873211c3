import type { GuestImage } from '../../accelerator.ts';
import type { GuestSource } from '../../guest/operation.ts';
import { KvmRun } from '../abi.ts';
import type { KvmVcpu } from '../vm.ts';

/** A vCPU as the run loop sees it. */
export class ScheduledVcpu {
  /** What it was given: a program, or a guest that is under way. */
  image: GuestImage | undefined;
  /** What it executes. */
  guest: GuestSource | undefined;
  /** Executed HLT: only an interrupt makes it go on. */
  halted = false;
  /** Its guest has no more operations. */
  finished = false;
  /** Operations that it had executed when it was given its guest. */
  startedAt = 0;
  /** An exit has come back and was not carried out yet; it must be, whatever happens in between. */
  exitPending = false;

  constructor(readonly vcpu: KvmVcpu) {}

  get canRun(): boolean {
    return !this.halted && !this.finished;
  }

  get atItsEnd(): boolean {
    return isAtItsEnd(this.vcpu.id, this);
  }

  get interruptsEnabled(): boolean {
    return this.vcpu.run.getUint8(KvmRun.ifFlag) !== 0;
  }
}

/** Executes nothing more, whatever happens, until a reset. Interrupts reach vCPU 0 only. */
export function isAtItsEnd(
  vcpu: number,
  { halted, finished, interruptsEnabled }: Pick<ScheduledVcpu, 'halted' | 'finished' | 'interruptsEnabled'>,
): boolean {
  return finished || (halted && (vcpu !== 0 || !interruptsEnabled));
}

/** A turn of a vCPU among several is 1 to this many operations long. */
const LongestTurn = 32;

/**
 * Which vCPU has its turn, and for how many operations: decided by a seed, so that a run can be repeated. All vCPUs share
 * one guest time. What an operation of one takes passes for the others too, which execute nothing meanwhile. Two vCPUs
 * that pause for a second each take two seconds together. A turn ends early when vCPU 0 can take an interrupt. Then vCPU 0
 * is next, at the time of the interrupt, and the other one's pause goes on later.
 */
export class VcpuSchedule {
  readonly vcpus: ScheduledVcpu[] = [];
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** Where the sequence of decisions is. */
  get seed(): number {
    return this.state;
  }

  set seed(seed: number) {
    this.state = seed >>> 0;
  }

  /** Undefined when no vCPU can run. */
  next(): ScheduledVcpu | undefined {
    if (this.vcpus.length === 1) return this.vcpus[0]?.canRun ? this.vcpus[0] : undefined;
    let runnable = 0;
    for (const vcpu of this.vcpus) if (vcpu.canRun) runnable++;
    // While all wait no decision is made: how often the loop asks must not show.
    if (runnable === 0) return undefined;
    let chosen = this.random() % runnable;
    for (const vcpu of this.vcpus) if (vcpu.canRun && chosen-- === 0) return vcpu;
    return undefined;
  }

  turnLength(): number {
    return this.vcpus.length === 1 ? Number.POSITIVE_INFINITY : 1 + (this.random() % LongestTurn);
  }

  /** Mulberry32: 32 bits, every seed as good as another. */
  private random(): number {
    this.state = (this.state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }
}
