import { describe, expect, it } from 'vitest';
import {
  Capability,
  Errno,
  ExitReason,
  InternalErrorExit,
  KvmRun,
  StructSize,
  SystemRequest,
  VcpuRequest,
} from '../../sdk/accelerator/kvm/abi.ts';
import { Interruption } from '../../sdk/accelerator/kvm/scheduled/kernel.ts';
import { KernelBench } from './kernel-bench.ts';
import { type ScriptedCode, type Step, scriptedCode } from './scripted-processor.ts';

const Vector = 0x21;

/** A kernel whose vCPU executes a script. */
class CodeBench extends KernelBench {
  constructor(
    readonly code: ScriptedCode,
    options = {},
  ) {
    super({ machineCode: code, ...options });
  }

  get processor() {
    return this.code.processors[0]!;
  }

  get vcpu() {
    return this.kernel.processor(this.vcpuFds[0]!);
  }

  /** Runs until an exit that is no slice or deadline: its description. */
  next(): string {
    const errno = this.run();
    return errno === 0 ? this.exit : `interrupted ${this.vcpu.interruption}`;
  }

  set windowWanted(on: boolean) {
    this.runPage.setUint8(KvmRun.requestInterruptWindow, on ? 1 : 0);
  }

  get ready(): boolean {
    return this.runPage.getUint8(KvmRun.readyForInterruptInjection) === 1;
  }

  interrupt(vector: number): number {
    const argument = new DataView(new ArrayBuffer(4));
    argument.setUint32(0, vector, true);
    return this.request(this.vcpuFds[0]!, VcpuRequest.Interrupt, argument);
  }
}

const bench = (script: readonly Step[], options = {}) => new CodeBench(scriptedCode(script), options);

