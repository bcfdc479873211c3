import {
  type GuestImage,
  isProgramImage,
  type RunOptions,
  type RunOutcome,
  type SliceEnd,
} from '../../sdk/accelerator/accelerator.ts';
import { type GuestSource, OperationKind } from '../../sdk/accelerator/guest/operation.ts';
import { ExitReason, IoExit, KvmRun, VcpuRequest } from '../../sdk/accelerator/kvm/abi.ts';
import { KvmAccelerator } from '../../sdk/accelerator/kvm/accelerator.ts';
import { ExitPump } from '../../sdk/accelerator/kvm/exit-pump.ts';
import type { IoctlArgument, KvmKernel } from '../../sdk/accelerator/kvm/kernel.ts';
import type { KernelCounts } from '../../sdk/accelerator/kvm/kernel-counts.ts';
import type { KvmAcceleratorOptions } from '../../sdk/accelerator/kvm/options.ts';
import { SimulatedKernel } from '../../sdk/accelerator/kvm/simulated-kernel/simulated-kernel.ts';
import { TimeKeeper } from '../../sdk/accelerator/kvm/time-keeper.ts';
import type {
  KernelProcessors,
  LoopParts,
  ProcessorParts,
  UserspaceLoop,
} from '../../sdk/accelerator/kvm/userspace-loop.ts';
import { finishInstruction, type KvmVcpu } from '../../sdk/accelerator/kvm/vm.ts';

/** A write there is no exit while the ring has room. */
const CoalescedPort = 0x70;

/** The time of a host's kernel has a zero of its own. */
const OwnTime = 5_000_000_000;

/** A kernel that has KVM's interface and nothing else, as the host's has. What executes its guests is hidden. */
class ThinKernel implements KvmKernel {
  readonly counts = { ...NoCounts };

  constructor(private readonly inner: SimulatedKernel) {}

  get errno() {
    return this.inner.errno;
  }
  get now() {
    return this.inner.now + OwnTime;
  }
  open(path: string) {
    return this.inner.open(path);
  }
  close(fd: number) {
    return this.inner.close(fd);
  }
  ioctl(fd: number, request: number, argument: IoctlArgument) {
    const result = this.inner.ioctl(fd, request, argument);
    if (request === VcpuRequest.Run && result === 0) this.count(this.inner.mapVcpuPage(fd, 0));
    return result;
  }
  mapVcpuPage(vcpuFd: number, page: 0 | 1 | 2) {
    return this.inner.mapVcpuPage(vcpuFd, page);
  }
  allocateGuestMemory(size: number, name?: string) {
    return this.inner.allocateGuestMemory(size, name);
  }
  releaseGuestMemory(block: Parameters<KvmKernel['releaseGuestMemory']>[0]) {
    this.inner.releaseGuestMemory(block);
  }
  eventfd() {
    return this.inner.eventfd();
  }
  readEventfd(fd: number) {
    return this.inner.readEventfd(fd);
  }
  kickAt(deadline: number) {
    this.inner.kickAt(deadline - OwnTime);
  }

  private count(run: DataView): void {
    const { counts } = this;
    const reason = run.getUint32(KvmRun.exitReason, true);
    counts.userspaceExits++;
    if (reason === ExitReason.Io) {
      counts.portUserspaceExits++;
      if (run.getUint16(IoExit.port, true) === CoalescedPort) counts.ringFullExits++;
    }
    if (reason === ExitReason.Mmio) counts.memoryUserspaceExits++;
    else if (reason === ExitReason.Hlt) counts.haltExits++;
  }
}

const NoCounts = {
  userspaceExits: 0,
  portUserspaceExits: 0,
  memoryUserspaceExits: 0,
  haltExits: 0,
  interruptWindowExits: 0,
  ringFullExits: 0,
  reset() {
    Object.assign(this, NoCounts);
  },
} satisfies KernelCounts;

