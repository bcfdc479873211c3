import { BackplaneError } from '../../base/errors.ts';
import { LongString } from './access-list.ts';
import { At, ModuleStack } from './state-layout.ts';
import { call, constant, load, local, Op, store, store8 } from './wasm-code.ts';
import { joined, padded, unsigned, WasmFile } from './wasm-file.ts';

export const PackageName = 'v86';
export const PackageVersion = '0.5.462';
/** SHA-256 of build/v86.wasm: names, addresses and code below are those of this file, and of no other. */
const Digest = 'aa0d0e149d6b60063b85de4871e78505637ce92821e14a9f9802c4008ba2336e';

/** What the module asks through `io_port_read16`, which a port (at most 0xffff) and an MMIO address (from 0xa0000) never are. */
export const Question = { Acknowledge: 0x1_0000, Cpuid: 0x1_0001, TimeStamp: 0x1_0002, LongString: 0x1_0003 } as const;

const ResultI32 = 0x7f;
const NoResult = 0x40;
const LocalsGroup = 3;
const ExportKind = { Function: 0, Global: 3 } as const;

interface Patch {
  /** How the name of the function ends. */
  readonly in: string;
  readonly why: string;
  /** Its whole code, in the place of what it does. */
  readonly body?: (file: WasmFile) => number[];
  /** Code before its own. */
  readonly before?: (file: WasmFile) => number[];
  /** Code that is there exactly once, and what stands there afterwards. */
  readonly replace?: readonly (readonly [there: number[], then: number[]])[];
}

const VgaWindow = { mask: -0x2_0000, start: 0xa_0000 };
/** Local variable of main_loop: instructions of the block under way, with the one that is executed. */
const BlockLocal = 11;
const PointerLocal = 3;
/** Of call_interrupt_vector: the size of its frame, and where it is. */
const DeliveryFrame = 48;
const DeliveryLocal = 4;
/** Where the last instruction began, and the count when the run began. */
const StartLocal = 9;
const FirstCountLocal = 5;
/** The module's clock, which is its first import, when main_loop begins and when it has run instructions. */
const clockInto = (index: number) => [Op.Call, ...padded(0), Op.LocalSet, index];
const BeginLocal = 1;
const NowLocal = 23;
const countedBlock = [...load(At.instructionCount), ...local(BlockLocal), Op.I32Add];
const resetBlock = store(At.blockCount, constant(0));

/** The count register, or its low half where addresses have 16 bits: the first parameter says which. */
const elements = [...load(At.registers + 4), ...constant(-1), ...constant(0xffff), ...local(0), Op.Select, Op.I32And];
const comparing = ['scas', 'cmps'].flatMap((name) => [`${name}b`, `${name}w`, `${name}d`]);
const others = ['ins', 'outs', 'movs', 'stos', 'lods'].flatMap((name) => [`${name}b`, `${name}w`, `${name}d`]);
const repeated = [
  ...comparing.flatMap((name) => [`${name}_repz`, `${name}_repnz`]),
  ...others.map((name) => `${name}_rep`),
];

