import { describe, expect, it } from 'vitest';
import { Registers, SpecialRegisters, StructSize, VcpuRequest } from '../../sdk/accelerator/kvm/abi.ts';
import { SimulatedKernel } from '../../sdk/accelerator/kvm/simulated-kernel/simulated-kernel.ts';
import { KvmVm, resetRegisters } from '../../sdk/accelerator/kvm/vm.ts';

describe('a processor', () => {
  const machine = () => {
    const vm = new KvmVm(new SimulatedKernel());
    const read = (vcpu: { fd: number }, request: number, size: number) => {
      const bytes = new Uint8Array(size);
      vm.call(vcpu.fd, request, bytes, 'read registers');
      return bytes;
    };
    const state = (vcpu: { fd: number }) => [
      read(vcpu, VcpuRequest.GetRegisters, StructSize.registers),
      read(vcpu, VcpuRequest.GetSpecialRegisters, StructSize.specialRegisters),
    ];
    return { vm, state };
  };

  it('has the same registers when it is new and after a reset', () => {
    const { vm, state } = machine();
    for (const vcpu of [vm.createVcpu(), vm.createVcpu()]) {
      const before = state(vcpu);
      vm.call(vcpu.fd, VcpuRequest.SetRegisters, new Uint8Array(StructSize.registers).fill(0x55), 'spoil');
      const special = new Uint8Array(StructSize.specialRegisters).fill(0x55);
      special.fill(0, SpecialRegisters.interruptBitmap);
      vm.call(vcpu.fd, VcpuRequest.SetSpecialRegisters, special, 'spoil');
      expect(state(vcpu)).not.toEqual(before);
      resetRegisters(vm, vcpu);
      expect(state(vcpu)).toEqual(before);
    }
  });

  it('begins at the reset vector with its signature in DX, and only the first is the one that starts the others', () => {
    const { vm, state } = machine();
    const apicBases = [vm.createVcpu(), vm.createVcpu()].map((vcpu) => {
      const [general, special] = state(vcpu).map((bytes) => new DataView(bytes.buffer));
      expect(general!.getUint32(Registers.rip, true)).toBe(0xfff0);
      expect(general!.getUint32(Registers.rdx, true)).toBe(0x600);
      expect(special!.getUint16(SpecialRegisters.gdt + 8, true)).toBe(0xffff);
      return special!.getUint32(SpecialRegisters.apicBase, true);
    });
    expect(apicBases).toEqual([0xfee0_0900, 0xfee0_0800]);
  });
});
