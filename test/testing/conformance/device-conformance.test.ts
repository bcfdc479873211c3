// @module-tag slow
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { nodeHost, recordFile } from '../../../sdk/cli/node.ts';
import {
  addCoalescedIo,
  bit,
  bits,
  type ConcreteDeviceClass,
  device,
  flushCoalescedIo,
  InterruptPin,
  IsaDevice,
  portRegion,
  reserved,
  state,
} from '../../../sdk/index.ts';
import { checkDevice, deviceConformance } from '../../../sdk/testing/index.ts';
import { expectRefusal } from '../../refusal.ts';
import { check } from './checks.ts';

const ports = portRegion({ name: 'lamp', base: 0x300, size: 4, accessSizes: [1] });
const monitor = portRegion({ name: 'lamp-monitor', base: 0x310, size: 1, accessSizes: [1] });
const control = ports.register(0, { width: 8, fields: { on: bit(0), alarm: bit(1), rest: reserved([2, 7]) } });
const happened = ports.register(1, {
  width: 8,
  fields: { alarm: bit(0, 'write-one-to-clear'), rest: reserved([1, 7]) },
});

/** A lamp that is right; the classes below are lamps with one mistake each. */
@device({ type: 'lamp', description: 'A lamp with an alarm' })
@addCoalescedIo(ports, { offset: 2, size: 1 })
@flushCoalescedIo(monitor)
class Lamp extends IsaDevice {
  readonly irq = new InterruptPin();
  @control control = 0;
  @happened happened = 0;
  @ports.register(2, { width: 8, description: 'brightness' }) brightness = 0;
  @state protected warmth = 0;

  @control.onWrite('on')
  switchOn(on: number): void {
    if (on) this.warmth = (this.warmth + 1) & 0xff;
  }

  @control.onWrite('alarm')
  ring(alarm: number): void {
    if (alarm) this.happened |= 1;
    this.irq.set(this.happened !== 0);
  }

  @happened.onWrite()
  update(_value: number, _previous: number): void {
    this.irq.set(this.happened !== 0);
  }

  @ports.read(3)
  readWarmth(_offset: number, _size: number): number {
    return this.warmth;
  }

  @monitor.read()
  readBrightness(): number {
    return this.brightness;
  }

  override reset(): void {
    super.reset();
    this.warmth = 0;
    this.irq.set(false);
  }
}

const description = { type: 'lamp', description: 'A lamp with a mistake' };

/** Its bulb is warm whatever the reset line does. */
@device(description)
class KeepsWarm extends IsaDevice {
  @state({ atReset: 'kept' }) private warmth = 0;

  @ports.write(3)
  heat(): void {
    this.warmth = (this.warmth + 1) & 0xff;
  }

  @ports.read(3)
  readWarmth(): number {
    return this.warmth;
  }
}

const counter = ports.register(1, { width: 8 });

/** A register that can be written and answers something else: it has a read hook. */
@device(description)
class AnswersWhatItCounts extends IsaDevice {
  @counter counter = 0;

  @counter.onWrite()
  count(added: number, previous: number): void {
    this.counter = (previous + added) & 0xff;
  }

  @counter.onRead()
  negate(value: number): number {
    return ~value & 0xff;
  }
}

const colour = ports.register(0, { width: 8, fields: { hue: bits(0, 3), again: bit(4), rest: reserved([5, 7]) } });

/** Eight colours and a bit that never stays. */
@device(description)
class RefusesAndClears extends IsaDevice {
  readonly irq = new InterruptPin();
  @colour colour = 0;
  @ports.register(1, { width: 8, access: 'read-only' }) changes = 0;

  @colour.onWrite()
  change(value: number, previous: number): void {
    const isColour = colour.fields.hue.of(value) < 8;
    if (isColour) this.changes = (this.changes + 1 + colour.fields.again.of(value)) & 0xff;
    this.colour = isColour ? colour.fields.again.with(value, 0) : previous;
    this.irq.set(colour.fields.hue.of(this.colour) === 7);
  }

  override reset(): void {
    super.reset();
    this.irq.set(false);
  }
}

const pair = portRegion({ name: 'pair', base: 0x300, size: 2, accessSizes: [1, 2] });
const command = pair.register(0, { width: 8, fields: { run: bit(0), rest: reserved([1, 7]) } });

@device(description)
class MovesItsNeighbour extends IsaDevice {
  @command command = 0;
  @pair.register(1, { width: 8, fields: { busy: bit(0, 'read-only'), rest: reserved([1, 7]) } }) status = 0;

  @command.onWrite('run')
  go(run: number): void {
    this.status = run;
  }
}

const level = ports.register(0, {
  width: 8,
  reset: 0x50,
  fields: { low: bits(0, 3), high: bits(4, 6), rest: reserved([7, 7]) },
});

/** Keeps half of what is written, and says so nowhere. */
@device(description)
class KeepsLevel extends IsaDevice {
  @level level = 0x50;

