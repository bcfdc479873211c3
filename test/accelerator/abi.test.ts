import { describe, expect, it } from 'vitest';
import {
  ApiVersion,
  CoalescedEntry,
  CoalescedRingLayout,
  CoalescedZone,
  DirtyLog,
  ExitReason,
  FailEntryExit,
  InternalErrorExit,
  IoExit,
  IoeventfdLayout,
  KvmRun,
  MmioExit,
  PageSize,
  Registers,
  Segment,
  SpecialRegisters,
  StructSize,
  SystemRequest,
  UserspaceMemoryRegion,
  VcpuMmapSize,
  VcpuRequest,
  VmRequest,
} from '../../sdk/accelerator/kvm/abi.ts';

/** As the _IO macros of asm-generic/ioctl.h build a request code for KVM, whose type is 0xae. */
const code = (direction: 'none' | 'write' | 'read' | 'both', number: number, size = 0) =>
  (((({ none: 0, write: 1, read: 2, both: 3 })[direction] << 30) | (size << 16) | (0xae << 8) | number) >>>
    0) as number;

/** Where each field of a struct lies, from the widths that the C declaration gives them, aligned as C does. */
function layout(...fields: readonly (readonly [string, number, number?])[]): Record<string, number> {
  const offsets: Record<string, number> = {};
  let end = 0;
  let largest = 1;
  for (const [name, width, count = 1] of fields) {
    end = Math.ceil(end / width) * width;
    offsets[name] = end;
    end += width * count;
    largest = Math.max(largest, width);
  }
  return { size: Math.ceil(end / largest) * largest, ...offsets };
}

describe('request codes are built as the _IO macros build them', () => {
  it.each([
    ['GET_API_VERSION', SystemRequest.GetApiVersion, code('none', 0x00)],
    ['CREATE_VM', SystemRequest.CreateVm, code('none', 0x01)],
    ['CHECK_EXTENSION', SystemRequest.CheckExtension, code('none', 0x03)],
    ['GET_VCPU_MMAP_SIZE', SystemRequest.GetVcpuMmapSize, code('none', 0x04)],
    ['CREATE_VCPU', VmRequest.CreateVcpu, code('none', 0x41)],
    ['GET_DIRTY_LOG', VmRequest.GetDirtyLog, code('write', 0x42, DirtyLog.size)],
    ['SET_USER_MEMORY_REGION', VmRequest.SetUserMemoryRegion, code('write', 0x46, UserspaceMemoryRegion.size)],
    ['IRQ_LINE', VmRequest.IrqLine, code('write', 0x61, StructSize.irqLevel)],
    ['IRQ_LINE_STATUS', VmRequest.IrqLineStatus, code('both', 0x67, StructSize.irqLevel)],
    ['REGISTER_COALESCED_MMIO', VmRequest.RegisterCoalescedMmio, code('write', 0x67, CoalescedZone.size)],
    ['UNREGISTER_COALESCED_MMIO', VmRequest.UnregisterCoalescedMmio, code('write', 0x68, CoalescedZone.size)],
    ['IOEVENTFD', VmRequest.Ioeventfd, code('write', 0x79, IoeventfdLayout.size)],
    ['RUN', VcpuRequest.Run, code('none', 0x80)],
    ['GET_REGS', VcpuRequest.GetRegisters, code('read', 0x81, StructSize.registers)],
    ['SET_REGS', VcpuRequest.SetRegisters, code('write', 0x82, StructSize.registers)],
    ['GET_SREGS', VcpuRequest.GetSpecialRegisters, code('read', 0x83, StructSize.specialRegisters)],
    ['SET_SREGS', VcpuRequest.SetSpecialRegisters, code('write', 0x84, StructSize.specialRegisters)],
    ['INTERRUPT', VcpuRequest.Interrupt, code('write', 0x86, StructSize.interrupt)],
  ])('KVM_%s', (_name, ours, built) => expect(ours).toBe(built));

  it('tells IRQ_LINE_STATUS and REGISTER_COALESCED_MMIO apart, which share a number', () => {
    expect(VmRequest.IrqLineStatus & 0xffff).toBe(VmRequest.RegisterCoalescedMmio & 0xffff);
    expect(VmRequest.IrqLineStatus).not.toBe(VmRequest.RegisterCoalescedMmio);
  });

  it.each([
    ['system', SystemRequest],
    ['VM', VmRequest],
    ['vCPU', VcpuRequest],
  ])('no two %s requests share a code', (_name, requests) => {
    expect(new Set(Object.values(requests)).size).toBe(Object.values(requests).length);
  });
});

