import type { GuestImage } from '../accelerator/accelerator.ts';
import type { ExitStatistics } from '../accelerator/exit-statistics.ts';
import { Cpuid2, SystemRequest, VcpuRequest } from '../accelerator/kvm/abi.ts';
import { TimeKeeper } from '../accelerator/kvm/time-keeper.ts';
import type { KernelProcessors, LoopParts, ProcessorParts, UserspaceLoop } from '../accelerator/kvm/userspace-loop.ts';
import type { KvmVcpu } from '../accelerator/kvm/vm.ts';
import { BackplaneError } from '../base/errors.ts';
import type { Json, JsonReader } from '../base/json-reader.ts';
import { FlatBinary } from './flat-binary.ts';
import { GuestPlacement } from './guest-placement.ts';
import type { HostKernel } from './host-kernel.ts';
import { HostLoop } from './host-loop.ts';
import { RecordedTime } from './recorded-time.ts';
import { type ComparedAccess, RecordingPlay, recordingOf } from './recording-play.ts';
import { HostVcpu } from './vcpu.ts';

/** Entries of KVM_GET_SUPPORTED_CPUID: more than any kernel has. */
const MostCpuidEntries = 256;

/** The vCPUs of the host's kernel. They execute machine code: flat binaries, and recordings that were compiled. */
export class HostProcessors implements KernelProcessors {
  /** KVM does not tell when it queued a write. */
  readonly queueTimes = undefined;
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
  ) {}

  /** The host's processor counts none: returns to userspace stand for them. */
  get operations(): number {
    return this.kernel.counts.userspaceExits;
  }

  get guestTime(): number {
    return this.time?.now ?? 0;
  }

  add(count: number): void {
    for (let added = 0; added < count; added++) {
      const vcpu = this.parts.vm.createVcpu();
      this.setCpuid(vcpu);
      this.vcpus.push(new HostVcpu(vcpu));
    }
  }

  load(images: readonly GuestImage[], _savable: boolean): void {
    refuseOthers(images);
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
      const { image, vcpu } = state;
      state.halted = state.exitPending = false;
      state.finished = image === undefined;
      if (image === undefined) continue;
      const guest = recordingOf(image);
      if (guest === undefined) this.placement?.placeBinary(vcpu, image as unknown as FlatBinary);
      else this.startRecording(vcpu, image, guest);
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

  /** A vCPU has the features of the host's processor. Long mode is one of them. */
  private setCpuid({ id, fd }: KvmVcpu): void {
    const { vm } = this.parts;
    this.cpuid ??= this.supportedCpuid();
    vm.call(fd, VcpuRequest.SetCpuid2, this.cpuid, `give vCPU ${id} the features of the host's processor`);
  }

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
    if (image instanceof FlatBinary || recordingOf(image) !== undefined) continue;
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
