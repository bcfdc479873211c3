// @module-tag slow
import { describe, expect, it, vi } from 'vitest';
import { nodeHost } from '../../../sdk/cli/node.ts';
import {
  bit,
  type ConcreteDeviceClass,
  device,
  guestTime,
  InterruptPin,
  IsaDevice,
  inject,
  mmioRegion,
  portRegion,
  SECOND,
  type StateOptions,
  state,
  type Timer,
  VirtualClock,
} from '../../../sdk/index.ts';
import { bar, PciDevice, pci } from '../../../sdk/pci.ts';
import {
  type ConformanceSettings,
  checkDevice,
  deviceConformance,
  type ScriptStep,
} from '../../../sdk/testing/index.ts';
import { check } from './checks.ts';

const brief = { host: nodeHost, runs: 4, length: 100, hostileAccesses: 500 };
const findings = (chip: ConcreteDeviceClass, more: ConformanceSettings = {}) =>
  checkDevice(chip, { ...brief, ...more } as object);
const found = (chip: ConcreteDeviceClass, more: ConformanceSettings = {}) =>
  findings(chip, more).map((one) => `${one.kind}, ${one.check}: ${one.message}`);

const description = { type: 'part', description: 'A part of a card' };
const ports = portRegion({ name: 'part', base: 0x300, size: 4, accessSizes: [1] });
const bell = ports.register(1, { width: 8, access: 'write-only', description: 'writing anything starts' });

@device(description)
class Doorbell extends IsaDevice {
  @ports.register(0, { width: 8, access: 'read-to-clear' }) done = 0;
  @bell bell = 0;
  private readonly end: Timer;

  constructor(@inject(VirtualClock) private readonly clock: VirtualClock) {
    super();
    this.end = clock.timer('end', () => {
      this.done = 1;
    });
  }

  @bell.onWrite()
  start(): void {
    this.end.arm(this.clock.now + 1000);
  }

  override reset(): void {
    super.reset();
    this.end.cancel();
  }
}

@device(description)
class DeadDoorbell extends Doorbell {
  override start(): void {}

  @ports.write(2)
  ring(value: number): void {
    if (value & 1) super.start();
  }
}

/** Says what caused its interrupt in a register of its own, which stays when the cause was read away. */
@device(description)
class StaleCause extends IsaDevice {
  readonly irq = new InterruptPin();
  @ports.register(0, { width: 8, access: 'read-to-clear' }) cause = 0;
  @ports.register(1, { width: 8, access: 'read-only', reset: 1 }) identification = 1;

  @ports.write(2)
  raise(value: number): void {
    this.cause = value;
    this.identification = this.cause ? 6 : 1;
    this.irq.set(this.identification !== 1);
  }

  override reset(): void {
    super.reset();
    this.irq.set(false);
  }
}

describe('the lint', () => {
  it('says nothing of a doorbell, whose value does not matter', () => {
    expect(found(Doorbell)).toEqual([]);
    const dead = findings(DeadDoorbell).filter((one) => one.check === check.everyFieldMatters);
    expect(dead.map(({ message }) => message)).toEqual([expect.stringContaining("'bell'")]);
  });

  it('finds an interrupt that stays up when its cause was read away, though another register still names the cause', () => {
    const [stale, ...others] = findings(StaleCause);
    expect(others).toEqual([]);
    expect(stale).toMatchObject({ kind: 'lint', check: check.acknowledgedIsLowered });
    for (const named of ["'irq'", "'cause'"]) expect(stale?.message).toContain(named);
  });

  it('is printed by a test that passes, fails one where it is told to, and can be left out', () => {
    const bodies: (() => void)[] = [];
    const runner = {
      describe: (_: string, body: () => void) => body(),
      it: (_: string, body: () => void) => bodies.push(body),
    };
    const printed = vi.spyOn(console, 'warn').mockReturnValue();
    const failuresWith = (lint: 'report' | 'fail' | 'off') => {
      bodies.length = 0;
      printed.mockClear();
      deviceConformance(StaleCause, { ...brief, ...runner, lint });
      return bodies.flatMap((body) => {
        try {
          body();
          return [];
        } catch (error) {
          return [(error as Error).name];
        }
      });
    };
    expect(failuresWith('report')).toEqual([]);
    expect(printed.mock.calls.map(([text]) => String(text)).join('')).toContain(
      `StaleCause: ${check.acknowledgedIsLowered}`,
    );
    expect(failuresWith('fail')).toEqual(['ConformanceError']);
    expect(failuresWith('off')).toEqual([]);
    expect(printed).not.toHaveBeenCalled();
    printed.mockRestore();
    expect(checkDevice(StaleCause, { ...brief, lint: 'off' })).toEqual([]);
  });
});