describe('structs lie in memory as a C compiler lays them out', () => {
  it.each([
    ['kvm_coalesced_mmio_zone', CoalescedZone, layout(['address', 8], ['length', 4], ['pio', 4])],
    ['kvm_coalesced_mmio', CoalescedEntry, layout(['address', 8], ['length', 4], ['pio', 4], ['data', 1, 8])],
    [
      'kvm_userspace_memory_region',
      UserspaceMemoryRegion,
      layout(['slot', 4], ['flags', 4], ['guestAddress', 8], ['memorySize', 8], ['userspaceAddress', 8]),
    ],
    ['kvm_dirty_log', DirtyLog, layout(['slot', 4], ['padding', 4], ['bitmap', 8])],
    [
      'kvm_ioeventfd',
      IoeventfdLayout,
      layout(['datamatch', 8], ['address', 8], ['length', 4], ['fd', 4], ['flags', 4], ['padding', 1, 36]),
    ],
    [
      'kvm_segment',
      Segment,
      layout(
        ...[
          'base:8',
          'limit:4',
          'selector:2',
          'type:1',
          'present:1',
          'dpl:1',
          'db:1',
          's:1',
          'l:1',
          'g:1',
          'avl:1',
        ].map((field) => [field.split(':')[0]!, Number(field.split(':')[1])] as const),
        ['unusable', 1],
        ['padding', 1],
      ),
    ],
  ])('%s', (_name, ours, compiled) => expect(compiled).toMatchObject(ours));

  it('kvm_run: the part that every exit shares, and its union at 32', () => {
    const compiled = layout(
      ['requestInterruptWindow', 1],
      ['immediateExit', 1],
      ['padding', 1, 6],
      ['exitReason', 4],
      ['readyForInterruptInjection', 1],
      ['ifFlag', 1],
      ['flags', 2],
      ['cr8', 8],
      ['apicBase', 8],
      ['union', 1, 256],
      ['validRegisters', 8],
      ['dirtyRegisters', 8],
      ['syncRegisters', 8, 256],
    );
    expect(compiled).toMatchObject(KvmRun);
    const at = (offsets: Record<string, number>) =>
      Object.fromEntries(Object.entries(offsets).map(([name, offset]) => [name, offset + compiled['union']!]));
    expect(at(layout(['direction', 1], ['size', 1], ['port', 2], ['count', 4], ['dataOffset', 8]))).toMatchObject(
      IoExit,
    );
    expect(at(layout(['address', 8], ['data', 1, 8], ['length', 4], ['isWrite', 1]))).toMatchObject(MmioExit);
    expect(at(layout(['reason', 8], ['cpu', 4]))).toMatchObject(FailEntryExit);
    expect(at(layout(['suberror', 4], ['dataCount', 4], ['data', 8, 16]))).toMatchObject(InternalErrorExit);
  });

  it('kvm_regs and kvm_sregs', () => {
    const registers = [
      'rax',
      'rbx',
      'rcx',
      'rdx',
      'rsi',
      'rdi',
      'rsp',
      'rbp',
      'r8',
      'r9',
      'r10',
      'r11',
      'r12',
      'r13',
      'r14',
      'r15',
    ];
    const compiled = layout(...[...registers, 'rip', 'rflags'].map((name) => [name, 8] as const));
    expect(compiled).toMatchObject(Registers);
    expect(compiled['size']).toBe(StructSize.registers);
    const segments = ['cs', 'ds', 'es', 'fs', 'gs', 'ss', 'tr', 'ldt'].map((name, index) => [
      name,
      index * Segment.size,
    ]);
    expect(SpecialRegisters).toMatchObject(Object.fromEntries(segments));
    const { gdt, idt, cr0, apicBase, interruptBitmap } = SpecialRegisters;
    expect([gdt, idt, cr0, apicBase, interruptBitmap]).toEqual([192, 208, 224, 272, 280]);
    expect(interruptBitmap + 256 / 8).toBe(StructSize.specialRegisters);
  });

  it('the ring fills its page: 170 entries of 24 bytes behind two indices', () => {
    const { entries, slots } = CoalescedRingLayout;
    expect(slots).toBe(Math.floor((PageSize - entries) / CoalescedEntry.size));
    expect(entries + slots * CoalescedEntry.size).toBe(4088);
  });

  it('a vCPU mapping is three pages, the API version 12, and the exit reasons are those of the header', () => {
    expect([VcpuMmapSize, ApiVersion]).toEqual([12288, 12]);
    const { Io, Hlt, Mmio, IrqWindowOpen, Shutdown, FailEntry, Intr, InternalError } = ExitReason;
    expect([Io, Hlt, Mmio, IrqWindowOpen, Shutdown, FailEntry, Intr, InternalError]).toEqual([
      2, 5, 6, 7, 8, 9, 10, 17,
    ]);
  });
});
