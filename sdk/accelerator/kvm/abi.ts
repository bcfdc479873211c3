/**
 * The numbers that a userspace and KVM agree on, for x86-64: byte exact, all integers little endian.
 *
 * Request codes are used whole. The number in the low byte alone is ambiguous: 0x67 is both IRQ_LINE_STATUS and
 * REGISTER_COALESCED_MMIO. The direction and the size in the upper half differ.
 */

/** @see linux/kvm.h (uapi), "ioctls for /dev/kvm fds" */
export const SystemRequest = {
  GetApiVersion: 0xae00,
  CreateVm: 0xae01,
  GetMsrIndexList: 0xc004ae02,
  CheckExtension: 0xae03,
  GetVcpuMmapSize: 0xae04,
  GetSupportedCpuid: 0xc008ae05,
} as const;

/** @see linux/kvm.h (uapi), "ioctls for VM fds" */
export const VmRequest = {
  CreateVcpu: 0xae41,
  GetDirtyLog: 0x4010ae42,
  SetUserMemoryRegion: 0x4020ae46,
  SetTssAddress: 0xae47,
  SetIdentityMapAddress: 0x4008ae48,
  CreateIrqchip: 0xae60,
  IrqLine: 0x4008ae61,
  IrqLineStatus: 0xc008ae67,
  RegisterCoalescedMmio: 0x4010ae67,
  UnregisterCoalescedMmio: 0x4010ae68,
  CreatePit2: 0x4040ae77,
  Ioeventfd: 0x4040ae79,
} as const;

/** @see linux/kvm.h (uapi), "ioctls for vcpu fds" */
export const VcpuRequest = {
  Run: 0xae80,
  GetRegisters: 0x8090ae81,
  SetRegisters: 0x4090ae82,
  GetSpecialRegisters: 0x8138ae83,
  SetSpecialRegisters: 0x4138ae84,
  Interrupt: 0x4004ae86,
  GetFpu: 0x81a0ae8c,
  SetFpu: 0x41a0ae8d,
  GetMsrs: 0xc008ae88,
  SetMsrs: 0x4008ae89,
  SetCpuid2: 0x4008ae90,
  GetCpuid2: 0xc008ae91,
  GetVcpuEvents: 0x8040ae9f,
  SetVcpuEvents: 0x4040aea0,
  GetDebugRegisters: 0x8080aea1,
  SetDebugRegisters: 0x4080aea2,
  GetExtendedControlRegisters: 0x8188aea6,
  SetExtendedControlRegisters: 0x4188aea7,
} as const;

/** What KVM_CHECK_EXTENSION is asked. @see linux/kvm.h (uapi), KVM_CAP_* */
export const Capability = {
  Irqchip: 0,
  Hlt: 1,
  UserMemory: 3,
  SetTssAddress: 4,
  ExtendedCpuid: 7,
  VcpuCount: 9,
  MemorySlotCount: 10,
  /** Answers the page of the vCPU mapping that holds the ring: 2 on x86. */
  CoalescedMmio: 15,
  SyncMmu: 16,
  DestroyMemoryRegionWorks: 21,
  JoinMemoryRegionsWorks: 30,
  Ioeventfd: 36,
  SetIdentityMapAddress: 37,
  InternalErrorData: 40,
  VcpuEvents: 41,
  InterruptShadow: 49,
  MaximumVcpus: 66,
  ReadonlyMemory: 81,
  IoeventfdNoLength: 100,
  CheckExtensionVm: 105,
  MultiAddressSpace: 118,
  IoeventfdAnyLength: 122,
  ImmediateExit: 136,
  CoalescedPio: 162,
} as const;

/** @see linux/kvm.h (uapi), KVM_EXIT_* */
export const ExitReason = {
  Unknown: 0,
  Io: 2,
  /** Only without an in-kernel interrupt controller. */
  Hlt: 5,
  Mmio: 6,
  IrqWindowOpen: 7,
  /** A triple fault. */
  Shutdown: 8,
  FailEntry: 9,
  Intr: 10,
  /** A guest has lowered its CR8; only without an in-kernel interrupt controller. */
  SetTpr: 11,
  InternalError: 17,
} as const;

/** @see asm-generic/errno-base.h; Documentation/virt/kvm/api.rst for which call answers which */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  ENXIO: 6,
  E2BIG: 7,
  EBADF: 9,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EINVAL: 22,
  EMFILE: 24,
  ENOTTY: 25,
  ENOSPC: 28,
} as const;

export const ApiVersion = 12;
export const PageSize = 4096;

/** The pages of a vCPU mapping, in order. @see Documentation/virt/kvm/api.rst, KVM_GET_VCPU_MMAP_SIZE */
export const VcpuPage = { Run: 0, PortData: 1, Ring: 2 } as const;
export const VcpuMmapSize = 3 * PageSize;

/** struct kvm_run: offset of each field. @see linux/kvm.h (uapi) */
export const KvmRun = {
  requestInterruptWindow: 0,
  immediateExit: 1,
  exitReason: 8,
  readyForInterruptInjection: 12,
  ifFlag: 13,
  cr8: 16,
  apicBase: 24,
} as const;

/** The part of kvm_run that depends on the exit reason, at offset 32. @see linux/kvm.h (uapi), struct kvm_run */
export const IoExit = { direction: 32, size: 33, port: 34, count: 36, dataOffset: 40 } as const;
export const MmioExit = { address: 32, data: 40, length: 48, isWrite: 52 } as const;
export const FailEntryExit = { reason: 32, cpu: 40 } as const;
export const InternalErrorExit = { suberror: 32, dataCount: 36, data: 40 } as const;