const controls = mmioRegion({ name: 'dma', size: 0x1000, accessSizes: [4] });
const go = controls.register(8, { width: 32 });

/** Copies as much as it is told. */
@device({ type: 'greedy', description: 'A DMA engine that believes its guest' })
@pci({ vendorId: 0x1234, deviceId: 1, classCode: 0xff })
@bar(0, controls)
class Greedy extends PciDevice {
  @controls.register(0, { width: 32 }) address = 0;
  @controls.register(4, { width: 32 }) length = 0;
  @go go = 0;
  @controls.register(12, { width: 32, access: 'read-only' }) sum = 0;

  @go.onWrite()
  copy(): void {
    const bytes = new Uint8Array(this.length);
    this.sum = this.busMaster.read(this.address, bytes) || (bytes[0] ?? 0);
  }
}

/** The same, a little at a time. */
@device({ type: 'greedy', description: 'A DMA engine that believes its guest, in pieces' })
class GreedyInPieces extends Greedy {
  private readonly piece = new Uint8Array(0x10000);

  override copy(): void {
    for (let at = 0; at < this.length; at += this.piece.length) this.busMaster.read(this.address, this.piece);
  }
}

@device({ type: 'greedy', description: 'A DMA engine that bounds what its guest asks for' })
class Moderate extends Greedy {
  override copy(): void {
    const bytes = new Uint8Array(Math.min(this.length, 0x1000));
    this.sum = this.busMaster.read(this.address, bytes) || (bytes[0] ?? 0);
  }
}

/** Its guest says how often it counts. */
@device(description)
class CountsForEver extends IsaDevice {
  @state private turns = 0;

  @ports.write(0)
  count(value: number): void {
    while (value !== 0) this.turns = (this.turns + 1) & 0xff;
  }
}

describe('a length that the guest gives, and nothing bounds', () => {
  it.each([Greedy, GreedyInPieces])('is reported of %o', (chip) => {
    const [first] = checkDevice(chip as ConcreteDeviceClass, { ...brief, firstOnly: true });
    expect(first?.kind).toBe('contract');
    expect(first?.message).toMatch(/[\d,]+ bytes/);
  });

  it('is no mistake where it is bounded', () => {
    expect(found(Moderate).filter((text) => text.startsWith('contract'))).toEqual([]);
  });

  // It takes the half second that the run is given.
  it('ends the run in time where the device never comes back, and names the access', () => {
    const [first, ...others] = checkDevice(CountsForEver, { ...brief, seconds: 0.5 });
    expect(first?.message).toMatch(/0\.\d seconds/);
    expect(first?.script).toHaveLength(1);
    expect(first?.text).toMatch(/yield\* guest\.out8\(0x300, 0x[0-9a-f]+\); \/\/ part/);
    expect(others.every(({ message, script }) => message.includes('0.5 seconds') && script.length === 0)).toBe(true);
  });
});

const stopwatch = portRegion({ name: 'stopwatch', base: 0x310, size: 2, accessSizes: [1] });

/** Seconds since it was started, with that time declared in one way or another. */
function stopwatchWith(started: StateOptions): ConcreteDeviceClass {
  @device(description)
  class Stopwatch extends IsaDevice {
    @state(started) private started = 0;

    constructor(@inject(VirtualClock) private readonly clock: VirtualClock) {
      super();
    }

    @stopwatch.write(0)
    start(): void {
      this.started = this.clock.now;
    }

    @stopwatch.read(0)
    seconds(): number {
      return Math.floor((this.clock.now - this.started) / SECOND) & 0xff;
    }

    override reset(): void {
      this.started = this.clock.now;
    }
  }
  return Stopwatch;
}

describe("a move of the clock's epoch", () => {
  it('finds a time that is kept in a plain number, and nothing where it is declared', () => {
    expect(found(stopwatchWith({})).filter((text) => text.includes('@state({ as: guestTime })'))).toHaveLength(1);
    expect(found(stopwatchWith({ as: guestTime }))).toEqual([]);
  });

  it('comes by itself where programs wait for weeks: no device is blamed for that, and the same mistake is found', () => {
    /** A clock that has counted since the machine was started. */
    @device(description)
    class Seconds extends IsaDevice {
      constructor(@inject(VirtualClock) private readonly clock: VirtualClock) {
        super();
      }

      @stopwatch.read(0)
      seconds(): number {
        return Number(this.clock.absolute() / BigInt(SECOND)) & 0xff;
      }
    }
    const weeks = (): ScriptStep[] => [
      { kind: 'write', space: 'ports', address: 0x310, size: 1, value: 1 },
      { kind: 'wait', nanoseconds: 50 * 86_400 * SECOND },
      { kind: 'read', space: 'ports', address: 0x310, size: 1 },
    ];
    const patient = { idioms: weeks, runs: 3, length: 9, hostileAccesses: 10, lint: 'off' } as const;
    expect(found(Seconds, patient)).toEqual([]);
    expect(found(stopwatchWith({ as: guestTime }), patient)).toEqual([]);
    expect(found(stopwatchWith({}), patient).join()).toContain('@state({ as: guestTime })');
  });
});

