import type { Random } from '../../../sdk/testing/random.ts';

/** What the guest does: one instruction, or the same several times with values that count up. */
export type GuestStep =
  | { readonly op: 'out'; readonly port: number; readonly size: number; readonly value: number; readonly times: number }
  | { readonly op: 'in'; readonly port: number; readonly size: number }
  | {
      readonly op: 'store';
      readonly address: number;
      readonly size: number;
      readonly value: number;
      readonly valueHigh: number;
    }
  | { readonly op: 'load'; readonly address: number; readonly size: number }
  /** Its bytes count up from `first`. */
  | {
      readonly op: 'rep-outs';
      readonly port: number;
      readonly size: number;
      readonly count: number;
      readonly first: number;
    }
  | {
      readonly op: 'rep-ins';
      readonly port: number;
      readonly size: number;
      readonly count: number;
      readonly destination: number;
      readonly descending: boolean;
    };

/** What userspace does while the guest has halted, or at the next exit that it has. */
export type UserspaceStep = { readonly at: 'halt' | 'exit' } & (
  | {
      readonly op: 'register' | 'unregister';
      readonly address: number;
      readonly size: number;
      readonly pio: number;
    }
  | {
      readonly op: 'assign' | 'deassign';
      readonly address: number;
      readonly size: number;
      readonly pio: number;
      readonly eventfd: number;
      readonly datamatch: number | undefined;
    }
  | { readonly op: 'ring'; readonly first: number; readonly last: number }
  | { readonly op: 'drain' }
  /** The RAM that comes and goes. */
  | { readonly op: 'ram'; readonly present: boolean }
);

export type Step = GuestStep | UserspaceStep;

export interface Script {
  /** When userspace empties the ring by itself. */
  readonly drain: 'exit' | 'halt' | 'never';
  readonly steps: readonly Step[];
}

/** Guest steps between two halts, what userspace does before them, and at their exits. */
export interface Chunk {
  readonly before: readonly UserspaceStep[];
  readonly guest: readonly GuestStep[];
  readonly atExits: readonly UserspaceStep[];
}

export const isUserspace = (step: Step): step is UserspaceStep => 'at' in step;

/** Splits a script at the steps for which the guest halts. */
export function chunksOf(steps: readonly Step[]): Chunk[] {
  const chunks: { before: UserspaceStep[]; guest: GuestStep[]; atExits: UserspaceStep[] }[] = [];
  const open = () => chunks[chunks.push({ before: [], guest: [], atExits: [] }) - 1]!;
  let chunk = open();
  for (const step of steps) {
    if (!isUserspace(step)) chunk.guest.push(step);
    else if (step.at === 'exit') chunk.atExits.push(step);
    else {
      if (chunk.guest.length > 0 || chunk.atExits.length > 0) chunk = open();
      chunk.before.push(step);
    }
  }
  return chunks;
}

/** Where things are in the guest. RAM ends at `ramEnd`, and an access above it goes to a device. */
export const Layout = {
  /** Strings are stored here, and stores go here too. */
  strings: 0x2000,
  stringsEnd: 0x6000,
  code: 0x4_0000,
  codeEnd: 0x8_0000,
  data: 0x8_0000,
  dataEnd: 0xb_0000,
  /** What the guest has read, eight bytes each. */
  log: 0xb_0000,
  logEnd: 0xc_0000,
  ramEnd: 0xd_0000,
  readonlyPage: 0xd_4000,
  /** RAM that comes and goes. */
  movable: 0xd_8000,
  movableSize: 0x2000,
} as const;

export const Eventfds = 4;
const PortBases = [0x70, 0xcf8, 0x3f8, 0xfffa, 0];
const MemoryBases = [
  Layout.ramEnd - 6,
  Layout.ramEnd,
  Layout.ramEnd + 0xffa,
  Layout.readonlyPage - 6,
  Layout.readonlyPage,
  Layout.readonlyPage + 0xffa,
  Layout.movable - 6,
  Layout.movable + 0xffa,
  Layout.movable + Layout.movableSize - 6,
  0xfee0_0000,
  0xffff_eff8,
];
const Near = 14;
const StepsOfScript = 60;
const LongestBurst = 200;
const LongestString = 400;

/** Makes scripts whose accesses and zones meet: few addresses, many zones around them. */
export function randomScript(random: Random): Script {
  const ports = [random.pick(PortBases), random.pick(PortBases)];
  const memory = [random.pick(MemoryBases), random.pick(MemoryBases)];
  const near = (bases: readonly number[]): number => Math.max(0, random.pick(bases) + random.below(Near) - 2);
  const port = (): number => Math.min(0xffff, near(ports));
  const address = (): number => (random.oneIn(8) ? Layout.strings + random.below(0x3ff0) : near(memory));
  const generator = new StepGenerator(random, port, address);
  const length = 1 + random.below(2 * StepsOfScript);
  return {
    drain: random.pick(['exit', 'exit', 'halt', 'never'] as const),
    steps: Array.from({ length }, () => generator.next()),
  };
}

class StepGenerator {
  /** Zones and eventfds that were asked for: most of what is taken away has been there. */
  readonly #zones: { readonly address: number; readonly size: number; readonly pio: number }[] = [];
  readonly #eventfds: Extract<UserspaceStep, { op: 'assign' | 'deassign' }>[] = [];

  constructor(
    private readonly random: Random,
    private readonly port: () => number,
    private readonly address: () => number,
  ) {}

