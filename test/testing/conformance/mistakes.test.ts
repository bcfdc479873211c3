// @module-tag slow
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nodeHost } from '../../../sdk/cli/node.ts';
import {
  bit,
  type ConcreteDeviceClass,
  device,
  InterruptPin,
  IsaDevice,
  indexedRegisters,
  inject,
  MICROSECOND,
  portRegion,
  reserved,
  shape,
  state,
  type Timer,
  VirtualClock,
} from '../../../sdk/index.ts';
import { type ConformanceFailure, type ConformanceSettings, checkDevice } from '../../../sdk/testing/index.ts';
import { times } from '../../depth.ts';
import { check } from './checks.ts';

const ports = portRegion({ name: 'kettle', base: 0x300, size: 8, accessSizes: [1] });
const control = ports.register(0, { width: 8, fields: { heat: bit(0), whistle: bit(1), rest: reserved([2, 7]) } });
const status = ports.register(1, {
  width: 8,
  fields: { hot: bit(0, 'read-only'), boiled: bit(1, 'write-one-to-clear'), rest: reserved([2, 7]) },
});
const pour = ports.register(2, { width: 8, access: 'write-only' });
const description = { type: 'kettle', description: 'Boils, whistles, and pours' };

/** A kettle that is right; the classes below are kettles with one mistake each. */
@device(description)
class Kettle extends IsaDevice {
  readonly irq = new InterruptPin();
  @control control = 0;
  @status status = 0;
  @pour pour = 0;
  /** Cups that stand there, one bit each. */
  @state cups = 0xff;
  protected readonly boiling: Timer;

  constructor(@inject(VirtualClock) protected readonly clock: VirtualClock) {
    super();
    this.boiling = clock.timer('boiling', () => this.boil());
  }

  @control.onWrite()
  @status.onWrite()
  update(): void {
    const heat = (this.control & control.fields.heat.mask) !== 0;
    if (heat && !this.boiling.pending) this.boiling.arm(this.clock.now + 100 * MICROSECOND);
    if (!heat) this.cool();
    this.say();
  }

  @pour.onWrite()
  fill(cups: number): void {
    this.cups &= ~cups;
  }

  @ports.read(3)
  readCups(): number {
    return this.cups;
  }

  override reset(): void {
    super.reset();
    this.cups = 0xff;
    this.cool();
    this.say();
  }

  protected cool(): void {
    this.boiling.cancel();
    this.status &= ~status.fields.hot.mask;
  }

  protected boil(): void {
    this.cups = 0xff;
    this.status |= status.fields.hot.mask | status.fields.boiled.mask;
    this.say();
  }

  protected say(): void {
    const boiled = (this.status & status.fields.boiled.mask) !== 0;
    this.irq.set(boiled && (this.control & control.fields.whistle.mask) !== 0);
  }
}

@device(description)
class StaysHot extends Kettle {
  protected override cool(): void {
    this.boiling.cancel();
  }
}

@device(description)
class NeverBoils extends Kettle {
  protected override boil(): void {
    this.status |= status.fields.hot.mask;
  }
}

@device(description)
class NeverHeats extends Kettle {
  override update(): void {
    this.say();
  }
}

@device(description)
class AlwaysWhistles extends Kettle {
  protected override say(): void {
    this.irq.set((this.status & status.fields.boiled.mask) !== 0);
  }
}

@device(description)
class WhistlesOn extends Kettle {
  override update(): void {
    const { level } = this.irq;
    super.update();
    if (level && (this.control & control.fields.whistle.mask) !== 0) this.irq.set(level);
  }
}

@device(description)
class PoursTheOthers extends Kettle {
  override fill(cups: number): void {
    this.cups &= cups;
  }
}

@device(description)
class CountsSecretly extends Kettle {
  #poured = 0;

  override fill(cups: number): void {
    this.#poured = (this.#poured + 1) & 0xff;
    super.fill(cups);
  }

  override readCups(): number {
    return this.#poured;
  }

  override reset(): void {
    super.reset();
    this.#poured = 0;
  }
}

