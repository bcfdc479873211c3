import type { Json, JsonReader } from '../../../base/json-reader.ts';
import { hex } from '../../../base/text.ts';
import { MILLISECOND } from '../../../clock/index.ts';
import type { GuestImage } from '../../accelerator.ts';
import type { ExitStatistics } from '../../exit-statistics.ts';
import { DefaultExitCosts } from '../../exit-table.ts';
import type { CodeObserver } from '../../guest/code.ts';
import { KvmAccelerator } from '../accelerator.ts';
import { CodePlacement } from '../code-placement.ts';
import { type KvmAcceleratorOptions, MostVcpus } from '../options.ts';
import type { KernelProcessors, LoopParts, ProcessorParts, UserspaceLoop } from '../userspace-loop.ts';
import { GuestStart } from './guest-start.ts';
import type { ScheduledKernel } from './kernel.ts';
import { RunLoop } from './run-loop.ts';
import { readAccelerator, type SavedParts, saveAccelerator } from './saved-state.ts';
import { ScheduledTime } from './time.ts';
import { ScheduledVcpu, VcpuSchedule } from './vcpu-schedule.ts';

const DefaultKickAfter = 10 * MILLISECOND;

type ScheduledOptions = Pick<KvmAcceleratorOptions, 'seed' | 'kickAfter' | 'onTooLongToSave'>;

/** An accelerator on a kernel whose vCPUs take turns. */
export function scheduledAccelerator(
  options: KvmAcceleratorOptions & { readonly kernel: ScheduledKernel },
): KvmAccelerator {
  const processors = (parts: ProcessorParts) => new ScheduledProcessors(options.kernel, parts, options);
  return new KvmAccelerator({ ...options, costs: options.costs ?? DefaultExitCosts, processors });
}

/** vCPUs that execute guest programs and recordings, in turns that a seed decides. */
class ScheduledProcessors implements KernelProcessors {
  private readonly schedule: VcpuSchedule;
  private readonly guests: GuestStart;
  private time: ScheduledTime | undefined;
  private leaveClock: (() => void) | undefined;

  constructor(
    private readonly kernel: ScheduledKernel,
    private readonly parts: ProcessorParts,
    private readonly options: ScheduledOptions,
  ) {
    this.schedule = new VcpuSchedule(options.seed ?? 0);
    this.guests = new GuestStart(kernel, this.schedule, options.onTooLongToSave);
  }

  get queueTimes(): ScheduledKernel {
    return this.kernel;
  }

  get operations(): number {
    return this.schedule.vcpus.reduce((sum, { vcpu }) => sum + this.kernel.processor(vcpu.fd).operations, 0);
  }

  get countInstructions(): boolean {
    return this.schedule.vcpus.some(({ vcpu }) => this.kernel.processor(vcpu.fd).executesCode);
  }

  get guestTime(): number {
    return this.kernel.now;
  }

  add(count: number): void {
    for (let added = 0; added < count; added++) {
      const state = new ScheduledVcpu(this.parts.vm.createVcpu());
      state.finished = true;
      this.schedule.vcpus.push(state);
    }
  }

  load(images: readonly GuestImage[], savable: boolean): void {
    this.guests.refuseCode(images);
    this.guests.logsPrograms = savable;
    this.add(images.length - this.schedule.vcpus.length);
    this.schedule.vcpus.forEach((state, index) => {
      state.image = images[index];
    });
    this.guests.start(false);
  }

  observeCode(observer: CodeObserver | undefined): void {
    const [first] = this.schedule.vcpus;
    if (first !== undefined) this.kernel.observeCode(first.vcpu.fd, observer);
  }

  attach(parts: LoopParts): UserspaceLoop {
    const { kernel, schedule, guests } = this;
    const { clock, memory } = parts.host;
    guests.placement = new CodePlacement(this.parts.vm, memory, () => 0);
    kernel.onOverwritten = (address) => parts.host.guestError?.(overwritten(address));
    const time = new ScheduledTime(kernel, clock, schedule);
    this.time = time;
    this.leaveClock = clock.onRebase((nanoseconds) => time.rebase(nanoseconds));
    const { kickAfter = DefaultKickAfter } = this.options;
    kernel.kickWhenQueuedFor(parts.drainsAtReturns ? kickAfter : Number.POSITIVE_INFINITY);
    const { vcpus } = schedule;
    return new RunLoop({ ...parts, kernel, schedule, vcpus, time, restartGuests: () => guests.start(true) });
  }

  detach(): void {
    this.leaveClock?.();
  }

  save(statistics: ExitStatistics): Json {
    return saveAccelerator(this.savedParts(statistics));
  }

  read(reader: JsonReader, images: readonly GuestImage[], statistics: ExitStatistics): () => void {
    this.add(reader.member('processors').list(MostVcpus).length - this.schedule.vcpus.length);
    const apply = readAccelerator(reader, this.savedParts(statistics), images);
    return () => {
      apply();
      this.time?.countFromEpoch();
      this.guests.restored();
    };
  }

  private savedParts(statistics: ExitStatistics): SavedParts {
    const { kernel, schedule } = this;
    return { ...this.parts, kernel, schedule, statistics };
  }
}

const overwritten = (address: number): string =>
  `machine code has written to read-only memory, first at ${hex(address)}: the processor cannot prevent it, and the bytes were put back`;
