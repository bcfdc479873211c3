import { describe, expect, it } from 'vitest';
import { FlatBinary } from '../../sdk/accelerator/guest/flat-binary.ts';
import { Cpuid2, CpuidEntry2, SpecialRegisters, VcpuRequest } from '../../sdk/accelerator/kvm/abi.ts';
import { acceleratorOver } from '../../sdk/host-kvm/accelerator.ts';
import { Machine } from '../../sdk/machine/index.ts';
import { CpuidTable } from '../../sdk/processor/x86/cpuid.ts';
import { isapc } from '../small-machines.ts';
import { FakeLibc } from './fake-libc.ts';

const TimeStampCounter = 0x10;
const SysenterCs = 0x174;
const Efer = 0xc000_0080;
const TscAux = 0xc000_0103;

function machineWith(libc: FakeLibc): Machine {
  return Machine.create(isapc, { accelerator: acceleratorOver(libc) });
}

describe('a vCPU of the host', () => {
  it('has the MSRs of power-on again after a reset, also those behind one that the kernel refuses', () => {
    const libc = new FakeLibc();
    libc.msrs.set(TimeStampCounter, 5n).set(SysenterCs, 0n).set(Efer, 0x500n).set(TscAux, 7n);
    libc.refusedMsrs.add(SysenterCs).add(Efer);
    const machine = machineWith(libc);
    for (const index of libc.msrs.keys()) libc.msrs.set(index, 0xbadn);
    machine.reset();
    expect(Object.fromEntries(libc.msrs)).toEqual({
      [TimeStampCounter]: 5n,
      [SysenterCs]: 0xbadn,
      [Efer]: 0xbadn,
      [TscAux]: 7n,
    });
    machine.dispose();
  });

  it('is made where no MSR can be listed', () => {
    const libc = new FakeLibc({ call: 'GetMsrIndexList', errno: 7 });
    libc.msrs.set(TscAux, 7n);
    const machine = machineWith(libc);
    libc.msrs.set(TscAux, 0xbadn);
    machine.reset();
    expect(libc.msrs.get(TscAux)).toBe(0xbadn);
    machine.dispose();
  });

  it('is made after the pages that real mode needs on an Intel processor without unrestricted guests, which are placed once', () => {
    const libc = new FakeLibc();
    const machine = machineWith(libc);
    const halt = { name: 'halt', bytes: Uint8Array.of(0xf4) };
    machine.load(
      [0x1000, 0x2000, 0x3000].map((address) => new FlatBinary({ ...halt, address })),
      {},
    );
    const names = ['SetIdentityMapAddress', 'SetTssAddress', 'CreateVcpu'];
    const made = libc.calls.filter((name) => names.includes(name));
    expect(made).toEqual([...names, 'CreateVcpu', 'CreateVcpu']);
    machine.dispose();
  });

  /** What KVM_SET_CPUID2 and the last KVM_SET_SREGS had. */
  function toldTo(libc: FakeLibc): { cpuid: Map<number, number>; apicBase: bigint } {
    const cpuid = new Map<number, number>();
    const said = { cpuid, apicBase: 0n };
    const told = libc.ioctlStruct.bind(libc);
    libc.ioctlStruct = (fd, request, argument) => {
      const struct = new DataView(argument.buffer, argument.byteOffset, argument.byteLength);
      if (request === VcpuRequest.SetSpecialRegisters)
        said.apicBase = struct.getBigUint64(SpecialRegisters.apicBase, true);
      if (request === VcpuRequest.SetCpuid2) {
        for (let entry = 0; entry < struct.getUint32(Cpuid2.count, true); entry++) {
          const at = Cpuid2.header + entry * Cpuid2.entry;
          cpuid.set(struct.getUint32(at + CpuidEntry2.function, true), struct.getUint32(at + CpuidEntry2.edx, true));
        }
      }
      return told(fd, request, argument);
    };
    return said;
  }

  it('answers CPUID from the table that it is given, and has its local APIC disabled where the table shows none', () => {
    const [plain, given] = [new FakeLibc(), new FakeLibc()];
    const [usual, said] = [plain, given].map(toldTo);
    const machines = [
      machineWith(plain),
      Machine.create(isapc, { accelerator: acceleratorOver(given, { cpuid: CpuidTable }) }),
    ];
    for (const machine of machines) machine.reset();
    expect(said!.cpuid).toEqual(new Map(CpuidTable.map((entry) => [entry.function, entry.edx])));
    expect(said!.apicBase).toBe(0xfee0_0100n);
    expect(usual!.apicBase).toBe(0xfee0_0900n);
    for (const machine of machines) machine.dispose();
  });
});
