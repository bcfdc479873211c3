import { GuestLog, LogLimits, newEntry } from '../../sdk/accelerator/guest/log.ts';
import { LoggedGuest } from '../../sdk/accelerator/guest/logged-guest.ts';
import { GuestOperation, type GuestSource, OperationKind } from '../../sdk/accelerator/guest/operation.ts';
import { refuseOverlaps } from '../../sdk/accelerator/guest/overlaps.ts';
import { saveGuest } from '../../sdk/accelerator/guest/saved-guest.ts';
import {
  Accelerator,
  FlatBinary,
  type GuestBody,
  type GuestCode,
  guestProgram,
  type KvmAccelerator,
  parseAcceleratorSettings,
  simulatedAccelerator,
  TraceParser,
} from '../../sdk/accelerator/index.ts';
import { Capability, ExitReason, KvmRun, SystemRequest, VcpuRequest } from '../../sdk/accelerator/kvm/abi.ts';
import type { IoctlArgument } from '../../sdk/accelerator/kvm/kernel.ts';
import { scheduledAccelerator } from '../../sdk/accelerator/kvm/scheduled/processors.ts';
import { SimulatedKernel } from '../../sdk/accelerator/kvm/simulated-kernel/simulated-kernel.ts';
import { checkTap } from '../../sdk/accelerator/tap.ts';
import { ManualClock } from '../../sdk/clock/index.ts';
import { AddressSpace, MemoryRegion, MemoryTopology } from '../../sdk/memory/index.ts';
import { goldenMessages } from '../golden-messages.ts';
import { KernelBench } from './kernel-bench.ts';
import { scriptedCode } from './scripted-processor.ts';
import { indexAndData, plainPort, SmallMachine } from './small-machine.ts';

const busy = guestProgram('busy', function* () {});
const nothing: GuestBody = function* () {};

/** What a machine of ports 0x70 and 0x80 says to a program. */
const run = (body: GuestBody) => new SmallMachine([...indexAndData(), plainPort()]).run(body);

function parse(text: string | Uint8Array, limit?: number): void {
  const parser = new TraceParser('boot', limit);
  parser.push(typeof text === 'string' ? new TextEncoder().encode(text) : text);
  parser.end();
}

/** A kernel that answers some requests in its own way. */
class OtherKernel extends SimulatedKernel {
  constructor(private readonly answerTo: (request: number, fd: number) => number | undefined) {
    super();
  }
  override ioctl(fd: number, request: number, argument: IoctlArgument): number {
    return this.answerTo(request, fd) ?? super.ioctl(fd, request, argument);
  }
}

/** A guest on a kernel whose every KVM_RUN comes back with this exit reason. */
function exitsWith(reason: number): KvmAccelerator {
  const kernel = new OtherKernel((request, fd) => {
    if (request !== VcpuRequest.Run) return undefined;
    kernel.mapVcpuPage(fd, 0).setUint32(KvmRun.exitReason, reason, true);
    return 0;
  });
  const accelerator = scheduledAccelerator({ kernel });
  const topology = new MemoryTopology();
  const memory = new AddressSpace(topology, 'memory', MemoryRegion.container(topology, 'system', 2 ** 64));
  const io = new AddressSpace(topology, 'I/O', MemoryRegion.unassignedPorts(topology, 'io'));
  accelerator.attach({ topology, memory, io, clock: new ManualClock(), reset: () => undefined });
  accelerator.load([busy]);
  return accelerator;
}

function tooLong(): GuestLog {
  const log = new GuestLog();
  log.add({ ...newEntry(), kind: OperationKind.Out, repeated: LogLimits.operations + 1 });
  return log;
}

function anotherProgram(): void {
  const log = new GuestLog();
  log.add({ ...newEntry(), kind: OperationKind.Out, address: 0x70 });
  LoggedGuest.replay(busy.start(), log, undefined, new GuestOperation());
}

const code: GuestCode = {
  name: 'boot.bin',
  pieces: [{ address: 0x1000, bytes: Uint8Array.of(0xf4) }],
  start: { mode: 'real', entry: 0x1000 },
};
const withProcessor = () => simulatedAccelerator({ machineCode: scriptedCode([]) });

const stranger: GuestSource = { name: 'stranger', next: () => false, interrupt: () => undefined };