  @level.onWrite()
  keep(value: number): void {
    this.level = value & 0x8f;
  }
}

@device(description)
class StaysWarm extends Lamp {
  override reset(): void {
    const { warmth } = this;
    super.reset();
    this.warmth = warmth;
  }
}

@device(description)
class KeepsRinging extends Lamp {
  override reset(): void {
    super.reset();
    this.irq.set(true);
  }
}

@device(description)
class KeepsAlarms extends Lamp {
  override update(value: number, previous: number): void {
    this.happened = previous & ~value;
    super.update(value, previous);
  }
}

@device(description)
class Forgets extends Lamp {
  private coldness = 0;

  override switchOn(on: number): void {
    super.switchOn(on);
    this.coldness = 255 - this.warmth;
  }

  override readWarmth(): number {
    return this.coldness;
  }

  override reset(): void {
    super.reset();
    this.coldness = 0;
  }
}

@device(description)
class Throws extends Lamp {
  override ring(alarm: number): void {
    if (alarm && this.brightness === 0xff) throw new Error('the bulb broke');
    super.ring(alarm);
  }
}

@device(description)
class Grows extends Lamp {
  private readonly diary: object[] = [];

  override readWarmth(offset: number, size: number): number {
    this.diary.push({ offset, size, warmth: this.warmth });
    return super.readWarmth(offset, size);
  }
}

@device(description)
class AnswersTooMuch extends Lamp {
  override readWarmth(offset: number, size: number): number {
    return super.readWarmth(offset, size) * 256 + 7;
  }
}

/** Two regions, of which one is declared to be independent of the other and is not. */
@device(description)
@addCoalescedIo(ports, { offset: 0, size: 1, independent: [monitor] })
class ShowsTheOld extends IsaDevice {
  @state level = 0;

  @ports.write(0)
  setLevel(value: number): void {
    this.level = value;
  }

  @monitor.read()
  readLevel(): number {
    return this.level;
  }
}

@device(description)
@addCoalescedIo(ports, { offset: 0, size: 2 })
class CoalescesNothing extends IsaDevice {
  @ports.write(0)
  setLevel(): void {}
}

const front = portRegion({ name: 'front', base: 0x320, size: 4 }).register(0, { width: 8, count: 4 });
const back = portRegion({ name: 'back', base: 0x324, size: 4 }).register(0, { width: 8, count: 4 });

@device({ type: 'locker', description: 'Four bytes with a front and a back' })
class Locker extends IsaDevice {
  @front readonly front = new Uint8Array(4);
  @back readonly back = this.front.subarray();
}

const near = portRegion({ name: 'near', base: 0x330, size: 1, mirrored: true });
const far = portRegion({ name: 'far', base: 0x331, size: 1, mirrored: true });

@device({ type: 'neighbours', description: 'Two regions, of which each takes what begins in it' })
class Neighbours extends IsaDevice {
  @near.register(0, { width: 8 }) near = 0;
  @far.register(0, { width: 8 }) far = 0;
}

/** Enough to find these mistakes. */
const brief = { host: nodeHost, runs: 5, length: 120, hostileAccesses: 500 };

/** Names of the tests that fail. */
const failing = (deviceClass: ConcreteDeviceClass, hostileAccesses = 2000): string[] =>
  checkDevice(deviceClass, { ...brief, hostileAccesses }).map((one) => one.check);

