import {
  CharBackend,
  CharLine,
  type InboxEntry,
  MachineBackends,
  type SavedLine,
  WindowToHost,
} from '../../backend/index.ts';
import { toHex } from '../../base/bytes.ts';
import { BackplaneError } from '../../base/errors.ts';
import { didYouMean } from '../../base/text.ts';
import type { ManualClock } from '../../clock/index.ts';
import type { Device, OptionSet } from '../../device/index.ts';
import { type BackendPart, backendsOf } from '../../device/part.ts';
import type { AddressSpace } from '../../memory/index.ts';
import { type TestBackend, TestBlockBackend, TestCharBackend, type TestImage } from './test-backends.ts';

/** Rounds of bytes that leave and of their consequences, for one access. */
const MostRounds = 1000;

/** What the other sides of a device's back ends hold, for another bench of the class. */
export interface SavedBackends {
  readonly inbox: readonly InboxEntry[];
  readonly sides: Readonly<Record<string, unknown>>;
  readonly lines: Readonly<Record<string, SavedLine>>;
}

/** The back ends of a device on a bench. What arrives reaches the device between two accesses, as in a machine. */
export class BenchBackends {
  private readonly machine: MachineBackends;
  /** By the names of the device's options. */
  private readonly byOption = new Map<string, TestBackend>();
  private parts: ReadonlyMap<string, BackendPart> = new Map();
  /** Block options without an image. */
  private readonly without: string[] = [];
  private isInside = false;

  /**
   * `values` are those of the device's options. A character option that names no back end gets one of the option's name. A block
   * option gets one where there is an image for it.
   */
  constructor(
    private readonly options: OptionSet,
    private readonly values: Readonly<Record<string, unknown>>,
    images: Readonly<Record<string, TestImage>>,
    private readonly device: string,
    private readonly isConnected = true,
  ) {
    const arrived = () => this.settle();
    for (const [name, { backend }] of Object.entries(options.declarations)) {
      if (backend === undefined) continue;
      const id = (values[name] as string | undefined) ?? name;
      const image = images[name] ?? images[id];
      if (backend.backendType !== 'char' && image === undefined && values[name] === undefined) {
        this.without.push(name);
        continue;
      }
      const made =
        backend.backendType === 'char'
          ? new TestCharBackend(id, arrived, (room) => limitLine(this.machine, id, room))
          : new TestBlockBackend(id, image);
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
    return this.options.withBackends(
      named,
      (part: BackendPart) => (this.isConnected ? this.machine.connect(part) : part) as never,
    );
  }

  /** The device is in its place. */
  give(device: Device): void {
    this.machine.give(device);
    this.parts = backendsOf(device);
  }

  get all(): ReadonlyMap<string, TestBackend> {
    return this.byOption;
  }

  /** By the name of the option, or by the id of the back end. */
  find(name: string): TestBackend {
    const found = this.byOption.get(name) ?? [...this.byOption.values()].find(({ id }) => id === name);
    if (found !== undefined) return found;
    if (this.without.includes(name)) {
      throw new BackplaneError(
        'no-such-backend',
        `Bench: option '${name}' of ${this.device} has no image. Give it one: testBench(${this.device}, { images: { ${name}: 65536 } }).`,
      );
    }
    const present = [...this.byOption].flatMap(([option, { id }]) => (option === id ? [option] : [option, id]));
    const names = [...present, ...this.without];
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

  /** The device was reset: what waits for it waits again. */
  remind(): void {
    this.machine.remind();
  }

  /** What has arrived and is not in the device yet is lost. */
  drop(): void {
    this.step(() => {
      do {
        for (const part of this.parts.values()) if (part instanceof CharBackend) part.drop();
      } while (this.machine.inbox.deliver(0));
    });
  }

  /** The device is told once more that bytes wait for it. Answers the option whose back end it took some from, which it could before. */
  takesLate(): string | undefined {
    for (const [name, part] of this.parts) {
      if (!(part instanceof CharBackend) || part.waiting === 0) continue;
      const { waiting } = part;
      this.step(() => this.machine.remind());
      if (part.waiting < waiting) return name;
    }
    return undefined;
  }

  /** Bytes that have arrived for a character option, and were not taken. */
  waitingIn(option: string): number {
    const part = this.parts.get(option);
    return part instanceof CharBackend ? part.waiting : 0;
  }

  /** What each holds that the guest may still see, as comparable text, by the option's name. */
  get contents(): ReadonlyMap<string, string> {
    return new Map(
      [...this.byOption].map(([name, one]) => {
        const part = this.parts.get(name);
        return [name, part instanceof CharBackend ? part.contents : digest((one as TestBlockBackend).bytes)];
      }),
    );
  }

  /** The bytes that the device has written since this was asked last, as comparable text; nothing where it has no back end. */
  takeOutput(): string {
    let text = '';
    for (const [name, one] of this.byOption) {
      if (!(one instanceof TestCharBackend)) continue;
      const { bytes } = one;
      if (bytes.length > 0) text += ` ${name} out ${bytes.length > 32 ? digest(bytes) : toHex(bytes)}`;
      one.clear();
    }
    return text;
  }

  /** Everything on the other sides and on the way is as on the other bench. */
  copyFrom(other: BenchBackends): void {
    this.load(other.save());
    for (const [name, part] of this.parts) {
      const from = other.parts.get(name);
      if (part instanceof CharBackend && from instanceof CharBackend) part.copyFrom(from);
    }
  }

  /** Restores the device. What fails next for the guest does not fail now. */
  restoring(work: () => void): void {
    let spared = work;
    for (const one of this.byOption.values()) {
      const inner = spared;
      if (one instanceof TestBlockBackend) spared = () => one.spare(inner);
    }
    spared();
  }

  save(): SavedBackends {
    const sides = [...this.byOption].map(([name, one]) => [name, one.save()]);
    const lines = [...this.byOption].flatMap(([name, { id }]) => {
      const line = this.lineOf(id);
      return line === undefined ? [] : [[name, line.save()] as const];
    });
    return {
      inbox: this.machine.inbox.pending,
      sides: Object.fromEntries(sides),
      lines: Object.fromEntries(lines),
    };
  }

  /** What another bench of the class has saved. */
  load({ inbox, sides, lines }: SavedBackends): void {
    for (const [name, one] of this.byOption) {
      one.load(sides[name]);
      const saved = lines[name];
      if (saved !== undefined) this.lineOf(one.id)?.load(saved);
    }
    this.machine.inbox.clear();
    for (const { event } of inbox) this.machine.inbox.post(event);
  }

  private lineOf(id: string): CharLine | undefined {
    return lineOf(this.machine, id);
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

/** So many bytes more are taken, and then none until the other side goes on. @internal */
export function limitLine(backends: MachineBackends, id: string, room: number | undefined): void {
  const line = lineOf(backends, id);
  if (line !== undefined) line.window = room === undefined ? WindowToHost : line.inFlight + room;
}

function lineOf(backends: MachineBackends, id: string): CharLine | undefined {
  const line = backends.find(id)?.line;
  return line instanceof CharLine ? line : undefined;
}

function digest(bytes: Uint8Array): string {
  let hash = 0x811c_9dc5;
  for (let at = 0; at < bytes.length; at++) hash = Math.imul(hash ^ bytes[at]!, 0x0100_0193);
  return `${bytes.length} bytes, digest ${(hash >>> 0).toString(16)}`;
}