const Patches: readonly Patch[] = [
  ...repeated.map((name) => ({
    in: name,
    why: 'Where it takes no short cut by pages, all its elements are one instruction: many of them are told before.',
    before: (file: WasmFile) => [
      ...[...elements, ...constant(LongString), Op.I32GreaterThanU],
      ...[
        Op.If,
        NoResult,
        ...constant(Question.LongString),
        ...call(file.importIndex('io_port_read16')),
        Op.Drop,
        Op.End,
      ],
    ],
  })),
  {
    in: '3cpu3cpu13io_port_read8',
    why: 'The module has two 8259s of its own: their ports belong to the machine.',
    body: (file) => [...local(0), ...call(file.importIndex('io_port_read8'))],
  },
  {
    in: '3cpu3cpu14io_port_write8',
    why: 'The same for writes.',
    body: (file) => [...local(0), ...local(1), ...call(file.importIndex('io_port_write8'))],
  },
  {
    in: '3pic19pic_acknowledge_irq',
    why: 'Asked whenever an interrupt could be taken: here the window for interrupts opens. Answers that there is none.',
    body: (file) => [
      ...local(0),
      ...constant(Question.Acknowledge),
      ...call(file.importIndex('io_port_read16')),
      Op.I32Store16,
      0,
      0,
    ],
  },
  {
    in: 'read16',
    why: 'There is no import for MMIO reads of 16 bits: a device would see two of 8.',
    body: (file) => [
      ...[...local(0), ...constant(VgaWindow.mask), Op.I32And, ...constant(VgaWindow.start), Op.I32Eq],
      ...[...local(0), ...load(At.memorySize), Op.I32GreaterEqualU, Op.I32Or],
      ...[Op.If, ResultI32, ...local(0), ...call(file.importIndex('io_port_read16'))],
      ...[Op.Else, ...load(At.guestMemory), ...local(0), Op.I32Add, Op.I32Load16U, 0, 0, Op.End],
    ],
  },
  {
    in: '3cpu4apic6read32',
    why: 'No local APIC: its page belongs to the machine.',
    body: (file) => [...[...local(0), ...constant(0xfee0_0000), Op.I32Add], ...call(file.importIndex('mmap_read32'))],
  },
  {
    in: '3cpu6ioapic6read32',
    why: 'No I/O APIC: its registers belong to the machine.',
    body: (file) => [...[...local(0), ...constant(0xfec0_0000), Op.I32Add], ...call(file.importIndex('mmap_read32'))],
  },
  {
    in: '3cpu6memory12mmap_write32',
    why: 'Writes of 32 bits to both.',
    body: (file) => [...local(0), ...local(1), ...call(file.importIndex('mmap_write32'))],
  },
  {
    in: 'instr_0FA2',
    why: 'CPUID answers from a table that KVM_SET_CPUID2 knows: no APIC, no hypervisor of another make.',
    body: (file) => [...constant(Question.Cpuid), ...call(file.importIndex('io_port_read16')), Op.Drop],
  },
  {
    in: '3cpu15instructions_0f10instr_0F31',
    why: 'RDTSC guesses between two values of its clock: guest time is exact. A 1 is the answer that it is not allowed.',
    body: (file) => [
      ...[...constant(Question.TimeStamp), ...call(file.importIndex('io_port_read16'))],
      ...[Op.If, NoResult, ...constant(0), ...call(file.indexOf('3cpu3cpu10trigger_gp')), Op.End],
    ],
  },
  {
    in: '3cpu3cpu21call_interrupt_vector',
    why: 'A fault whose delivery faults calls itself, and would run over the end of its stack into other data: it traps before. So does a squashed instruction.',
    replace: [
      [
        [...constant(DeliveryFrame), Op.I32Sub, Op.LocalTee, DeliveryLocal],
        [
          ...[...constant(DeliveryFrame), Op.I32Sub, Op.LocalTee, DeliveryLocal],
          ...[...local(DeliveryLocal), ...constant(ModuleStack.deepest), Op.I32LessThanU],
          ...[...load(At.squashed), Op.I32Or],
          ...[Op.If, NoResult, Op.Unreachable, Op.End],
        ],
      ],
    ],
  },
  {
    in: '3cpu3cpu12do_page_walk',
    why: 'PAE has pages of 2 MiB without CR4.PSE (Intel SDM volume 3, 4.4.2); memtest86+ uses them.',
    replace: [
      [
        [...constant(0x10), Op.I32And],
        [...constant(0x30), Op.I32And],
      ],
    ],
  },
  {
    in: 'main_loop',
    why: 'Where a run ends, and the count of instructions inside a block.',
    replace: [
      // How long it has run is not asked: both times are 0. What has stopped a run ends it, without a look at timers and interrupts.
      [clockInto(BeginLocal), []],
      [clockInto(NowLocal), [...constant(0), Op.I32Load8U, 0, ...unsigned(At.halted), Op.BranchIf, 5]],
      // A run ends exactly at its count, and not at the next jump backwards: so it does not matter where the run before it ended.
      [
        [...local(FirstCountLocal), Op.I32Sub, ...constant(100_003), Op.I32LessThanU],
        [...load(At.lastCount), Op.I32Sub, ...constant(0), Op.I32LessThanS],
      ],
      [
        [
          ...[...local(BlockLocal), ...constant(100_001), Op.I32LessThanU, Op.BranchIf, 0],
          ...[...local(StartLocal), ...local(PointerLocal), Op.I32GreaterEqualU, Op.BranchIf, 2],
        ],
        [
          ...[...countedBlock, ...load(At.lastCount), Op.I32Sub, ...constant(0), Op.I32LessThanS, Op.BranchIf, 0],
          ...[Op.Branch, 2],
        ],
      ],
      [store8(At.blockBoundary, constant(0)), [...store8(At.blockBoundary, constant(0)), ...resetBlock]],
      // Before each instruction but the first of a block.
      [
        store(At.previousPointer, local(PointerLocal)),
        [...store(At.previousPointer, local(PointerLocal)), ...store(At.blockCount, local(BlockLocal))],
      ],
      // The end of a block.
      [
        store(At.instructionCount, [...countedBlock, Op.LocalTee, PointerLocal]),
        [...store(At.instructionCount, [...countedBlock, Op.LocalTee, PointerLocal]), ...resetBlock],
      ],
      // A fetch that faults counts as an instruction: a handler that is on no page would take faults without end.
      [
        [Op.LocalTee, BlockLocal, Op.I32EqualsZero, Op.BranchIf, 2],
        [
          ...[Op.LocalTee, BlockLocal, Op.I32EqualsZero, Op.If, NoResult],
          ...store(At.instructionCount, [...load(At.instructionCount), ...constant(1), Op.I32Add]),
          ...[Op.Branch, 3, Op.End],
        ],
      ],
      // A block ends so where its next page of code is not present: the module forgets to count it.
      [
        [...load(At.instructionCount), Op.LocalSet, PointerLocal, Op.Branch],
        [
          ...[...store(At.instructionCount, countedBlock), ...resetBlock],
          ...[...load(At.instructionCount), Op.LocalSet, PointerLocal, Op.Branch],
        ],
      ],
    ],
  },
];