goldenMessages('accelerator', {
  'accelerator-in-use': () => {
    const { accelerator, topology, memory, io, clock } = new SmallMachine([]);
    accelerator.attach({ topology, memory, io, clock, reset: () => undefined });
  },
  'accelerator-without-machine': () => simulatedAccelerator().run(),
  'endless-instruction': () => exitsWith(ExitReason.IrqWindowOpen).settle(),
  'guest-differs': anotherProgram,
  'guest-not-savable': () =>
    saveGuest(stranger, new GuestOperation(), { isProgram: false, begun: true, atItsEnd: false }),
  'guest-program-threw': () =>
    run(function* (guest) {
      yield* guest.cli();
      throw new TypeError('no such table');
    }),
  'guest-too-long-to-save': () =>
    saveGuest(new LoggedGuest(busy.start(), tooLong()), new GuestOperation(), {
      isProgram: true,
      begun: true,
      atItsEnd: false,
    }),
  'hidden-reset': () =>
    new SmallMachine([{ name: 'address', at: 0xcf8, size: 4, coalesced: { offset: 0, size: 4 } }], {
      drain: 'on-access',
      resetPorts: [{ address: 0xcf9, size: 1, name: 'reset-control' }],
    }),
  'interrupt-nesting': () => guestWithHandler().interrupt(0x20, new GuestOperation()),
  'invalid-accelerator-option': () => parseAcceleratorSettings(new Map([['drain', 'never']])),
  'invalid-guest-program': () => guestProgram('prober', 5 as unknown as GuestBody),
  'invalid-kernel-call': () => new SimulatedKernel().processor(7),
  'invalid-operation': () => run((guest) => guest.out8(0x1_0000, 1)),
  'invalid-run-option': () => new SmallMachine([]).run(nothing, { operationLimit: -1 }),
  'invalid-vector': () =>
    run(function* (guest) {
      guest.onInterrupt(256, nothing);
      yield* guest.sti();
    }),
  'kvm-failure': () =>
    scheduledAccelerator({
      kernel: new OtherKernel((request) => (request === SystemRequest.CreateVm ? -1 : undefined)),
    }),
  'machine-code-guest': () => simulatedAccelerator().load([code]),
  'machine-code-mode': () => withProcessor().load([{ ...code, start: { mode: 'long', entry: 0x1000 } }]),
  'machine-code-processors': () => withProcessor().load([code, busy]),
  'machine-code-ram': () => {
    const accelerator = withProcessor();
    accelerator.allocateRam(0x20_0000, 'ram', true);
    accelerator.load([code]);
  },
  'no-memory-for-code': () => {
    const accelerator = withProcessor();
    new SmallMachine([], { accelerator, ram: 0x1000 });
    accelerator.load([code]);
  },
  'invalid-flat-binary': () => new FlatBinary({ name: 'boot.bin', bytes: new Uint8Array(16), address: 0xf_fff8 }),
  'machine-not-settled': () => {
    const machine = new SmallMachine(indexAndData(), { drain: 'on-access' });
    machine.run((guest) => guest.out8(0x70, 1));
    Object.assign(machine.accelerator, { settle: () => undefined });
    machine.accelerator.saveState();
  },
  'machine-running': () => {
    const nested = () => machine.accelerator.run();
    const machine: SmallMachine = new SmallMachine([{ name: 'nested', at: 0x90, size: 1, write: nested }]);
    let thrown: unknown;
    try {
      machine.run((guest) => guest.out8(0x90, 1));
    } catch (error) {
      thrown = (error as Error).cause;
    }
    throw thrown;
  },
  'invalid-tap': () => checkTap({ space: 'ports', start: 0x70, size: 0 }),
  'no-taps': () => Accelerator.prototype.useTaps.call({ name: 'own' }, []),
  'no-slices': () => Accelerator.prototype.begin.call({ name: 'own' }),
  'overlapping-code': () =>
    refuseOverlaps(
      [0x1000, 0x1008].map((address) => ({ ...code, pieces: [{ address, bytes: new Uint8Array(16).fill(address) }] })),
    ),
  'processor-stopped': () => {
    const machine = new SmallMachine([]);
    try {
      machine.run((guest) => guest.out8(0x1_0000, 1));
    } catch {
      machine.accelerator.saveState();
    }
  },
  'step-not-run': () =>
    run(function* (guest) {
      guest.out8(0x70, 1);
      yield* guest.hlt();
    }),
  'too-many-guests': () => simulatedAccelerator().load(Array.from({ length: 65 }, () => busy)),
  'too-many-memory-slots': () =>
    new SmallMachine([], { capabilities: { [Capability.MemorySlotCount]: 1 } }).addRam('high', 0x1000),
  'trace-damaged': 'the reader of files says it: test/cli/trace-file.test.ts',
  'trace-empty': () => parse(''),
  'trace-malformed': () => parse('# iotrace v1\n0 XW 70 1 8f\n'),
  'trace-not-utf8': () => parse(new Uint8Array([0xff, 0xfe, 0x23, 0, 0x20, 0, 0x0a])),
  'trace-too-long': () => parse('# iotrace v1\n', 8),
  'trace-truncated': () => parse('# iotrace v1\n# accesses: 2\n0 PW 70 1 8f\n'),
  'unhandled-interrupt': () => busy.start().interrupt(0x20, new GuestOperation()),
  'unknown-accelerator-option': () => parseAcceleratorSettings(new Map([['colesced', 'on']])),
  'unknown-exit': () => exitsWith(ExitReason.FailEntry).run(),
  'unsupported-kernel': () =>
    scheduledAccelerator({
      kernel: new OtherKernel((request) => (request === SystemRequest.GetApiVersion ? 11 : undefined)),
    }),
  'vcpu-without-guest': () => {
    const bench = new KernelBench();
    bench.run();
    throw bench.kernel.processor(bench.vcpuFds[0]!).failure;
  },
});

/** A program in 257 handlers at once. */
function guestWithHandler(): GuestSource {
  const source = guestProgram('nesting', function* (guest) {
    guest.onInterrupt(0x20, function* (handler) {
      yield* handler.sti();
    });
    yield* guest.sti();
  }).start();
  const operation = new GuestOperation();
  source.next(operation);
  for (let depth = 0; depth < 256; depth++) {
    operation.finished = false;
    source.interrupt(0x20, operation);
    source.next(operation);
  }
  return source;
}