describe('machine code on the simulated kernel', () => {
  it('leaves for userspace with each access, and gets what that has read', () => {
    const { counts } = bench([]).kernel;
    expect(counts.vmExits).toBe(0);
    const guest = bench([
      ['out', 0x80, 1, 7],
      ['in', 0x71, 1],
      ['store', 0xa_0000, 4, 0x1234],
      ['load', 0xa_0000, 2],
      ['hlt'],
    ]);
    expect(guest.next()).toBe('out 0x80/1');
    expect(guest.portPage.getUint8(0)).toBe(7);
    expect(guest.next()).toBe('in 0x71/1');
    guest.portPage.setUint8(0, 0x59);
    expect(guest.next()).toBe('write 0xa0000/4');
    expect(guest.next()).toBe('read 0xa0000/2');
    guest.runPage.setUint16(40, 0xbeef, true);
    expect(guest.next()).toBe(`exit ${ExitReason.Hlt}`);
    expect(guest.processor.reads).toEqual([0x59, 0xbeef]);
    expect(guest.vcpu.operations).toBe(5);
    expect(guest.kernel.counts).toMatchObject({ vmExits: 5, userspaceExits: 5, haltExits: 1, portUserspaceExits: 2 });
  });

  it('queues coalesced writes in the middle of an entry, each stamped with its own time', () => {
    const guest = bench([['run', 1000], ['out', 0x70, 1, 1], ['run', 500], ['out', 0x70, 1, 2], ['hlt']]);
    guest.zone(0x70, 1, 1);
    expect(guest.next()).toBe(`exit ${ExitReason.Hlt}`);
    const [vcpu = 0] = guest.vcpuFds;
    // 10 ns an instruction, that of the write with it, and 1,000 ns for the first access.
    expect(guest.kernel.queuedSince(vcpu, 0)).toBe(10_010);
    expect(guest.kernel.queuedSince(vcpu, 1)).toBe(10_010 + 1000 + 5010);
    expect(guest.drain().map(({ value }) => value)).toEqual([1, 2]);
    expect(guest.kernel.counts).toMatchObject({ vmExits: 3, userspaceExits: 1, coalescedWrites: 2 });
    expect(guest.processor.limits).toHaveLength(1);
  });

  it('counts what is taken once, and a write that the full ring refuses as one exit', () => {
    const writes = Array.from({ length: 172 }, (_, value): Step => ['out', 0x70, 1, value & 0xff]);
    const guest = bench([...writes, ['hlt']]);
    guest.zone(0x70, 1, 1);
    expect(guest.next()).toBe('out 0x70/1');
    expect(guest.kernel.counts).toMatchObject({ coalescedWrites: 169, ringFullExits: 1, vmExits: 170 });
    guest.drain();
    expect(guest.next()).toBe(`exit ${ExitReason.Hlt}`);
    expect(guest.kernel.counts).toMatchObject({ coalescedWrites: 171, ringFullExits: 1, vmExits: 173 });
    expect([...rowsOf(guest)]).toEqual([['0x70 write', 172, 1]]);
  });

  it('has the bytes of slots without an exit, and cannot store into a read-only one', () => {
    const guest = bench([
      ['store', 0x10_0010, 4, 0x1122_3344],
      ['load', 0x10_0010, 2],
      ['load', 0x20_0000, 1],
      ['store', 0x20_0000, 1, 0xff],
      ['hlt'],
    ]);
    const [ram, rom] = [0x4000, 0x1000].map((size) => guest.kernel.allocateGuestMemory(size));
    rom!.bytes[0] = 0x5a;
    guest.memorySlot({ id: 0, address: 0x10_0000, size: 0x4000, userspace: ram!.hostAddress });
    guest.memorySlot({ id: 1, flags: 2, address: 0x20_0000, size: 0x1000, userspace: rom!.hostAddress });
    expect(guest.next()).toBe('write 0x200000/1');
    expect(guest.processor.reads).toEqual([0x3344, 0x5a]);
    expect([ram!.view.getUint32(0x10, true), rom!.bytes[0]]).toEqual([0x1122_3344, 0x5a]);
    expect(guest.kernel.counts.vmExits).toBe(1);
  });

  it('spends 1 us a port access, queued or not, and what an option says', () => {
    const spent = (options: object, coalesced: boolean) => {
      const guest = bench([['out', 0x70, 1, 1], ['hlt']], options);
      if (coalesced) guest.zone(0x70, 1, 1);
      else guest.run();
      guest.run();
      return guest.kernel.now - 3410 - 20;
    };
    expect([spent({}, true), spent({}, false)]).toEqual([1000, 1000]);
    expect([spent({ costs: { isa: 250 } }, true), spent({ costs: { isa: 250 } }, false)]).toEqual([250, 250]);
  });

  it('spends the same on a store to a device, queued or not', () => {
    const spent = (coalesced: boolean) => {
      const guest = bench([['store', 0xd_0000, 4, 1], ['hlt']]);
      if (coalesced) guest.zone(0xd_0000, 4, 0);
      else expect(guest.next()).toBe('write 0xd0000/4');
      expect(guest.next()).toBe(`exit ${ExitReason.Hlt}`);
      return guest.kernel.now - 3410 - 20;
    };
    expect([spent(true), spent(false)]).toEqual([660, 660]);
  });

  it('spends 1 us an element of a string', () => {
    const guest = bench([['ins', 0x1f0, 512], ['outs', 0xe9, [1, 2, 3]], ['hlt']]);
    expect(guest.next()).toBe('in 0x1f0/1 x512');
    expect(guest.kernel.now).toBe(512_010);
    guest.portPage.setUint8(511, 9);
    expect(guest.next()).toBe('out 0xe9/1');
    expect(guest.processor.reads[511]).toBe(9);
    expect([guest.next(), guest.next()]).toEqual(['out 0xe9/1', 'out 0xe9/1']);
    expect(guest.kernel.now).toBe(515_020);
  });

  it('ends an entry with the slice or the next deadline, to within a block', () => {
    const guest = new CodeBench(scriptedCode([['run', 1_000_000], ['hlt']], { block: 7 }));
    guest.vcpu.slice = 100;
    expect(guest.next()).toBe(`interrupted ${Interruption.Slice}`);
    expect(guest.vcpu.operations).toBe(105);
    guest.vcpu.slice = Infinity;
    guest.kernel.kickAt(50_000);
    expect(guest.next()).toBe(`interrupted ${Interruption.Deadline}`);
    expect(guest.vcpu.operations).toBe(5005);
    expect(guest.kernel.now).toBe(50_050);
    expect(guest.kernel.counts.interruptions).toBe(1);
    expect(Math.max(...guest.processor.limits)).toBeLessThanOrEqual(16_384);
  });

  it('takes a queued interrupt at its entry, and is not ready in a shadow or with the flag clear', () => {
    const guest = bench([['in', 0x60, 1], ['sti'], ['in', 0x60, 1], ['in', 0x60, 1], ['hlt']]);
    guest.next();
    expect(guest.ready).toBe(false);
    guest.next();
    expect(guest.ready).toBe(true);
    expect(guest.interrupt(Vector)).toBe(0);
    guest.next();
    expect(guest.processor.vectors).toEqual([Vector]);
    expect(guest.kernel.counts.injectedInterrupts).toBe(1);
    expect(guest.ready).toBe(false);
  });

  it('opens a window at the first instruction that can be interrupted', () => {
    const guest = bench([['run', 10], ['sti'], ['run', 10], ['cli'], ['hlt']]);
    guest.windowWanted = true;
    expect(guest.next()).toBe(`exit ${ExitReason.IrqWindowOpen}`);
    // STI, and the instruction in its shadow.
    expect(guest.vcpu.operations).toBeGreaterThanOrEqual(12);
    expect(guest.ready).toBe(true);
    guest.interrupt(Vector);
    guest.windowWanted = false;
    expect(guest.next()).toBe(`exit ${ExitReason.Hlt}`);
    expect(guest.processor.vectors).toEqual([Vector]);
    expect(guest.kernel.counts.interruptWindowExits).toBe(1);
  });

  it('shows a shutdown, and says of an instruction that it does not have which bytes it is', () => {
    const shutdown = bench([['shutdown']]);
    expect([shutdown.next(), shutdown.next()]).toEqual([`exit ${ExitReason.Shutdown}`, `exit ${ExitReason.Shutdown}`]);
    expect(shutdown.vcpu.execution.failed).toBe(true);
    const failed = bench([['fail']]);
    expect(failed.next()).toBe(`exit ${ExitReason.InternalError}`);
    const { suberror, dataCount, data } = InternalErrorExit;
    const { runPage } = failed;
    expect([runPage.getUint32(suberror, true), runPage.getUint32(dataCount, true)]).toEqual([1, 3]);
    expect(runPage.getBigUint64(data, true)).toBe(1n);
    expect([runPage.getUint8(data + 8), runPage.getUint8(data + 9), runPage.getUint8(data + 10)]).toEqual([
      2, 0x0f, 0x0b,
    ]);
    expect(failed.vcpu.failure?.message).toContain('step 0');
  });

  it('ends an instruction of several parts before it is interrupted, and begins no other with immediate_exit', () => {
    const guest = bench([['sti'], ['run', 1], ['stores', 0xa_0000, 1], ['in', 0x60, 1], ['hlt']]);
    expect(guest.next()).toBe('write 0xa0000/4');
    expect(guest.ready).toBe(false);
    guest.runPage.setUint8(KvmRun.immediateExit, 1);
    expect(guest.next()).toBe('write 0xa0004/4');
    expect(guest.next()).toBe(`interrupted ${Interruption.ImmediateExit}`);
    expect(guest.ready).toBe(true);
    guest.runPage.setUint8(KvmRun.immediateExit, 0);
    expect(guest.next()).toBe('in 0x60/1');
  });

  it('finishes a string with immediate_exit, element by element', () => {
    const guest = bench([
      ['outs', 0xe9, [1, 2, 3]],
      ['in', 0x60, 1],
    ]);
    guest.next();
    guest.runPage.setUint8(KvmRun.immediateExit, 1);
    expect([guest.next(), guest.next()]).toEqual(['out 0xe9/1', 'out 0xe9/1']);
    expect(guest.next()).toBe(`interrupted ${Interruption.ImmediateExit}`);
  });

  it('executes a program instead, once it is given one, and machine code only on the first vCPU', () => {
    const guest = new CodeBench(scriptedCode([['out', 0x80, 1, 1]]), { vcpus: 2 });
    guest.attach(function* (program) {
      yield* program.out8(0x90, 1);
    });
    expect(guest.next()).toBe('out 0x90/1');
    expect(guest.code.processors).toHaveLength(0);
    expect([guest.run(1), guest.kernel.mapVcpuPage(guest.vcpuFds[1]!, 0).getUint32(KvmRun.exitReason, true)]).toEqual([
      0,
      ExitReason.InternalError,
    ]);
    guest.vcpu.attachCode();
    expect(guest.next()).toBe('out 0x80/1');
  });
});