/** Nothing that a guest sees depends on it, and the driver's engineer wants to know it after a restore. */
@device(description)
class CountsAside extends Kettle {
  private poured = 0;

  override fill(cups: number): void {
    this.poured += cups;
    super.fill(cups);
  }
}

/** What is written first is worked out anew each time. */
@device(description)
class NotesTheLast extends Kettle {
  private before = 0;
  private readonly bytes = new Uint8Array(4);

  override fill(cups: number): void {
    this.before = this.cups;
    this.bytes.fill(cups);
    super.fill(cups);
    if (this.before !== this.cups && this.bytes[3] === 0xff) this.say();
  }
}

@device(description)
class HasRegions extends Kettle {
  private regions = 0;

  override fill(cups: number): void {
    this.regions += cups & 1;
    super.fill(cups ^ (this.regions & 1));
  }
}

@device(description)
class RemembersSecretly extends Kettle {
  readonly #poured: number[][] = [];

  override fill(cups: number): void {
    this.#poured.push(Array.from({ length: 1000 }, (_, n) => n));
    super.fill(cups);
  }
}

let everPoured = 0;

@device(description)
class CountsForAll extends Kettle {
  override readCups(): number {
    return everPoured++ & 0xff;
  }
}

@device(description)
class WearsOut extends Kettle {
  @state private worn = 0;

  override readCups(): number {
    this.worn++;
    if (this.worn === 300) throw new Error('the handle came off');
    return this.cups;
  }

  override reset(): void {
    super.reset();
    this.worn = 0;
  }
}

@device(description)
class KeepsCups extends Kettle {
  override reset(): void {
    const { cups } = this;
    super.reset();
    this.cups = cups;
  }
}

@device(description)
class ForgetsTheBase extends Kettle {
  override reset(): void {
    this.cups = 0xff;
    this.cool();
    this.irq.set(false);
  }
}

const wide = portRegion({ name: 'pair', base: 0x310, size: 2, accessSizes: [1, 2] });

@device(description)
class TakesBoth extends IsaDevice {
  @state left = 0;
  @state right = 0;

  @wide.write(0)
  setLeft(value: number): void {
    this.left = value & 0xff;
  }

  @wide.write(1)
  setRight(value: number): void {
    this.right = value & 0xff;
  }

  override reset(): void {
    this.left = 0;
    this.right = 0;
  }
}

@device(description)
class IgnoresTheSize extends TakesBoth {
  override setLeft(value: number, _offset = Math.min(0, 1) /* , size */): void {
    this.left = value & 0xff;
  }
}

@device(description)
class HasUsualSize extends TakesBoth {
  override setLeft(value: number, _offset = 0, size = 1): void {
    super.setLeft(value);
    if (size > 1) this.setRight(value >>> 8);
  }
}

@device(description)
class TakesAnyArguments extends TakesBoth {
  override setLeft(value: number): void {
    super.setLeft(value);
    // biome-ignore lint/complexity/noArguments: it has three
    if ((arguments[2] as number) > 1) this.setRight(value >>> 8);
  }
}

const board = portRegion({ name: 'board', base: 0x318, size: 2, accessSizes: [1] });
const left = board.register(0, {
  width: 8,
  fields: { warm: bit(0), cold: bit(1), soft: bit(2), rest: reserved([3, 7]) },
});
const right = board.register(1, { width: 8, fields: { hard: bit(0), rest: reserved([1, 7]) } });

@device(description)
class ObeysNothing extends IsaDevice {
  @left left = 0;
  @right right = 0;
}

const drawers = portRegion({ name: 'drawers', base: 0x31c, size: 2, accessSizes: [1] });
const lever = drawers.register(0, { width: 8, fields: { rest: reserved([0, 6]), drawer: bit(7) } });
const behind = indexedRegisters({ index: lever, field: 'drawer', data: 1 });
const upper = behind.register(0, { width: 8, access: 'constant' });
const lower = behind.register(1, { width: 8, access: 'constant' });

