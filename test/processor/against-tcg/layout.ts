/**
 * Where the image of a comparison keeps what. Addresses are physical, and linear but for the aliases: paging is on.
 *
 * A case is a record: the registers it begins with, and one instruction. What it leaves is a result. Both are plain bytes, so that the
 * results of two processors are compared at once.
 */
export const Place = {
  /** The head of the record under way. */
  input: 0x1000,
  current: 0x1080,
  output: 0x1084,
  /** Tops of stacks: of exceptions in ring 3, and of the driver. */
  kernelStack: 0x6000,
  driverStack: 0x7000,
  /** A result; begins with the memory of the case. It crosses into the page at 0x9000. */
  result: 0x8fd4,
  image: 0x10_0000,
  driver: 0x10_0040,
  interruptTable: 0x10_2000,
  task: 0x10_3000,
  pageDirectory: 0x10_4000,
  pageTable: 0x10_5000,
  descriptors: 0x10_6000,
  /** Random bytes: each case finds some of them in its memory. */
  pool: 0x12_0000,
  records: 0x16_0000,
} as const;

export const MemorySize = 92;
export const PoolSize = 0x4_0000;

/** Offsets in a record. The first eight words are popped by POPA, the five from `pointer` on are a frame of IRET. */
export const In = {
  edi: 0,
  esi: 4,
  ebp: 8,
  /** Flags that are compared. */
  mask: 12,
  ebx: 16,
  edx: 20,
  ecx: 24,
  eax: 28,
  pointer: 32,
  code: 36,
  flags: 40,
  esp: 44,
  stack: 48,
  options: 50,
  /** Where its memory is in the pool, in words of 32 bits. */
  pool: 52,
  /** Bits of the error code that are compared. */
  errorMask: 54,
  bytes: 56,
  size: 80,
} as const;
/** In a record: EAX ECX EDX EBX ESP EBP ESI EDI. */
export const InRegisters = [In.eax, In.ecx, In.edx, In.ebx, In.esp, In.ebp, In.esi, In.edi] as const;

export const DescriptorsSize = 0xf800;

export const Options = {
  /** Runs in ring 3. */
  ring3: 1,
  /** The handler of page faults makes the page present and returns. */
  restart: 2,
} as const;

/** Offsets in a result. */
export const Out = {
  memory: 0,
  /** EAX ECX EDX EBX ESP EBP ESI EDI. */
  registers: 92,
  flags: 124,
  /** All ones: no exception. */
  vector: 128,
  errorCode: 132,
  cr2: 136,
  pointer: 140,
  code: 144,
  stack: 148,
  /** DS ES FS GS, 16 bits each. */
  segments: 152,
  size: 160,
} as const;

/** Selectors, with their privilege. */
export const Selector = {
  code: 0x08,
  stack: 0x10,
  data: 0x1b,
  userCode: 0x23,
  fs: 0x2b,
  gs: 0x33,
  stack16: 0x38,
  task: 0x40,
  absentData: 0x53,
  absentCode: 0x58,
  executeOnly: 0x68,
  absentStack: 0x70,
  kernelData: 0x78,
  /** Not in the table. */
  beyond: 0xfff8,
  /** Segments of 16-bit code follow, one for each 32 KiB of records: those of ring 0, then those of ring 3. */
  firstCode16: 0x100,
} as const;
export const FsBase = 0x1000;
export const GsBase = 0xffff_f800;
export const Code16Step = 0x8000;

/** Pages whose linear address is another one: of the memory of a case, with less rights. */
export const Alias = {
  /** The memory crosses from a page that is present to one that is not. */
  absent: 0xa000,
  absentPage: 0xb000,
  /** It crosses from a page for both to one that is read only. */
  readOnly: 0xd000,
  /** For ring 0 only; the next page is not present. */
  supervisor: 0xf000,
} as const;
/** Vector of the gate by which ring 3 ends a case. */
export const EndOfCase = 0x80;
/** From this vector on there are gates that are not present; from the next on none. */
export const AbsentGates = { first: 0x20, end: 0x30 } as const;
export const DebugExitPort = 0xf4;

export const resultsAt = (cases: number): number => (Place.records + cases * In.size + 0xfff) & ~0xfff;
export const ramSizeFor = (cases: number): number => ((resultsAt(cases) + cases * Out.size) & ~0x3f_ffff) + 0x80_0000;
export const code16Segments = (cases: number): number => Math.ceil((cases * In.size) / Code16Step) + 1;
