import type { GuestImage } from '../accelerator/accelerator.ts';
import { KvmRun } from '../accelerator/kvm/abi.ts';
import { type Ending, halted } from '../accelerator/kvm/run-control.ts';
import type { KvmVcpu } from '../accelerator/kvm/vm.ts';
import type { PowerOnState } from './power-on-state.ts';

/** A vCPU of the host's kernel, and what it executes. */
export class HostVcpu {
  image: GuestImage | undefined;
  halted = false;
  /** Nothing is left to execute: the recording is over, or there never was a guest. */
  finished = true;
  exitPending = false;

  constructor(
    readonly vcpu: KvmVcpu,
    readonly powerOn: PowerOnState,
  ) {}

  get canRun(): boolean {
    return !this.halted && !this.finished;
  }

  get interruptsEnabled(): boolean {
    return this.vcpu.run.getUint8(KvmRun.ifFlag) !== 0;
  }
}

/** Whose turn it is among vCPUs that share a thread: one has it until it halts, or until a tick. */
export class VcpuTurns {
  private next = 0;

  constructor(private readonly vcpus: readonly HostVcpu[]) {}

  /** Undefined if no vCPU can run. */
  take(): HostVcpu | undefined {
    const { vcpus } = this;
    for (let tried = 0; tried < vcpus.length; tried++) {
      const index = (this.next + tried) % vcpus.length;
      const state = vcpus[index] as HostVcpu;
      if (!state.canRun) continue;
      this.next = index;
      return state;
    }
    return undefined;
  }

  /** The turn is over. */
  pass(): void {
    this.next++;
  }
}

/** No vCPU can go on, and no interrupt can change that. */
export function haltedForEver({ vcpu, finished }: HostVcpu, time: bigint): Ending {
  if (finished) {
    return halted(
      `HLT at ${time} ns of guest time: interrupts reach vCPU 0 only, and that one has no guest. Give it one, or let the others spin.`,
    );
  }
  return halted(
    `HLT of vCPU ${vcpu.id} at ${time} ns of guest time with interrupts disabled, which is the end of machine code. To wait for an interrupt, execute sti first.`,
  );
}
