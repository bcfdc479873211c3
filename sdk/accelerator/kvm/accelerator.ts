import { BackplaneError } from '../../base/errors.ts';
import type { Json, JsonReader } from '../../base/json-reader.ts';
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
import type { CodeObserver } from '../guest/code.ts';
import { type GuestAccess, HandlerProfile, MachineAccess } from '../guest-access.ts';
import { type AccessTap, TappedAccess } from '../tap.ts';
import { EventConsumers } from './event-consumers.ts';
import { ExitService } from './exit-service.ts';
import { InterruptInjection } from './interrupt-injection.ts';
import type { KvmKernel } from './kernel.ts';
import { hiddenReset, MapListeners } from './map-listeners.ts';
import {
  checkAcceleratorOptions,
  checkGuestCount,
  checkRunOptions,
  checkSliceLimits,
  type KvmAcceleratorOptions,
} from './options.ts';
import { registerDump } from './register-dump.ts';
import { RingDrain } from './ring-drain.ts';
import { RunRequests } from './run-control.ts';
import type { KernelProcessors, MakeProcessors, UserspaceLoop } from './userspace-loop.ts';
import { type KvmVcpu, KvmVm } from './vm.ts';

const NoZones = { ports: [], memory: [] } as const;

interface KvmAcceleratorParts {
  readonly kernel: KvmKernel;
  /** What the vCPUs of this kind of kernel are, and the loop that enters them. */
  readonly processors: MakeProcessors;
}

/** Userspace of a KVM kernel: memory slots, coalesced zones and ioeventfds from the memory map, and what the run loop works with. */
export class KvmAccelerator extends Accelerator {
  readonly name: string;
  readonly statistics: ExitStatistics;
  /** What a guest can notice of its options, for a recording. @internal */
  readonly noticeable: Json | undefined;
  private readonly kernel: KvmKernel;
  private readonly vm: KvmVm;
  private readonly processors: KernelProcessors;
  private readonly requests = new RunRequests();
  private readonly consumers: EventConsumers;
  private map: MapListeners | undefined;
  private host: AcceleratorHost | undefined;
  private loop: UserspaceLoop | undefined;
  private ring: RingDrain | undefined;
  private route: (way: (access: GuestAccess) => GuestAccess) => void = () => {};
  private observable: readonly (RingDrain | ExitService | InterruptInjection)[] = [];

  /** @internal */
  constructor(private readonly options: KvmAcceleratorOptions & KvmAcceleratorParts) {
    super();
    this.name = options.name ?? 'kvm-sim';
    this.noticeable = options.noticeable;
    checkAcceleratorOptions(options);
    this.kernel = options.kernel;
    this.vm = new KvmVm(options.kernel);
    this.consumers = new EventConsumers(options.kernel);
    this.processors = options.processors({ vm: this.vm, consumers: this.consumers });
    const knowsWaits = this.processors.queueTimes !== undefined;
    this.statistics = new ExitStatistics(options.kernel.counts, options.costs, knowsWaits);
    this.processors.add(options.vcpus ?? 1);
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
    return this.processors.operations;
  }

  override get countsInstructions(): boolean {
    return this.processors.countInstructions;
  }

  override get registerDump(): string | undefined {
    if (!this.countsInstructions) return undefined;
    return this.vm.vcpus.map((vcpu) => registerDump(this.vm, vcpu)).join('');
  }

  /** Tells the observer what machine code does from here on; undefined ends that. @internal */
  observeCode(observer: CodeObserver | undefined): void {
    this.processors.observeCode?.(observer);
  }

  /** Guest time as the kernel knows it; a machine's clock follows at the next return to userspace. */
  override get guestTime(): number {
    return this.processors.guestTime;
  }

  get queuedWrites(): number {
    return this.ring?.pending ?? 0;
  }

  override allocateRam(size: number, name: string, isMachineRam = false): RamBlock {
    return this.kernel.allocateGuestMemory(size, name, isMachineRam);
  }

  override attach(host: AcceleratorHost): void {
    const inUse = `Accelerator '${this.name}': it has a machine already. Use another.`;
    if (this.host !== undefined) throw new BackplaneError('accelerator-in-use', inUse);
    this.host = host;
    const access = this.accessOf(host);
    const { vm, consumers, requests, statistics, processors, drainsAtReturns } = this;
    const first = vm.vcpus[0] as KvmVcpu;
    const ring = new RingDrain(processors.queueTimes, first, host.topology, access, requests, statistics);
    const service = new ExitService(access, requests);
    const interrupts = new InterruptInjection(vm, host.interruptController);
    const checkMap = () => this.hiddenReset();
    const parts = { host, vm, ring, service, interrupts, consumers, requests, statistics, drainsAtReturns, checkMap };
    this.ring = ring;
    this.route = (way) => {
      ring.route(way(access));
      service.route(way(access));
    };
    this.observable = [ring, service, interrupts];
    this.loop = processors.attach(parts);
    host.topology.coalescedIoFlusher = { flushCoalescedIo: () => this.drain() };
    this.map = this.mapOf(host);
    const hidden = this.hiddenReset();
    if (hidden !== undefined) throw new BackplaneError('hidden-reset', hidden);
  }

  override detach(): void {
    const { host } = this;
    if (host === undefined) return;
    this.map?.detach();
    this.processors.detach();
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
    this.processors.load(images, savable);
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

  override requestPowerOff(message: string, status = 0): void {
    this.pause();
    if (this.requests.pause) this.requests.powerOff = { reason: 'powered-off', message, status };
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
    this.refuseWhileRunning('settle');
    this.loop?.settle();
  }

  /** @internal */
  override refuseWhileRunning(call: string): void {
    if (this.loop?.running !== true) return;
    const why = `${call}(): the machine runs. Call pause(), and ${call}() once run() has returned.`;
    throw new BackplaneError('machine-running', why);
  }

  override saveState(): Json {
    this.settle();
    return this.processors.save(this.statistics);
  }

  /** @internal */
  override readState(reader: JsonReader, guests: readonly GuestImage[]): () => void {
    return this.processors.read(reader, guests, this.statistics);
  }

  override eventfd(consumer: () => void, name?: () => string): number {
    return this.consumers.add(consumer, name);
  }

  override closeEventfd(fd: number): void {
    this.consumers.remove(fd);
  }

  private get drainsAtReturns(): boolean {
    return (this.options.drain ?? 'every-exit') === 'every-exit';
  }

  private readyFor(options: RunOptions): UserspaceLoop {
    checkRunOptions(options);
    this.requests.mapChanged = true;
    return this.attached();
  }

  private attached(): UserspaceLoop {
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
}