/** A keyboard's back end, which remembers where it is. */
class Keys {
  @state protected typed = 0;

  next(): number {
    this.typed = (this.typed + 1) & 0xff;
    return this.typed;
  }
}

/** One that begins anew when the machine does. */
class ResetKeys extends Keys {
  reset(): void {
    this.typed = 0;
  }
}

/** One that remembers, and tells no snapshot. */
class SecretKeys extends Keys {
  private secret = 0;

  override next(): number {
    this.secret = (this.secret + 1) & 0xff;
    return this.secret;
  }
}

@device(description)
class Keyboard extends IsaDevice {
  constructor(@inject(Keys) private readonly keys: Keys) {
    super();
  }

  @ports.read(0)
  read(): number {
    return this.keys.next();
  }
}

describe('a service with state', () => {
  it('is saved, restored and reset with the device, which is not blamed', () => {
    expect(found(Keyboard, { services: () => [[Keys, new Keys()]] })).toEqual([]);
    expect(found(Keyboard, { services: () => [[Keys, new ResetKeys()]] })).toEqual([]);
  });

  it('that no snapshot brings back is found', () => {
    expect(found(Keyboard, { services: () => [[Keys, new SecretKeys()]] }).join()).toContain(
      'saved at any point and restored',
    );
  });
});

const lamp = ports.register(0, {
  width: 8,
  fields: { on: bit(0), rest: bit(1), more: bit(2), none: bit(3), a: bit(4), b: bit(5), c: bit(6), d: bit(7) },
});

/** What its pin and its timer follow from is said, and not obeyed. */
@device(description)
class Forgetful extends IsaDevice {
  readonly irq = new InterruptPin();
  @lamp lamp = 0;
  @state private waiting = false;
  private readonly end: Timer;

  constructor(@inject(VirtualClock) private readonly clock: VirtualClock) {
    super();
    this.end = clock.timer('end', () => {
      this.waiting = false;
    });
    this.end.armedWhile = () => this.waiting;
    this.irq.highWhile = () => this.lamp === 0xff;
  }

  @lamp.onWrite()
  light(value: number): void {
    if (value !== 0xff) this.irq.set(false);
    else this.irq.set(this.waiting);
  }

  @ports.write(1)
  wait(value: number): void {
    this.waiting = (value & 1) !== 0;
    this.end.arm(this.clock.now + 1000);
  }

  override reset(): void {
    super.reset();
    this.waiting = false;
    this.end.cancel();
    this.irq.set(false);
  }
}

const hooked = ports.register(0, { width: 8 });

describe('what a declaration says', () => {
  it('of a pin and a timer is held after every access, not only in snapshots', () => {
    const messages = findings(Forgetful).filter((one) => one.check === check.derivedFollows);
    expect(messages.map(({ message }) => message)).toEqual([
      expect.stringMatching(/'irq'.*highWhile|'end'.*armedWhile/),
    ]);
  });

  it.each<[string, () => unknown]>([
    ['NaN', () => Number.NaN],
    ['undefined', () => undefined],
    ['an object', () => ({})],
    ['a fraction', () => 0.5],
  ])('of a read, that it is a number, is not %s', (_, answer) => {
    @device(description)
    class Answers extends IsaDevice {
      @ports.read(0)
      read(): number {
        return answer() as number;
      }
    }
    const misfits = findings(Answers).filter((one) => one.check === check.answersFit);
    expect(misfits.map(({ message }) => message)).toEqual([expect.stringContaining('read()')]);
  });

  it('of a register holds for its read hook too, which may answer nothing', () => {
    @device(description)
    class Hooked extends IsaDevice {
      @hooked hooked = 0;

      @hooked.onRead()
      read(value: number): number {
        return value === 0xff ? Number.NaN : value;
      }
    }
    @device(description)
    class Silent extends IsaDevice {
      @hooked hooked = 0;

      @hooked.onRead()
      read(): undefined {}
    }
    const [misfit] = findings(Hooked).filter((one) => one.check === check.answersFit);
    for (const named of ['read()', 'NaN', '8 bits']) expect(misfit?.message).toContain(named);
    expect(found(Silent)).toEqual([]);
  });
});
