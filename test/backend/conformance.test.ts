// @module-tag slow
import { CharBackend } from 'backplane/backend';
import { describe, expect, it } from 'vitest';
import {
  defineOptions,
  device,
  InterruptPin,
  type OptionsOf,
  option,
  options,
  portRegion,
  SystemDevice,
  shape,
  state,
} from '../../sdk/index.ts';
import { checkDevice } from '../../sdk/testing/index.ts';
import { times } from '../depth.ts';
import { Disk, Line } from './uart.ts';

it.each([Line, Disk])('%o passes the suite, its receive paths without an exception', (deviceClass) => {
  const found = checkDevice(deviceClass, { hostileAccesses: 4000, runs: times(4, 10) });
  expect(found.map(({ text }) => text)).toEqual([]);
});

const ports = portRegion({ name: 'punch', base: 0x300, size: 2, accessSizes: [1] });
const data = ports.register(0, { width: 8, description: 'what is punched next' });
const punchOptions = defineOptions({ chardev: option.backend(CharBackend, { description: 'the tape' }) });
const None = -1;

/** Bytes leave by a strobe, a write of another register than theirs. It holds one that the tape has not taken. */
abstract class Punch extends SystemDevice {
  @data data = 0;
  protected readonly tape: CharBackend;
  abstract held: number;

  constructor(@options(punchOptions) { chardev }: OptionsOf<typeof punchOptions>) {
    super();
    this.tape = chardev;
    chardev.connect(this.goesOn ? { onWritable: () => this.punch() } : {});
  }

  protected get goesOn(): boolean {
    return true;
  }

  @ports.write(1)
  strobe(): void {
    if (this.held !== None) return;
    this.held = this.data;
    this.punch();
  }

  override reset(): void {
    super.reset();
    this.held = None;
  }

  protected punch(): void {
    if (this.held !== None && this.tape.write(this.held)) this.held = None;
  }
}

@device({ type: 'punch', description: 'a tape punch' })
class RightPunch extends Punch {
  @state({ as: shape.integer(None, 0xff) }) held = None;
}

@device({ type: 'hasty-punch', description: 'it drops what is refused' })
class HastyPunch extends RightPunch {
  protected override punch(): void {
    if (this.held !== None) this.tape.write(this.held);
    this.held = None;
  }
}

@device({ type: 'stuck-punch', description: 'it keeps what is refused, and does not go on' })
class StuckPunch extends RightPunch {
  protected override get goesOn(): boolean {
    return false;
  }
}

@device({ type: 'forgetful-punch', description: 'it does not save what is refused' })
class ForgetfulPunch extends Punch {
  held = None;
}

describe('What the other side does not take at once', () => {
  const Rule =
    'a byte that the other side does not take at once leaves when it reads again, also from a restored device';
  const few = { hostileAccesses: 1000, runs: 2, length: 60 } as const;

  it('leaves later, and such a device passes', () => {
    expect(checkDevice(RightPunch, few).map(({ text }) => text)).toEqual([]);
  });

  it.each([HastyPunch, StuckPunch, ForgetfulPunch])(
    'is lost by %o, which the contract finds although the guest sends by another register',
    (deviceClass) => {
      const found = checkDevice(deviceClass, few).filter(({ check }) => check === Rule);
      expect(found.map(({ kind }) => kind)).toEqual(['contract']);
      expect(found[0]?.message).toMatch(/while the other side does not read: nothing leaves/);
    },
  );
});

const receiverPorts = portRegion({ name: 'hopper', base: 0x310, size: 1, accessSizes: [1] });
const hopperOptions = defineOptions({ chardev: option.backend(CharBackend, { description: 'what it reads from' }) });

/** Two bytes of room. It interrupts while it holds one. */
@device({ type: 'hopper', description: 'a receiver of two bytes' })
class Hopper extends SystemDevice {
  readonly irq = new InterruptPin(() => this.isDue);
  @state protected isDue = false;
  @state private readonly held = new Uint8Array(2);
  @state({ as: shape.integer(0, 2) }) protected length = 0;

  constructor(@options(hopperOptions) private readonly given: OptionsOf<typeof hopperOptions>) {
    super();
    given.chardev.connect({ onReceive: () => this.fill() });
  }

  @receiverPorts.read(0)
  take(): number {
    const [next = 0, other = 0] = this.held;
    if (this.length > 0) this.length--;
    this.held.set([other, 0]);
    this.acknowledge();
    this.fill();
    return next;
  }

  override reset(): void {
    super.reset();
    this.held.fill(0);
    this.length = 0;
    this.isDue = false;
  }

  protected acknowledge(): void {
    this.isDue = this.length > 0;
  }

  protected arrived(): void {
    this.isDue = true;
  }

  private fill(): void {
    while (this.length < 2 && this.given.chardev.waiting > 0) {
      this.held[this.length++] = this.given.chardev.read();
      this.arrived();
    }
  }
}

@device({ type: 'sleepy-hopper', description: 'it interrupts for the first byte only' })
class SleepyHopper extends Hopper {
  protected override acknowledge(): void {
    this.isDue = false;
  }

  protected override arrived(): void {
    if (this.length === 1) this.isDue = true;
  }
}

describe('A guest that reads while it is interrupted', () => {
  const few = { hostileAccesses: 1000, runs: 2, length: 60 } as const;

  it('gets all bytes from a device that interrupts while it holds one', () => {
    expect(checkDevice(Hopper, few).map(({ text }) => text)).toEqual([]);
  });

  it('is left alone by a device that acknowledges with each read, which the contract finds', () => {
    const found = checkDevice(SleepyHopper, few).map(({ kind, check }) => `${kind}: ${check}`);
    expect(found).toContain('contract: an interrupt that bytes have raised comes again while more of them wait');
  });
});