describe('what a vCPU with machine code is asked', () => {
  const asked = () => {
    const guest = bench([['sti'], ['in', 0x60, 1]]);
    const fd = guest.vcpuFds[0]!;
    return { guest, fd, request: (request: number, argument: DataView) => guest.request(fd, request, argument) };
  };
  const struct = (size: number) => new DataView(new ArrayBuffer(size));

  it('are the registers of the processor, and values that it cannot have are EINVAL', () => {
    const { guest, request } = asked();
    const registers = struct(StructSize.registers);
    guest.next();
    expect(request(VcpuRequest.GetRegisters, registers)).toBe(0);
    expect(registers.getUint32(136, true)).toBe(0x202);
    expect(registers.getUint32(0, true)).toBe(2);
    registers.setUint32(8, 0xdead, true);
    expect(request(VcpuRequest.SetRegisters, registers)).toBe(Errno.EINVAL);
  });

  it('is a vector in the interrupt bitmap, which is queued when it is set', () => {
    const { guest, request } = asked();
    guest.next();
    guest.interrupt(Vector);
    const special = struct(StructSize.specialRegisters);
    expect(request(VcpuRequest.GetSpecialRegisters, special)).toBe(0);
    expect(special.getUint8(280 + 4)).toBe(2);
    special.setUint8(280 + 4, 4);
    expect(request(VcpuRequest.SetSpecialRegisters, special)).toBe(0);
    expect(guest.processor.queuedVector).toBe(0x22);
  });

  it('is a table of CPUID: it can be read, and set to nothing else', () => {
    const { guest, request } = asked();
    const system = guest.kernel.open('/dev/kvm');
    const table = struct(8 + 2 * 40);
    expect(guest.request(system, SystemRequest.GetSupportedCpuid, table)).toBe(Errno.E2BIG);
    table.setUint32(0, 2, true);
    expect(guest.request(system, SystemRequest.GetSupportedCpuid, table)).toBe(0);
    expect([table.getUint32(8 + 40, true), table.getUint32(8 + 44, true), table.getUint32(8 + 48, true)]).toEqual([
      4, 1, 1,
    ]);
    guest.next();
    expect(request(VcpuRequest.SetCpuid2, table)).toBe(0);
    table.setUint32(8 + 12, 99, true);
    expect(request(VcpuRequest.SetCpuid2, table)).toBe(Errno.EINVAL);
    expect(request(VcpuRequest.GetCpuid2, table)).toBe(0);
    expect(table.getUint32(8 + 12, true)).toBe(1);
  });

  it('are its model specific registers, up to the first that it does not have', () => {
    const { guest, fd } = asked();
    guest.next();
    const msrs = struct(8 + 2 * 16);
    msrs.setUint32(0, 2, true);
    msrs.setUint32(8, 0x10, true);
    msrs.setUint32(24, 0x1234, true);
    expect(guest.kernel.ioctl(fd, VcpuRequest.GetMsrs, msrs)).toBe(1);
    expect(msrs.getBigUint64(16, true)).toBe(BigInt(guest.kernel.now));
    expect(guest.kernel.ioctl(fd, VcpuRequest.SetMsrs, msrs)).toBe(1);
    const list = struct(4 + 4);
    const system = guest.kernel.open('/dev/kvm');
    expect(guest.request(system, SystemRequest.GetMsrIndexList, list)).toBe(Errno.E2BIG);
    expect(guest.request(system, SystemRequest.GetMsrIndexList, list)).toBe(0);
    expect(list.getUint32(4, true)).toBe(0x10);
  });

  it('are events: the queued vector and the shadow, and no others', () => {
    const { guest, request } = asked();
    guest.next();
    const events = struct(StructSize.vcpuEvents);
    guest.interrupt(Vector);
    expect(request(VcpuRequest.GetVcpuEvents, events)).toBe(0);
    expect([events.getUint8(8), events.getUint8(9), events.getUint32(20, true)]).toEqual([1, Vector, 4]);
    events.setUint8(8, 0);
    expect(request(VcpuRequest.SetVcpuEvents, events)).toBe(0);
    expect(guest.processor.queuedVector).toBe(-1);
    for (const at of [0, 10, 12, 24, 28, 55]) {
      const other = struct(StructSize.vcpuEvents);
      other.setUint8(at, 1);
      expect(request(VcpuRequest.SetVcpuEvents, other)).toBe(Errno.EINVAL);
    }
  });

  it('is else what a kernel without the capability answers', () => {
    const { guest, request } = asked();
    guest.next();
    expect(request(VcpuRequest.GetFpu, struct(StructSize.fpu))).toBe(Errno.ENOTTY);
    expect(request(VcpuRequest.GetDebugRegisters, struct(128))).toBe(Errno.ENOTTY);
    const plain = new KernelBench();
    const system = plain.kernel.open('/dev/kvm');
    expect(plain.request(system, SystemRequest.GetSupportedCpuid, struct(8))).toBe(Errno.ENOTTY);
    const answer = (of: KernelBench, capability: number) =>
      of.kernel.ioctl(of.kernel.open('/dev/kvm'), SystemRequest.CheckExtension, capability);
    expect([answer(plain, Capability.VcpuEvents), answer(guest, Capability.VcpuEvents)]).toEqual([0, 1]);
  });
});

