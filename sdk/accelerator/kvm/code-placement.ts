import { BackplaneError } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import { type AddressSpace, MemTxResult } from '../../memory/index.ts';
import type { CodeStart, GuestCode } from '../guest/code.ts';
import { VcpuRequest } from './abi.ts';
import { registersAt, setMode } from './processor-modes.ts';
import { specialRegistersAfterReset } from './reset-values.ts';
import { type KvmVcpu, type KvmVm, resetRegisters } from './vm.ts';

/** Puts guests in machine code where their vCPUs execute them, on whichever kernel: into RAM and ROM, and the vCPU at its entry. */
export class CodePlacement {
  constructor(
    private readonly vm: KvmVm,
    private readonly memory: AddressSpace,
    /** Where long mode's page tables are; makes them. */
    private readonly longModeTables: () => number,
  ) {}

  /** @throws BackplaneError `no-memory-for-code` where the machine has no RAM or ROM for a piece. */
  place(vcpu: KvmVcpu, { name, pieces, start }: GuestCode): void {
    for (const { address, bytes } of pieces) {
      if (this.memory.writeRom(address, bytes) === MemTxResult.Ok) continue;
      throw new BackplaneError(
        'no-memory-for-code',
        `Guest '${name}': the machine has no RAM or ROM for its ${bytes.length} bytes at ${hex(address)}. Give another address, or the ` +
          'machine more RAM.',
      );
    }
    resetRegisters(this.vm, vcpu);
    if (start !== 'reset') this.begin(vcpu, start);
  }

  /** Puts a vCPU at this place. */
  begin(vcpu: KvmVcpu, { mode, entry, registers, segments }: CodeStart): void {
    const { vm } = this;
    const special = specialRegistersAfterReset(vcpu.id, vm.hasLocalApic);
    setMode(special, mode, entry, mode === 'long' ? this.longModeTables() : 0, segments);
    vm.call(vcpu.fd, VcpuRequest.SetSpecialRegisters, special, `put vCPU ${vcpu.id} into ${mode} mode`);
    const general = registersAt(entry, mode, registers);
    vm.call(vcpu.fd, VcpuRequest.SetRegisters, general, `set the registers of vCPU ${vcpu.id}`);
  }
}