export const IoDirection = { In: 0, Out: 1 } as const;
/** KVM_INTERNAL_ERROR_EMULATION: the vCPU met an instruction that it cannot execute. */
export const EmulationFailure = 1;
/** VM entry failed: the guest's state is invalid. @see Intel SDM volume 3, appendix C, exit reason 33 with bit 31 */
export const InvalidGuestState = 0x8000_0021;

/** struct kvm_coalesced_mmio_zone; `pio` is the word that was once padding. @see linux/kvm.h (uapi) */
export const CoalescedZone = { size: 16, address: 0, length: 8, pio: 12 } as const;
/** struct kvm_coalesced_mmio, one entry of the ring. @see linux/kvm.h (uapi) */
export const CoalescedEntry = { size: 24, address: 0, length: 8, pio: 12, data: 16 } as const;
/** struct kvm_coalesced_mmio_ring: first, last, then (4096 - 8) / 24 entries. @see linux/kvm.h (uapi) */
export const CoalescedRingLayout = { first: 0, last: 4, entries: 8, slots: 170 } as const;
/** Devices on one I/O bus, ioeventfds not counted. @see linux/kvm_host.h, NR_IOBUS_DEVS */
export const MaximumBusDevices = 1000;

/** struct kvm_userspace_memory_region. @see linux/kvm.h (uapi) */
export const UserspaceMemoryRegion = {
  size: 32,
  slot: 0,
  flags: 4,
  guestAddress: 8,
  memorySize: 16,
  userspaceAddress: 24,
} as const;
export const MemoryRegionFlag = { LogDirtyPages: 1, Readonly: 2 } as const;
/** Slots userspace may use: SHRT_MAX less three private ones. @see arch/x86/include/asm/kvm_host.h */
export const MaximumMemorySlots = 32764;

/** struct kvm_dirty_log; the bitmap is named by its userspace address. @see linux/kvm.h (uapi) */
export const DirtyLog = { size: 16, slot: 0, bitmap: 8 } as const;

/** struct kvm_ioeventfd. @see linux/kvm.h (uapi) */
export const IoeventfdLayout = { size: 64, datamatch: 0, address: 8, length: 16, fd: 20, flags: 24 } as const;
export const IoeventfdFlag = { Datamatch: 1, Pio: 2, Deassign: 4, VirtioCcwNotify: 8, valid: 0x1f } as const;

/** struct kvm_cpuid2: how many entries follow, and their size. @see asm/kvm.h (uapi) */
export const Cpuid2 = { count: 0, header: 8, entry: 40 } as const;
/** struct kvm_cpuid_entry2; bit 0 of the flags says that the index counts. @see asm/kvm.h (uapi) */
export const CpuidEntry2 = {
  function: 0,
  index: 4,
  flags: 8,
  eax: 12,
  ebx: 16,
  ecx: 20,
  edx: 24,
  indexCounts: 1,
} as const;

/** struct kvm_msr_list: a count, and an index of four bytes each. @see asm/kvm.h (uapi) */
export const MsrList = { count: 0, header: 4, entry: 4 } as const;
/** struct kvm_msrs: a count, and struct kvm_msr_entry each. @see asm/kvm.h (uapi) */
export const Msrs = { count: 0, header: 8, entry: 16, index: 0, value: 8 } as const;

/** struct kvm_vcpu_events, with a flag and the shadow of STI. @see asm/kvm.h (uapi) */
export const VcpuEvents = {
  exception: 0,
  interruptInjected: 8,
  interruptNumber: 9,
  interruptSoft: 10,
  interruptShadow: 11,
  nonMaskable: 12,
  flags: 20,
  systemManagement: 24,
  tripleFault: 28,
  exceptionHasPayload: 55,
  shadowIsValid: 4,
  shadowOfSti: 2,
} as const;

/** Sizes of the structs that are passed whole. @see linux/kvm.h and asm/kvm.h (uapi) */
export const StructSize = {
  interrupt: 4,
  irqLevel: 8,
  registers: 144,
  specialRegisters: 312,
  fpu: 416,
  vcpuEvents: 64,
  debugRegisters: 128,
  extendedControlRegisters: 392,
} as const;

/** struct kvm_regs: offset of each u64. @see asm/kvm.h (uapi) */
export const Registers = {
  rax: 0,
  rbx: 8,
  rcx: 16,
  rdx: 24,
  rsi: 32,
  rdi: 40,
  rsp: 48,
  rbp: 56,
  rip: 128,
  rflags: 136,
} as const;
/** RFLAGS: bit 1 always reads as one; bit 9 lets interrupts in. */
export const Rflags = { AlwaysOne: 0x2, InterruptEnable: 0x200 } as const;

/** struct kvm_sregs: offset of each part. @see asm/kvm.h (uapi) */
export const SpecialRegisters = {
  cs: 0,
  ds: 24,
  es: 48,
  fs: 72,
  gs: 96,
  ss: 120,
  tr: 144,
  ldt: 168,
  gdt: 192,
  idt: 208,
  cr0: 224,
  cr2: 232,
  cr3: 240,
  cr4: 248,
  cr8: 256,
  efer: 264,
  apicBase: 272,
  interruptBitmap: 280,
} as const;
/** struct kvm_dtable, inside kvm_sregs. @see asm/kvm.h (uapi) */
export const DescriptorTable = { base: 0, limit: 8 } as const;
/** struct kvm_segment, inside kvm_sregs. @see asm/kvm.h (uapi) */
export const Segment = {
  size: 24,
  base: 0,
  limit: 8,
  selector: 12,
  type: 14,
  present: 15,
  dpl: 16,
  db: 17,
  s: 18,
  l: 19,
  g: 20,
  unusable: 22,
} as const;