/** The rows of the patch, for tests: where, and why. */
export const patchReasons = (): (readonly [where: string, why: string])[] => Patches.map((row) => [row.in, row.why]);

/** The module as this SDK runs it. Any other build is refused. */
export async function patchedModule(original: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  await checkDigest(original);
  const file = new WasmFile(original);
  for (const patch of Patches) {
    const index = file.indexOf(patch.in);
    if (patch.body !== undefined) file.setBody(index, joined([[0], patch.body(file), [Op.End]]));
    if (patch.before !== undefined) file.setBody(index, preceded(file.body(index), patch.before(file)));
    for (const [there, then] of patch.replace ?? []) {
      file.setBody(index, replaced(file.body(index), there, then, patch.in));
    }
  }
  // A throw through the module leaves its stack where it was.
  file.addExport('__stack_pointer', ExportKind.Global, 0);
  file.addExport('call_interrupt_vector', ExportKind.Function, file.indexOf('3cpu3cpu21call_interrupt_vector'));
  return file.toBytes();
}

async function checkDigest(bytes: Uint8Array): Promise<void> {
  if (bytes.length === 0) {
    throw new BackplaneError(
      'wasm-missing',
      `The processor: there are no bytes. Give those of build/v86.wasm of the package '${PackageName}' ${PackageVersion}.`,
    );
  }
  const subtle = globalThis.crypto?.subtle as typeof globalThis.crypto.subtle | undefined;
  if (subtle === undefined) {
    throw new BackplaneError(
      'no-secure-context',
      'The processor: a page without a secure context cannot check its digest. Serve the page by HTTPS, or from localhost.',
    );
  }
  const digest = await subtle.digest('SHA-256', new Uint8Array(bytes));
  const text = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (text === Digest) return;
  throw new BackplaneError(
    'wasm-differs',
    `The processor: these bytes are not build/v86.wasm of the package '${PackageName}' ${PackageVersion}, which alone was tried. Run 'npm install ${PackageName}@${PackageVersion}'.`,
  );
}

/** The locals of a function come first: here they are one group of a type. */
const preceded = (body: Uint8Array, code: readonly number[]): Uint8Array =>
  joined([body.subarray(0, LocalsGroup), code, body.subarray(LocalsGroup)]);

function replaced(body: Uint8Array, there: readonly number[], then: readonly number[], where: string): Uint8Array {
  const first = find(body, there, 0);
  if (first < 0 || find(body, there, first + 1) >= 0) {
    throw new BackplaneError(
      'wasm-differs',
      `The processor: the code to replace in '${where}' is not there exactly once.`,
    );
  }
  return joined([body.subarray(0, first), then, body.subarray(first + there.length)]);
}

function find(body: Uint8Array, wanted: readonly number[], from: number): number {
  for (let at = body.indexOf(wanted[0]!, from); at >= 0; at = body.indexOf(wanted[0]!, at + 1)) {
    if (wanted.every((byte, offset) => body[at + offset] === byte)) return at;
  }
  return -1;
}