/** An accelerator on such a kernel. Its guests end with a HLT: nothing else of them is seen. */
export function thinAccelerator(options: KvmAcceleratorOptions = {}): KvmAccelerator {
  const inner = new SimulatedKernel();
  const kernel = new ThinKernel(inner);
  const attach = (vcpu: KvmVcpu, image: GuestImage) =>
    inner.processor(vcpu.fd).attach(isProgramImage(image) ? image.start() : endedByHalt(image as GuestSource));
  return new KvmAccelerator({
    ...options,
    name: 'thin',
    kernel,
    processors: (parts) => new ThinProcessors(kernel, parts, attach),
  });
}

/** A recording, and a HLT behind its last access: as machine code it ends so too. */
function endedByHalt(recording: GuestSource): GuestSource {
  let ended = false;
  return {
    name: recording.name,
    next: (operation) => {
      if (recording.next(operation)) return true;
      if (ended) return false;
      ended = true;
      operation.kind = OperationKind.Hlt;
      operation.at = -1;
      return true;
    },
    interrupt: () => undefined,
  };
}

interface ThinVcpu {
  readonly vcpu: KvmVcpu;
  exitPending: boolean;
}

class ThinProcessors implements KernelProcessors {
  readonly queueTimes = undefined;
  readonly countInstructions = false;
  readonly operations = 0;
  private readonly vcpus: ThinVcpu[] = [];
  private time: TimeKeeper | undefined;

  constructor(
    private readonly kernel: KvmKernel,
    private readonly parts: ProcessorParts,
    private readonly give: (vcpu: KvmVcpu, image: GuestImage) => void,
  ) {}

  get guestTime() {
    return this.time?.now ?? 0;
  }
  add(count: number): void {
    for (let added = 0; added < count; added++)
      this.vcpus.push({ vcpu: this.parts.vm.createVcpu(), exitPending: false });
  }
  load(images: readonly GuestImage[]): void {
    this.give(this.vcpus[0]!.vcpu, images[0]!);
  }
  attach(parts: LoopParts): UserspaceLoop {
    this.time = new TimeKeeper(this.kernel, parts.host.clock);
    return new ThinLoop(this.kernel, this.vcpus, parts, this.time);
  }
  detach(): void {}
  save(): never {
    throw new Error('nothing is saved');
  }
  read(): never {
    throw new Error('nothing is restored');
  }
}

/** The shortest loop: one vCPU, until it halts. */
class ThinLoop implements UserspaceLoop {
  running = false;
  readonly isOpen = false;
  private halted = false;
  private readonly pump: ExitPump<ThinVcpu>;

  constructor(
    kernel: KvmKernel,
    private readonly vcpus: readonly ThinVcpu[],
    private readonly parts: LoopParts,
    private readonly time: TimeKeeper,
  ) {
    const halted = () => {
      this.halted = true;
    };
    this.pump = new ExitPump(
      { ...parts, kernel, vcpus, time, failureOf: () => undefined },
      { halted, shutDown: halted },
    );
  }

  run(_options: RunOptions): RunOutcome {
    const { parts, time, pump } = this;
    const [state] = this.vcpus as [ThinVcpu];
    this.halted = false;
    this.running = true;
    time.begin();
    while (!this.halted) {
      time.prepareEntry();
      parts.interrupts.prepare(state.vcpu);
      if (!pump.enter(state)) {
        time.advanceUntilTimer();
        this.drain();
        time.runTimers();
      }
      if (parts.ring.postponed) this.drain();
      parts.consumers.notify(() => this.drain());
    }
    this.running = false;
    return { reason: 'finished', message: 'HLT.', operations: 0 };
  }
  begin(): void {}
  slice(): SliceEnd {
    throw new Error('there are no slices');
  }
  drain(): void {
    if (this.parts.ring.drain() > 0) this.parts.statistics.otherDrains++;
  }
  settle(): void {
    finishInstruction(this.parts.vm, this.vcpus[0]!.vcpu, () => undefined);
    this.drain();
  }
  reset(): void {}
}
