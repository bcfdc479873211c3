import { CharLine, type InboxEntry, MachineBackends } from '../../backend/index.ts';
import { BackplaneError } from '../../base/errors.ts';
import { didYouMean } from '../../base/text.ts';
import type { ManualClock } from '../../clock/index.ts';
import type { Device, OptionSet } from '../../device/index.ts';
import type { BackendPart } from '../../device/part.ts';
import type { AddressSpace } from '../../memory/index.ts';
import { type TestBackend, TestBlockBackend, TestCharBackend, type TestImage } from './test-backends.ts';

/** Rounds of bytes that leave and of their consequences, for one access. */
const MostRounds = 1000;

/** What the other sides of a device's back ends hold, for another bench of the class. */
export interface SavedBackends {
  readonly inbox: readonly InboxEntry[];
  readonly sides: Readonly<Record<string, unknown>>;
}

/** The back ends of a device on a bench. What arrives reaches the device between two accesses, as in a machine. */
export class BenchBackends {
  private readonly machine: MachineBackends;
  /** By the names of the device's options. */
  private readonly byOption = new Map<string, TestBackend>();
  private isInside = false;

  /** `values` are those of the device's options. An option that names no back end gets one too, of the option's name. */
  constructor(
    private readonly options: OptionSet,
    private readonly values: Readonly<Record<string, unknown>>,
    images: Readonly<Record<string, TestImage>>,
    private readonly device: string,
  ) {
    const arrived = () => this.settle();
    for (const [name, { backend }] of Object.entries(options.declarations)) {
      if (backend === undefined) continue;
      const id = (values[name] as string | undefined) ?? name;
      const made =
        backend.backendType === 'char'
          ? new TestCharBackend(id, arrived)
          : new TestBlockBackend(id, images[name] ?? images[id]);
      this.byOption.set(name, made);
    }
    for (const name of Object.keys(images)) this.find(name);
    this.machine = new MachineBackends([...this.byOption.values()].map((one) => one.backend));
    this.machine.start();
  }

  /** The values that the constructor gets. */
  get forConstructor(): Readonly<Record<string, unknown>> {
    const ids = [...this.byOption].map(([name, { id }]) => [name, id]);
    const named = { ...this.values, ...Object.fromEntries(ids) };
    return this.options.withBackends(named, (part: BackendPart) => this.machine.connect(part) as never);
  }

  /** The device is in its place. */
  give(device: Device): void {
    this.machine.give(device);
  }

  get all(): ReadonlyMap<string, TestBackend> {
    return this.byOption;
  }

  /** By the name of the option, or by the id of the back end. */
  find(name: string): TestBackend {
    const found = this.byOption.get(name) ?? [...this.byOption.values()].find(({ id }) => id === name);
    if (found !== undefined) return found;
    const names = [...this.byOption].flatMap(([option, { id }]) => (option === id ? [option] : [option, id]));
    throw new BackplaneError(
      'no-such-backend',
      `Bench: ${this.device} has no back end '${name}'. ${didYouMean(name, names, `It has ${names.join(', ') || 'none'}.`)}`,
    );
  }

  /** What the guest does from here on, and what time brings, is followed by what arrives. */
  watch(clock: ManualClock, spaces: readonly AddressSpace[]): void {
    if (this.byOption.size === 0) return;
    for (const space of spaces) {
      const methods = ['read', 'write', 'read64', 'write64', 'readBytes', 'writeBytes'] as const;
      for (const name of methods) this.follow(space as never, name);
    }
    for (const name of ['advance', 'advanceTo'] as const) this.follow(clock as never, name);
  }

  /** Something happens to the device; what has arrived reaches it afterwards. */
  step<T>(work: () => T): T {
    if (this.isInside || this.byOption.size === 0) return work();
    this.isInside = true;
    try {
      return work();
    } finally {
      this.isInside = false;
      this.settle();
    }
  }

  save(): SavedBackends {
    const sides = [...this.byOption].map(([name, one]) => [name, one.save()]);
    return { inbox: this.machine.inbox.pending, sides: Object.fromEntries(sides) };
  }

  /** What another bench of the class has saved. */
  load({ inbox, sides }: SavedBackends): void {
    for (const [name, one] of this.byOption) {
      one.load(sides[name]);
      const line = this.machine.find(one.id)?.line;
      if (line instanceof CharLine && one instanceof TestCharBackend) line.isOpen = one.isOpen;
    }
    for (const { event } of inbox) this.machine.inbox.post(event);
  }

  private follow(owner: Record<string, (...given: unknown[]) => unknown>, name: string): void {
    const method = owner[name] as (...given: unknown[]) => unknown;
    owner[name] = (...given) => this.step(() => method.apply(owner, given));
  }

  /** Delivers what has arrived, and lets out what the device has written, until neither has consequences. */
  private settle(): void {
    if (this.isInside) return;
    this.isInside = true;
    try {
      for (let round = 0; this.goOn(); round++) if (round > MostRounds) throw this.endless();
    } finally {
      this.isInside = false;
    }
  }

  private goOn(): boolean {
    const { machine } = this;
    if (machine.inbox.deliver(0)) return true;
    machine.flush();
    return machine.inbox.due === 0;
  }

  private endless(): BackplaneError {
    return new BackplaneError(
      'endless-output',
      `Bench: ${this.device} never stops writing to its back end after one access. Write in onWritable only what waits.`,
    );
  }
}