describe('the RAM of a machine that executes machine code', () => {
  it('is where the processor wants it, and what the guest stores there is in no dirty log: all of it is dirty', () => {
    const guest = bench([['hlt']]);
    const ram = guest.kernel.allocateGuestMemory(0x8000, 'ram', true);
    const [memory] = guest.code.memories;
    expect(ram.bytes).toBe(memory!.bytes);
    ram.bytes[0x4123] = 0x77;
    expect(guest.memorySlot({ flags: 1, size: 0x8000, userspace: ram.hostAddress })).toBe(0);
    expect(memory!.calls).toEqual(['slots 1']);
    guest.next();
    const bitmap = guest.kernel.allocateGuestMemory(8);
    const log = new DataView(new ArrayBuffer(16));
    log.setBigUint64(8, BigInt(bitmap.hostAddress), true);
    expect(guest.request(guest.vmFd, 0x4010ae42, log)).toBe(0);
    expect([...bitmap.bytes]).toEqual([0xff, 0, 0, 0, 0, 0, 0, 0]);
    expect(ram.written).toBeTypeOf('function');
  });

  it('is searched for overwritten read-only memory before slots change, and what is found is told', () => {
    const guest = bench([['hlt']]);
    const found: number[] = [];
    guest.kernel.onOverwritten = (address) => found.push(address);
    const ram = guest.kernel.allocateGuestMemory(0x8000, 'ram', true);
    guest.memorySlot({ size: 0x8000, userspace: ram.hostAddress });
    guest.next();
    guest.code.memories[0]!.overwritten = 0xf_1234;
    guest.memorySlot({ size: 0, userspace: ram.hostAddress });
    expect(found).toEqual([0xf_1234]);
  });
});

function* rowsOf({ kernel }: KernelBench): Generator<[string, number, number]> {
  const rows: [string, number, number][] = [];
  kernel.counts.forEachPort((port, isWrite, samples, exits) => {
    rows.push([`0x${port.toString(16)} ${isWrite ? 'write' : 'read'}`, samples, exits]);
  });
  yield* rows;
}
