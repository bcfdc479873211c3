import type { GuestImage } from '../accelerator/accelerator.ts';
import type { ExitStatistics } from '../accelerator/exit-statistics.ts';
import { isGuestCode } from '../accelerator/guest/code.ts';
import { refuseOverlaps } from '../accelerator/guest/overlaps.ts';
import { Cpuid2, PageSize, SystemRequest, VcpuRequest, VmRequest } from '../accelerator/kvm/abi.ts';
import { type CpuidEntry, cpuidStruct } from '../accelerator/kvm/cpuid.ts';
import { TimeKeeper } from '../accelerator/kvm/time-keeper.ts';
import type { KernelProcessors, LoopParts, ProcessorParts, UserspaceLoop } from '../accelerator/kvm/userspace-loop.ts';
import type { KvmVcpu } from '../accelerator/kvm/vm.ts';
import { BackplaneError } from '../base/errors.ts';
import type { Json, JsonReader } from '../base/json-reader.ts';
import { GuestPlacement } from './guest-placement.ts';
import type { HostKernel } from './host-kernel.ts';
import { HostLoop } from './host-loop.ts';
import { PowerOnState } from './power-on-state.ts';
import { RecordedTime } from './recorded-time.ts';
import { type ComparedAccess, RecordingPlay, recordingOf } from './recording-play.ts';
import { HostVcpu } from './vcpu.ts';

/** Entries of KVM_GET_SUPPORTED_CPUID: more than any kernel has. */
const MostCpuidEntries = 256;

/** @see Intel SDM volume 2A, CPUID, leaf 1, EDX: bit 9 is APIC */
const FeatureLeaf = 1;
const LocalApic = 1 << 9;

/**
 * Four pages below the 16 MiB of firmware at the end of 4 GiB. An Intel processor without unrestricted guests executes 16-bit code
 * with them: one has page tables, three a task state segment. @see Documentation/virt/kvm/api.rst, KVM_SET_TSS_ADDR
 */
const IdentityMap = 0xfeff_c000;
const TaskStateSegment = IdentityMap + PageSize;

/** The vCPUs of the host's kernel. They execute machine code, and recordings that were compiled. */
export class HostProcessors implements KernelProcessors {
  /** KVM does not tell when it queued a write. */
  readonly queueTimes = undefined;
  readonly countInstructions = false;
  private readonly vcpus: HostVcpu[] = [];
  private placement: GuestPlacement | undefined;
  private time: TimeKeeper | undefined;
  private clock: LoopParts['host']['clock'] | undefined;
  private loop: HostLoop | undefined;
  private leaveClock: (() => void) | undefined;
  private cpuid: DataView | undefined;

  constructor(
    private readonly kernel: HostKernel,
    private readonly parts: ProcessorParts,
    /** Where exits and ring entries come in; there once the machine is attached. */
    private readonly compared: () => ComparedAccess | undefined,
    /** What CPUID answers; undefined: what the host's processor has. */
    private readonly cpuidEntries: readonly CpuidEntry[] | undefined,
  ) {
    const features = cpuidEntries?.find((entry) => entry.function === FeatureLeaf);
    if (features !== undefined) parts.vm.hasLocalApic = (features.edx & LocalApic) !== 0;
  }

  /** The host's processor counts none: returns to userspace stand for them. */
  get operations(): number {
    return this.kernel.counts.userspaceExits;
  }

  get guestTime(): number {
    return this.time?.now ?? 0;
  }

  add(count: number): void {
    if (this.vcpus.length === 0 && count > 0) this.givePagesForRealMode();
    for (let added = 0; added < count; added++) {
      const vcpu = this.parts.vm.createVcpu();
      this.setCpuid(vcpu);
      this.vcpus.push(new HostVcpu(vcpu, new PowerOnState(this.kernel, vcpu)));
    }
  }

  load(images: readonly GuestImage[], _savable: boolean): void {
    refuseOthers(images);
    refuseOverlaps(images.filter(isGuestCode));
    this.add(images.length - this.vcpus.length);
    this.placement?.clear();
    this.setPlay(undefined);
    this.vcpus.forEach((state, index) => {
      state.image = images[index];
    });
    this.start();
  }

  attach(parts: LoopParts): UserspaceLoop {
    const { clock, memory } = parts.host;
    this.clock = clock;
    this.placement = new GuestPlacement(this.parts.vm, memory);
    this.time = new TimeKeeper(this.kernel, clock);
    this.leaveClock = clock.onRebase((nanoseconds) => this.time?.rebase(nanoseconds));
    const { kernel, vcpus } = this;
    this.loop = new HostLoop({ ...parts, kernel, vcpus, restartGuests: () => this.restart() }, this.time);
    return this.loop;
  }

