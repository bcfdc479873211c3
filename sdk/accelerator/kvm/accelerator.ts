import { BackplaneError } from '../../base/errors.ts';
import type { Json, JsonReader } from '../../base/json-reader.ts';
import { MILLISECOND } from '../../clock/index.ts';
import type { CoalescedZones, RamBlock } from '../../memory/index.ts';
import {
  Accelerator,
  type AcceleratorHost,
  type GuestImage,
  type GuestRunOptions,
  type RunOptions,
  type RunOutcome,
  type SliceEnd,
  type SliceLimits,
} from '../accelerator.ts';
import type { AcceleratorListener } from '../events.ts';
import { ExitStatistics } from '../exit-statistics.ts';
import { DefaultExitCosts } from '../exit-table.ts';
import { type GuestAccess, HandlerProfile, MachineAccess } from '../guest-access.ts';
import { type AccessTap, TappedAccess } from '../tap.ts';
import { EventConsumers } from './event-consumers.ts';
import { ExitService } from './exit-service.ts';
import { GuestStart } from './guest-start.ts';
import { InterruptInjection } from './interrupt-injection.ts';
import type { ScheduledKernel } from './kernel.ts';
import { hiddenReset, MapListeners } from './map-listeners.ts';
import {
  checkAcceleratorOptions,
  checkGuestCount,
  checkRunOptions,
  checkSliceLimits,
  type KvmAcceleratorOptions,
  MostVcpus,
} from './options.ts';
import { RingDrain } from './ring-drain.ts';
import { RunRequests } from './run-control.ts';
import { RunLoop } from './run-loop.ts';
import { readAccelerator, type SavedParts, saveAccelerator } from './saved-state.ts';
import { TimeKeeper } from './time-keeper.ts';
import { ScheduledVcpu, VcpuSchedule } from './vcpu-schedule.ts';
import { type KvmVcpu, KvmVm } from './vm.ts';

const DefaultKickAfter = 10 * MILLISECOND;
const NoZones = { ports: [], memory: [] } as const;

/** Userspace of a KVM kernel: memory slots, coalesced zones and ioeventfds from the memory map, and the run loop. */
export class KvmAccelerator extends Accelerator {
  readonly name: string;
  readonly statistics: ExitStatistics;
  /** What a guest can notice of its options, for a recording. @internal */
  readonly noticeable: Json | undefined;
  private readonly kernel: ScheduledKernel;
  private readonly vm: KvmVm;
  private readonly schedule: VcpuSchedule;
  private readonly requests = new RunRequests();
  private readonly consumers: EventConsumers;
  private map: MapListeners | undefined;
  private readonly guests: GuestStart;
  private host: AcceleratorHost | undefined;
  private loop: RunLoop | undefined;
  private ring: RingDrain | undefined;
  private route: (way: (access: GuestAccess) => GuestAccess) => void = () => {};
  private leaveClock: (() => void) | undefined;
  private observable: readonly (RingDrain | ExitService | InterruptInjection)[] = [];

  /** @internal */
  constructor(private readonly options: KvmAcceleratorOptions & { readonly kernel: ScheduledKernel }) {
    super();
    this.name = options.name ?? 'kvm-sim';
    this.noticeable = options.noticeable;
    checkAcceleratorOptions(options);
    this.kernel = options.kernel;
    this.vm = new KvmVm(options.kernel);
    this.statistics = new ExitStatistics(options.kernel.statistics, options.costs ?? DefaultExitCosts);
    this.schedule = new VcpuSchedule(options.seed ?? 0);
    this.consumers = new EventConsumers(options.kernel);
    this.guests = new GuestStart(options.kernel, this.schedule, options.onTooLongToSave);
    this.addVcpus(options.vcpus ?? 1);
  }

  override get zones(): CoalescedZones {
    return this.map?.zones ?? NoZones;
  }

  /** Ranges that are declared coalesced and for which the kernel has no room: their writes exit until there is. */
  get refused(): CoalescedZones {
    return this.map?.refused ?? NoZones;
  }

  /** Operations that the vCPUs have executed, together. @internal */
  get operations(): number {
    return this.schedule.vcpus.reduce((sum, { vcpu }) => sum + this.kernel.processor(vcpu.fd).operations, 0);
  }

  /** Guest time as the kernel knows it; a machine's clock follows at the next return to userspace. */
  override get guestTime(): number {
    return this.kernel.now;
  }

  get queuedWrites(): number {
    return this.ring?.pending ?? 0;
  }

  override allocateRam(size: number, name: string): RamBlock {
    return this.kernel.allocateGuestMemory(size, name);
  }