@device(description)
class TwoEmptyDrawers extends IsaDevice {
  @lever lever = 0;
  @upper upper = 0;
  @lower lower = 0;
}

const memory = portRegion({ name: 'shelf', base: 0x320, size: 128, accessSizes: [1] });

@device(description)
class LosesTheLast extends IsaDevice {
  @state readonly shelf = new Uint8Array(128);

  @memory.write()
  put(value: number, offset: number): void {
    if (offset < this.shelf.length - 1) this.shelf[offset] = value;
  }

  @memory.read()
  get(offset: number): number {
    return this.shelf[offset] as number;
  }

  override reset(): void {
    this.shelf.fill(0);
  }
}

const queuePorts = portRegion({ name: 'queue', base: 0x330, size: 2, accessSizes: [1] });
const entry = queuePorts.register(0, { width: 8, access: 'write-only' });
const taken = queuePorts.register(1, { width: 8, access: 'read-only' });

/** Its timer takes a byte each microsecond, and no list is longer than what is declared. */
@device({ type: 'queue', description: 'Takes bytes one by one' })
class Queues extends IsaDevice {
  @entry entry = 0;
  @taken taken = 0;
  @state({ as: shape.list(shape.bits(8), 15) }) protected readonly waiting: number[] = [];
  protected readonly next: Timer;

  constructor(@inject(VirtualClock) protected readonly clock: VirtualClock) {
    super();
    this.next = clock.timer('next', () => this.take());
    this.next.armedWhile = () => this.waiting.length > 0;
  }

  @entry.onWrite()
  put(byte: number): void {
    if (this.waiting.length < 15) this.add(byte);
  }

  protected add(byte: number): void {
    this.waiting.push(byte);
    if (!this.next.pending) this.next.arm(this.clock.now + MICROSECOND);
  }

  private take(): void {
    this.taken = this.waiting.shift() ?? 0;
    if (this.waiting.length > 0) this.next.arm(this.clock.now + MICROSECOND);
  }

  override reset(): void {
    super.reset();
    this.waiting.length = 0;
    this.next.cancel();
  }
}

@device({ type: 'queue', description: 'Takes every byte' })
class QueuesWithoutLimit extends Queues {
  override put(byte: number): void {
    this.add(byte);
  }
}

const brief = { host: nodeHost, runs: 4, length: 150, hostileAccesses: 2000 };
const failures = (chip: ConcreteDeviceClass, more: ConformanceSettings = {}) =>
  checkDevice(chip, { ...brief, ...more } as object);