  detach(): void {
    this.leaveClock?.();
    this.loop = this.placement = undefined;
  }

  save(_statistics: ExitStatistics): Json {
    throw new BackplaneError(
      'guest-not-savable',
      "Accelerator 'kvm' cannot save what the host's processors hold. Use -accel kvm-sim.",
    );
  }

  read(reader: JsonReader, _images: readonly GuestImage[], _statistics: ExitStatistics): () => void {
    reader.refuse("accelerator 'kvm' cannot restore what processors held");
    return () => {};
  }

  private start(): void {
    for (const state of this.vcpus) {
      const { image, vcpu, powerOn } = state;
      powerOn.restore();
      state.halted = state.exitPending = false;
      state.finished = image === undefined;
      if (image === undefined) continue;
      const guest = recordingOf(image);
      if (guest !== undefined) this.startRecording(vcpu, image, guest);
      else if (isGuestCode(image)) this.placement?.placeCode(vcpu, image);
    }
  }

  private startRecording(vcpu: KvmVcpu, image: GuestImage, guest: NonNullable<ReturnType<typeof recordingOf>>): void {
    const { placement, clock } = this;
    if (placement === undefined || clock === undefined) return;
    placement.placeRecording(vcpu, guest.trace);
    const play = new RecordingPlay(image as typeof guest, guest);
    const time = new RecordedTime(clock, guest);
    this.setPlay(play);
    this.time = time;
    this.loop?.play(play, time);
  }

  private setPlay(play: RecordingPlay | undefined): void {
    const access = this.compared();
    if (access !== undefined) access.play = play;
  }

  /** A recording goes on where it was: what the guest did after the reset is in it. */
  private restart(): void {
    if (this.compared()?.play === undefined) this.start();
  }

  /** Before the first vCPU: KVM takes them no later. */
  private givePagesForRealMode(): void {
    const { vm } = this.parts;
    const address = new DataView(new ArrayBuffer(8));
    address.setBigUint64(0, BigInt(IdentityMap), true);
    vm.call(vm.vmFd, VmRequest.SetIdentityMapAddress, address, 'place the page tables of real mode');
    vm.call(vm.vmFd, VmRequest.SetTssAddress, TaskStateSegment, 'place the task state segment of real mode');
  }

  private setCpuid({ id, fd }: KvmVcpu): void {
    const { cpuidEntries } = this;
    const { vm } = this.parts;
    this.cpuid ??= cpuidEntries === undefined ? this.supportedCpuid() : cpuidStruct(cpuidEntries);
    vm.call(fd, VcpuRequest.SetCpuid2, this.cpuid, `tell vCPU ${id} what CPUID answers`);
  }

  /** A vCPU has the features of the host's processor. Long mode is one of them. */
  private supportedCpuid(): DataView {
    const features = new DataView(new ArrayBuffer(Cpuid2.header + MostCpuidEntries * Cpuid2.entry));
    features.setUint32(Cpuid2.count, MostCpuidEntries, true);
    const { vm } = this.parts;
    vm.call(this.kernel.systemFd, SystemRequest.GetSupportedCpuid, features, "ask for the host processor's features");
    return features;
  }
}

/** Programs in TypeScript are executed by the simulated kernel alone. */
function refuseOthers(images: readonly GuestImage[]): void {
  const recordings = images.filter((image) => recordingOf(image) !== undefined);
  if (recordings.length > 0 && images.length > 1) {
    throw new BackplaneError(
      'recording-not-alone',
      `Guest '${recordings[0]!.name}' is a recording, and -accel kvm compares the exits of one vCPU with it. Give no other guest.`,
    );
  }
  for (const image of images) {
    if (isGuestCode(image) || recordingOf(image) !== undefined) continue;
    throw notMachineCode(image.name);
  }
}

/** A guest program in TypeScript, for the host's processor. */
export function notMachineCode(name: string): BackplaneError {
  return new BackplaneError(
    'guest-not-machine-code',
    `Guest '${name}' is a program in TypeScript, and the host's processor executes machine code. Run it with -accel kvm-sim, or ` +
      'give a flat binary: -device loader,file=FILE.bin,addr=0x1000,cpu-num=0.',
  );
}