  next(): Step {
    let step: Step | undefined;
    const make = (one: () => Step) => () => {
      step = one();
    };
    this.random.weighted([
      [24, make(() => this.#out())],
      [10, make(() => ({ op: 'in', port: this.port(), size: this.#size(4) }))],
      [16, make(() => this.#store())],
      [8, make(() => ({ op: 'load', address: this.address(), size: this.#size(8) }))],
      [5, make(() => this.#repOuts())],
      [5, make(() => this.#repIns())],
      [12, make(() => this.#register())],
      [5, make(() => this.#unregister())],
      [6, make(() => this.#assign())],
      [3, make(() => this.#deassign())],
      [1, make(() => this.#ring())],
      [3, make(() => ({ op: 'drain', at: this.#when() }))],
      [1, make(() => ({ op: 'ram', present: this.random.oneIn(2), at: 'halt' }))],
    ]);
    return step as unknown as Step;
  }

  #when(): 'halt' | 'exit' {
    return this.random.oneIn(4) ? 'exit' : 'halt';
  }

  #size(largest: number): number {
    return this.random.pick([1, 1, 2, 4, 4, 8].filter((size) => size <= largest));
  }

  #out(): GuestStep {
    const { random } = this;
    const size = this.#size(4);
    const times = random.oneIn(40) ? 1 + random.below(LongestBurst) : 1;
    // Few values, so that datamatches are met.
    const value = random.oneIn(3) ? cut(random.bits(), size) : random.below(4);
    return { op: 'out', port: this.port(), size, value, times };
  }

  #store(): GuestStep {
    const { random } = this;
    const size = this.#size(8);
    const value = random.oneIn(3) ? cut(random.bits(), size) : random.below(4);
    return { op: 'store', address: this.address(), size, value, valueHigh: size === 8 ? random.below(3) : 0 };
  }

  #repOuts(): GuestStep {
    const { random } = this;
    return { op: 'rep-outs', port: this.port(), size: this.#size(4), count: this.#count(), first: random.byte() };
  }

  #repIns(): GuestStep {
    const { random } = this;
    const size = this.#size(4);
    const count = random.oneIn(12) ? 900 + random.below(300) : this.#count();
    const descending = random.oneIn(4);
    const room = count * size + 8;
    let destination = this.address();
    if (random.oneIn(2)) destination = Layout.strings + 0x1000 * (1 + random.below(2)) + random.below(64) - 32;
    // It stays in the areas that are looked at: strings, the end of RAM, and devices.
    if (destination < Layout.stringsEnd) {
      destination = Math.min(Math.max(destination, Layout.strings + (descending ? room : 0)), Layout.stringsEnd - room);
      if (descending && destination - room < Layout.strings) return { op: 'in', port: this.port(), size };
    } else if (room > 0x800 || destination >= 0xf000_0000) return { op: 'in', port: this.port(), size };
    return { op: 'rep-ins', port: this.port(), size, count, destination, descending };
  }

  #count(): number {
    const { random } = this;
    return random.oneIn(16) ? random.below(LongestString) : random.below(12);
  }

  #register(): UserspaceStep {
    const { random } = this;
    const pio = random.oneIn(40) ? 2 : random.below(2);
    const size = random.pick([0, 1, 1, 1, 2, 2, 3, 4, 4, 4, 6, 8, 16, 0x1000, 0x1_0000, 0x8000_0000, 0xffff_ffff]);
    const zone = { address: pio === 1 ? this.port() : this.address(), size, pio };
    this.#zones.push(zone);
    return { op: 'register', ...zone, at: this.#when() };
  }

  #unregister(): UserspaceStep {
    const { random } = this;
    const at = this.#when();
    const known = this.#zones.length > 0 && !random.oneIn(4) ? random.pick(this.#zones) : undefined;
    const pio = known?.pio ?? random.below(2);
    const address = known?.address ?? (pio === 1 ? this.port() : this.address());
    const size = random.oneIn(3) ? random.below(5) : (known?.size ?? 1);
    return { op: 'unregister', address: address + (random.oneIn(4) ? random.below(4) : 0), size, pio, at };
  }

  #assign(): UserspaceStep {
    const { random } = this;
    const pio = random.below(2);
    const size = random.pick([0, 1, 1, 2, 4, 8, 3]);
    const step = {
      op: 'assign' as const,
      address: pio === 1 ? this.port() : this.address(),
      size,
      pio,
      eventfd: random.below(Eventfds),
      datamatch: random.oneIn(3) ? random.below(4) : undefined,
      at: this.#when(),
    };
    this.#eventfds.push(step);
    return step;
  }

  #deassign(): UserspaceStep {
    const { random } = this;
    if (this.#eventfds.length === 0) return this.#assign();
    const step = random.pick(this.#eventfds);
    return { ...step, op: 'deassign', eventfd: random.oneIn(4) ? random.below(Eventfds) : step.eventfd };
  }

  #ring(): UserspaceStep {
    const { random } = this;
    const index = (): number => (random.oneIn(5) ? random.pick([170, 171, 5000, 0xffff_ffff]) : random.below(170));
    const last = index();
    return { op: 'ring', first: random.oneIn(3) ? (last + 1) % 170 : index(), last, at: this.#when() };
  }
}

const cut = (value: number, size: number): number => (size === 1 ? value & 0xff : size === 2 ? value & 0xffff : value);
