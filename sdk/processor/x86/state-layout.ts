/**
 * Where the processor keeps its state in the memory of its module: addresses of the one build that wasm-patch.ts accepts. The
 * package's own code reads them at the same places.
 */
export const At = {
  /** EAX ECX EDX EBX ESP EBP ESI EDI. */
  registers: 64,
  /** Flags are computed late: which of them, from which operands and result. */
  flagsChanged: 100,
  flags: 120,
  /** Access byte of ES CS SS DS FS GS TR LDTR. */
  segmentAccess: 512,
  /** Linear: the base of CS is added. */
  instructionPointer: 556,
  /** The instruction under way. */
  previousPointer: 560,
  idtrSize: 564,
  idtrBase: 568,
  gdtrSize: 572,
  gdtrBase: 576,
  controlRegisters: 580,
  privilege: 612,
  halted: 616,
  /** Linear address of the page that code is fetched from, and what turns it into a physical address by XOR. */
  codePage: 620,
  codePagePhysical: 624,
  sysenterCs: 636,
  sysenterEsp: 640,
  sysenterEip: 644,
  prefixes: 648,
  /** Unused by the package: the words of wasm-patch.ts. */
  blockCount: 652,
  /** Of the instruction counter: where a run ends. */
  lastCount: 656,
  /** Set: the instruction under way is squashed: it ends for nothing, and begins again. */
  squashed: 660,
  /** Counts instructions at the end of a block; wraps at 2 ** 32. */
  instructionCount: 664,
  selectors: 668,
  segmentIsNull: 724,
  segmentBases: 736,
  segmentLimits: 768,
  protectedMode: 800,
  codeIs32: 804,
  stackIs32: 808,
  memorySize: 812,
  fpuStackEmpty: 816,
  mxcsr: 824,
  xmm: 832,
  pageDirectoryPointers: 968,
  fpuStackTop: 1032,
  fpuControl: 1036,
  fpuStatus: 1040,
  fpuOpcode: 1044,
  fpuInstruction: 1048,
  fpuOperand: 1056,
  taskIs32: 1128,
  fpuRegisters: 1152,
  /** The state proper: a snapshot holds it but for what is the module's own. */
  start: 64,
  end: 1280,
  /** Set: the interpreter goes back to its outer loop after this instruction. */
  blockBoundary: 37376,
  /** What RDTSC knows of earlier ones: offset and last value, resolution and speed, and how often it was asked at one time. */
  timeStamps: [37352, 37360, 35464, 35480, 49152],
  /** Pointer to guest physical 0. */
  guestMemory: 8478052,
} as const;

/** The module's own stack: where it begins, and how far down a fault of a fault may go. Below it are the page tables' cache and mem8. */
export const ModuleStack = { top: 9526640, deepest: 9526640 - 0x1_0000 } as const;

export const Segments = { es: 0, cs: 1, ss: 2, ds: 3, fs: 4, gs: 5, tr: 6, ldt: 7 } as const;