describe('the conformance of a device', () => {
  it('finds nothing in a device that keeps to its declaration', () => {
    expect(failing(Lamp)).toEqual([]);
  });

  it('finds nothing in registers that are the same bytes in two places', () => {
    expect(failing(Locker)).toEqual([]);
  });

  it('finds nothing in registers behind the end of a region, of which its last access knows nothing', () => {
    expect(failing(Neighbours)).toEqual([]);
  });

  it.each([
    [StaysWarm, check.likeNew],
    [KeepsRinging, check.silent],
    [KeepsAlarms, check.obeysItsModes],
    [Forgets, check.snapshotRoundTrip],
    [Throws, check.hostileGuest],
    [Grows, check.hostileGuest],
    [AnswersTooMuch, check.answersFit],
    [ShowsTheOld, check.coalescedEqualsUncoalesced],
    [CoalescesNothing, check.coalescedRangesAreTaken],
  ] as const)('of %o finds that not "%s"', (deviceClass, name) => {
    // What a device keeps shows only in a longer life.
    expect(failing(deviceClass as ConcreteDeviceClass, name === check.hostileGuest ? 12_000 : 2000)).toContain(name);
  });

  it('prints the shortest script that shows a mistake, as a guest program and for qtest', () => {
    const [failure] = checkDevice(StaysWarm, { ...brief, firstOnly: true });
    expect(failure?.script.map(({ kind }) => kind)).toEqual(['write', 'reset']);
    expect(failure?.check).toBe(check.likeNew);
    expect(failure?.text).toMatch(/^StaysWarm: .*'warmth'.*0x1.*0x0/);
    expect(failure?.text).toMatch(
      /guestProgram\(function\* \(guest\) \{\n {2}yield\* guest\.out8\(0x300, 0x[0-9a-f]+\); \/\/ control\n {2}\/\/ machine.reset\(\)\n\}/,
    );
    expect(failure?.text).toMatch(/\n\noutb 0x300 0x[0-9a-f]+\n# system_reset$/);
  });

  it('repeats itself with the same seed, and tries other programs with another', () => {
    const scriptOf = (seed: number) =>
      checkDevice(Throws, { ...brief, seed, firstOnly: true }).map(({ script }) => script);
    expect(scriptOf(7)).toEqual(scriptOf(7));
    const seeds = new Set([1, 2, 3, 4, 5].map((seed) => JSON.stringify(scriptOf(seed))));
    expect(seeds.size).toBeGreaterThan(1);
  });

  it('takes the word of the declaration for what survives a reset, and for what is computed', () => {
    expect(checkDevice(KeepsWarm, brief)).toEqual([]);
    expect(failing(AnswersWhatItCounts)).toEqual([]);
  });

  it('finds nothing where a hook refuses a write, or clears what it took', () => {
    expect(failing(RefusesAndClears)).toEqual([]);
  });

  it('finds nothing in a wide access over a register and the status that its hook moves', () => {
    expect(failing(MovesItsNeighbour)).toEqual([]);
  });

  it('shows a field that is wrong as its own number, and says what to declare', () => {
    const [failure] = checkDevice(KeepsLevel, { ...brief, firstOnly: true });
    expect(failure?.message).toMatch(/'level'.*'high' \(read-write\).*0x0.*0x[1-7]/);
  });

  it('gives its tests to any runner, and asks for one where there is none', () => {
    const named: string[] = [];
    const runner = { describe: (name: string, body: () => void) => [named.push(name), body()], it: vi.fn() };
    deviceConformance(Lamp, runner);
    expect(named).toEqual(['Lamp, as it is declared']);
    expect(runner.it.mock.calls.length).toBeGreaterThan(8);
    const [, body, milliseconds] = runner.it.mock.calls.find(([name]) => String(name) === check.silent) as [
      string,
      () => void,
      number,
    ];
    expect(body).not.toThrow();
    // A runner's own limit is too short for a device with a busy timer.
    expect(milliseconds).toBeGreaterThan(30_000);
    expectRefusal(() => deviceConformance(Lamp), 'no-test-runner', 'Lamp', '{ describe, it }');
  });
});

describe('a record of behaviour', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backplane-record-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const quick = { runs: 1, length: 20, hostileAccesses: 100, lint: 'off' } as const;

  it('is made once, and says what the device does not do any more', () => {
    vi.stubEnv('CI', undefined);
    const recorded = join(folder, 'lamp.txt');
    expect(checkDevice(Lamp, { ...quick, recorded: recordFile(recorded) })).toEqual([]);
    expect(readFileSync(recorded, 'utf8')).toContain(
      'register control at 0x0 of lamp, 8 bits, reset 0x0 (reset-value)',
    );
    expect(checkDevice(Lamp, { ...quick, recorded: recordFile(recorded) })).toEqual([]);

    writeFileSync(recorded, readFileSync(recorded, 'utf8').replace('coalesced 0x2, 1 bytes', 'coalesced 0x2, 2 bytes'));
    const [failure] = checkDevice(Lamp, { ...quick, recorded: recordFile(recorded) });
    for (const line of ["'  coalesced 0x2, 2 bytes'", "'  coalesced 0x2, 1 bytes'"])
      expect(failure?.message).toContain(line);
    vi.unstubAllEnvs();
  });

  it('shows the program whose answers have changed', () => {
    vi.stubEnv('CI', undefined);
    const recorded = join(folder, 'warm.txt');
    checkDevice(Lamp, { ...quick, recorded: recordFile(recorded) });
    const [failure] = checkDevice(StaysWarm, { ...quick, runs: 0, recorded: recordFile(recorded) }).filter(
      (one) => one.check === check.behavesAsRecorded,
    );
    expect(failure?.message).toContain('BACKPLANE_RECORD=1');
    expect(failure?.script.length).toBeGreaterThan(0);
    vi.unstubAllEnvs();
  });

  it('is never made where nobody would look at it', () => {
    vi.stubEnv('CI', 'true');
    const recorded = join(folder, 'missing.txt');
    const [failure] = checkDevice(Lamp, { ...quick, recorded: recordFile(recorded) });
    expect(failure).toMatchObject({ check: check.behavesAsRecorded, message: expect.stringContaining(recorded) });
    expect(existsSync(recorded)).toBe(false);
    vi.unstubAllEnvs();
  });
});