describe('from its declaration alone', () => {
  it('nothing is found in a device without a mistake, whatever the seed', () => {
    for (let seed = 1; seed <= times(1, 3); seed++) expect(failures(Kettle, { seed })).toEqual([]);
  });

  const known: readonly (readonly [chip: unknown, check: string, ...named: string[]])[] = [
    [StaysHot, check.everythingIsAlive, "'status'", "'hot'", 'read-only'],
    [NeverBoils, check.everythingIsAlive, "'irq'", "'status'", "'boiled'", 'write-one-to-clear'],
    [NeverHeats, check.everythingIsAlive, "'boiling'"],
    [AlwaysWhistles, check.everyFieldMatters, "'whistle'", "'control'"],
    [WhistlesOn, check.acknowledgedIsLowered, "'irq'", "'status'"],
    [PoursTheOthers, check.onesClear, 'bit 0', "'cups'"],
    [CountsSecretly, check.snapshotRoundTrip, '@state'],
    [CountsAside, check.snapshotRoundTrip, '@state'],
    [HasRegions, check.snapshotRoundTrip, '0x0', '@state'],
    [CountsForAll, check.sameForTheSame, 'VirtualClock'],
    [KeepsCups, check.likeNew, "'cups'"],
    [ForgetsTheBase, check.resetValues, 'super.reset()'],
    [ObeysNothing, check.everyFieldMatters, "'warm', 'cold' and 'soft' of 'left'", "'hard' of 'right'"],
    [TakesBoth, check.neighboursAreLeftAlone, '2 bytes', '0x0', "'pair'", 'setLeft()'],
    [IgnoresTheSize, check.neighboursAreLeftAlone],
    [LosesTheLast, check.everythingIsAlive, "'shelf'", '[127]'],
  ];
  const findings = new Map<unknown, readonly ConformanceFailure[]>();
  const findingsOf = (chip: unknown): readonly ConformanceFailure[] => {
    const found = findings.get(chip) ?? failures(chip as ConcreteDeviceClass);
    findings.set(chip, found);
    return found;
  };

  it.each(known)('%o is found out by: %s', (chip, name, ...named) => {
    const messages = findingsOf(chip).filter((one) => one.check === name);
    expect(messages.filter(({ message }) => named.every((one) => message.includes(one as string)))).not.toEqual([]);
  });

  it('and told in the words of the golden file', async () => {
    const lines = known.flatMap(([chip]) =>
      findingsOf(chip).map(({ kind, check: name, message }) => {
        return `${(chip as ConcreteDeviceClass).name}: ${kind}, ${name}: ${message}`;
      }),
    );
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('findings.golden.txt');
  });

  it('what chooses among registers is not asked for more', () => {
    expect(failures(TwoEmptyDrawers).map(({ message }) => message)).toEqual([]);
  });

  it('a handler looks at the width too whose size has a default, and one that takes its arguments as they come', () => {
    const checks = [HasUsualSize, TakesAnyArguments].flatMap((chip) => failures(chip).map((one) => one.check));
    expect(checks).not.toContain(check.neighboursAreLeftAlone);
  });

  it('a device that keeps what nobody can see is found by the memory that it takes', () => {
    const found = failures(RemembersSecretly, { hostileAccesses: 20_000 });
    expect(found.filter((one) => one.check === check.hostileGuest && one.message.includes(' KiB '))).toHaveLength(1);
  });

  it('a device that throws only late in its life is found, with the steps that lead there', () => {
    const found = failures(WearsOut, { hostileAccesses: 16_000 }).find(({ message }) => /handle/.test(message));
    const lines = readFileSync(import.meta.filename, 'utf8').split('\n');
    const line = lines.findIndex((text) => text.includes("throw new Error('the handle came off')")) + 1;
    for (const named of ['the handle came off', 'WearsOut.readCups', `mistakes.test.ts:${line}.`])
      expect(found?.message).toContain(named);
    const reads = found?.script.filter(
      (step) => step.kind === 'read' && step.address <= 0x303 && 0x303 < step.address + step.size,
    );
    expect(reads?.length).toBe(300);
    expect(found?.script.some(({ kind }) => kind === 'reset')).toBe(false);
  });

  it('a queue without a limit is found although time empties it, with the shortest program that fills it', () => {
    const settings = { lint: 'off', runs: 1, hostileAccesses: 8000 } as const;
    expect(failures(Queues, settings)).toEqual([]);
    const found = failures(QueuesWithoutLimit, settings);
    const overfull = found.find((one) => one.check === check.hostileGuest);
    for (const named of ["'queue'", "'waiting'", 'QueuesWithoutLimit', 'list of 16', 'at most 15'])
      expect(overfull?.message).toContain(named);
    expect(overfull?.script.every((step) => step.kind === 'write' && step.address === 0x330)).toBe(true);
    expect(overfull?.script).toHaveLength(16);
  });

  it('a field that is written before it is read is no state, and nothing is said of it', () => {
    expect(failures(NotesTheLast)).toEqual([]);
  });

  it('the author has the last word on what no program exercises', () => {
    const checksOf = (chip: ConcreteDeviceClass, name: string) =>
      failures(chip, { hostileAccesses: 200, notExercised: { [name]: 'so it is' } }).map(({ check }) => check);
    expect(checksOf(StaysHot, 'status.hot')).toEqual([]);
    expect(checksOf(AlwaysWhistles, 'control.whistle')).toEqual([]);
    expect(checksOf(WhistlesOn, 'irq')).toEqual([]);
    expect(checksOf(PoursTheOthers, 'cups')).toEqual([]);
  });
});