  override attach(host: AcceleratorHost): void {
    const inUse = `Accelerator '${this.name}': it has a machine already. Use another.`;
    if (this.host !== undefined) throw new BackplaneError('accelerator-in-use', inUse);
    this.host = host;
    const access = this.accessOf(host);
    const { kernel, vm, requests, statistics } = this;
    const ring = new RingDrain(kernel, vm.vcpus[0] as KvmVcpu, host.topology, access, requests, statistics);
    const service = new ExitService(access, requests);
    const time = new TimeKeeper(kernel, host.clock, this.schedule);
    const interrupts = new InterruptInjection(vm, host.interruptController);
    const parts = { host, ring, service, interrupts, time, requests };
    this.ring = ring;
    this.route = (way) => {
      ring.route(way(access));
      service.route(way(access));
    };
    this.observable = [ring, service, interrupts];
    this.loop = new RunLoop({
      ...this.parts,
      ...parts,
      drainsAtReturns: this.drainsAtReturns,
      restartGuests: () => this.guests.start(true),
      checkMap: () => this.hiddenReset(),
    });
    this.leaveClock = host.clock.onRebase((nanoseconds) => time.rebase(nanoseconds));
    host.topology.coalescedIoFlusher = { flushCoalescedIo: () => this.drain() };
    const { kickAfter = DefaultKickAfter } = this.options;
    kernel.kickWhenQueuedFor(this.drainsAtReturns ? kickAfter : Number.POSITIVE_INFINITY);
    this.map = this.mapOf(host);
    const hidden = this.hiddenReset();
    if (hidden !== undefined) throw new BackplaneError('hidden-reset', hidden);
  }

  override detach(): void {
    const { host } = this;
    if (host === undefined) return;
    this.map?.detach();
    this.leaveClock?.();
    host.topology.coalescedIoFlusher = { flushCoalescedIo() {} };
    this.consumers.close();
    this.vm.close();
    this.host = this.loop = this.ring = this.map = undefined;
  }

  override observe(listener: AcceleratorListener | undefined): void {
    for (const part of this.observable) part.listen(listener);
  }

  override useTaps(taps: readonly AccessTap[]): void {
    this.taps = taps;
    this.route((access) => taps.reduce((next, tap) => new TappedAccess(next, tap), access));
  }

  override load(images: readonly GuestImage[], { savable = false }: Pick<GuestRunOptions, 'savable'> = {}): void {
    checkGuestCount(this.name, images.length);
    this.guests.logsPrograms = savable;
    this.addVcpus(images.length - this.schedule.vcpus.length);
    this.schedule.vcpus.forEach((state, index) => {
      state.image = images[index];
    });
    this.guests.start(false);
  }

  override run(options: RunOptions = {}): RunOutcome {
    return this.readyFor(options).run(options);
  }

  override begin(options: RunOptions = {}): void {
    this.readyFor(options).begin(options);
  }

  override runSlice(limits: SliceLimits): SliceEnd {
    checkSliceLimits(limits);
    return this.attached().slice(limits);
  }

  override pause(): void {
    if (this.loop?.running === true || this.loop?.isOpen === true) this.requests.pause = true;
  }

  override requestReset(): void {
    const loop = this.attached();
    if (loop.running || loop.isOpen || this.host!.topology.handlerDepth > 0) {
      this.requests.reset = true;
      return;
    }
    loop.settle();
    loop.reset();
  }

  override drain(): void {
    this.loop?.drain();
  }

  override settle(): void {
    if (this.loop?.running === true) {
      throw new BackplaneError(
        'machine-running',
        'settle(): the machine runs. Call pause(), and settle() once run() has returned.',
      );
    }
    this.loop?.settle();
  }

  override saveState(): Json {
    this.settle();
    return saveAccelerator(this.parts);
  }

  /** @internal */
  override readState(reader: JsonReader, guests: readonly GuestImage[]): () => void {
    this.addVcpus(reader.member('processors').list(MostVcpus).length - this.schedule.vcpus.length);
    const apply = readAccelerator(reader, this.parts, guests);
    return () => {
      apply();
      this.loop?.countFromEpoch();
      this.guests.restored();
    };
  }

  override eventfd(consumer: () => void, name?: () => string): number {
    return this.consumers.add(consumer, name);
  }

  override closeEventfd(fd: number): void {
    this.consumers.remove(fd);
  }

  private get parts(): SavedParts {
    const { kernel, vm, schedule, consumers, statistics } = this;
    return { kernel, vm, schedule, consumers, statistics };
  }

  private get drainsAtReturns(): boolean {
    return (this.options.drain ?? 'every-exit') === 'every-exit';
  }

  private readyFor(options: RunOptions): RunLoop {
    checkRunOptions(options);
    this.requests.mapChanged = true;
    return this.attached();
  }

  private attached(): RunLoop {
    if (this.loop !== undefined) return this.loop;
    const why = `Accelerator '${this.name}': it has no machine. Call attach(host) first.`;
    throw new BackplaneError('accelerator-without-machine', why);
  }

  private accessOf(host: AcceleratorHost): GuestAccess {
    const machine = new MachineAccess(host.memory, host.io);
    const access = this.options.intercept?.(machine, host) ?? machine;
    if (this.options.profile !== true) return access;
    this.statistics.profile = new HandlerProfile(access);
    return this.statistics.profile;
  }

  private mapOf(host: AcceleratorHost): MapListeners {
    const zonesChanged = () => {
      this.requests.mapChanged = true;
    };
    const signal = (fd: number) => this.consumers.signal(fd);
    return new MapListeners(host, this.vm, { ...this.options, zonesChanged, signal });
  }

  private hiddenReset(): string | undefined {
    return this.drainsAtReturns ? undefined : hiddenReset(this.zones, this.host?.resetPorts ?? []);
  }

  private addVcpus(count: number): void {
    for (let added = 0; added < count; added++) {
      const state = new ScheduledVcpu(this.vm.createVcpu());
      state.finished = true;
      this.schedule.vcpus.push(state);
    }
  }
}
