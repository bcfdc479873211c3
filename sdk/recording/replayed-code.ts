import type { MachineCode, MachineCodeVm } from '../accelerator/kvm/simulated-kernel/processor.ts';
import type { RunHeader } from './header.ts';
import { ReplayProcessor } from './replay-processor.ts';
import type { PlayedCode } from './replayed-access.ts';

/** Nanoseconds of an instruction, where the recording does not say it. */
const DefaultPlainCost = 10;

/** What plays the machine code of a recording; undefined where programs ran. */
export function replayedCode({ machineCode, accelerator }: RunHeader): ReplayedCode | undefined {
  return machineCode ? new ReplayedCode(accelerator?.plainCost ?? DefaultPlainCost) : undefined;
}

/** Plays recorded machine code in the place of a processor: it makes the recorded accesses, and executes nothing. */
export class ReplayedCode implements MachineCode {
  readonly name = 'recording';
  readonly cpuid = [];
  readonly msrs = [];
  readonly largestRam = Number.MAX_SAFE_INTEGER;
  /** Once there is a machine for it. */
  played: PlayedCode | undefined;

  /** Nanoseconds of guest time of an instruction. */
  constructor(readonly nsPerInstruction: number) {}

  create(): MachineCodeVm {
    return {
      memory: {
        allocate(size) {
          const bytes = new Uint8Array(size);
          return { bytes, view: new DataView(bytes.buffer) };
        },
        slotsChanged() {},
        written() {},
        findOverwritten: () => -1,
      },
      processor: (bus) => new ReplayProcessor(bus, this),
    };
  }
}
