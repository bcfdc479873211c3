import { I2cBus, I2cDevice } from 'backplane/i2c';
import { describe, expect, it } from 'vitest';
import {
  defineMachine,
  device,
  InterruptPin,
  IsaDevice,
  inject,
  input,
  pin,
  portRegion,
  type Timer,
  type UsedDevice,
  use,
  VirtualClock,
} from '../../sdk/index.ts';
import { DeviceFailure, guestProgram, Machine } from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';
import { isapc } from '../small-machines.ts';

const ports = portRegion({ name: 'outs', base: 0x300, size: 2, accessSizes: [1] });

/** A write to port 0 drives the output; one to port 1 reads a byte from the target, later. */
@device({ type: 'driver', description: 'An output and an I2C controller' })
class Driver extends IsaDevice {
  readonly out = new InterruptPin();
  readonly i2c = new I2cBus();
  private readonly transferred: Timer;

  constructor(@inject(VirtualClock) private readonly clock: VirtualClock) {
    super();
    this.transferred = clock.timer('transferred', () => {
      this.i2c.start(0x50, 'read');
      this.i2c.read();
    });
  }

  @ports.write(0) write(value: number): void {
    this.out.set(value === 1);
  }

  @ports.write(1) transfer(): void {
    this.transferred.arm(this.clock.now + 10);
  }
}

const thrown = new Error('boom');

@device({ type: 'probe', description: 'Throws when its input rises' })
class Probe extends IsaDevice {
  @input() hold(level: boolean): void {
    if (level) throw thrown;
  }
}

@device({ type: 'follower', description: 'Its output throws when its input is high' })
class Follower extends IsaDevice {
  private held = false;
  readonly ready = new InterruptPin(() => {
    if (this.held) throw thrown;
    return false;
  });
  @input() hold(level: boolean): void {
    this.held = level;
  }
}

@device({ type: 'target', description: 'Throws when it is read' })
class Target extends I2cDevice {
  override onRead(): number {
    throw thrown;
  }
}

function failureAfter(port: number, other: UsedDevice): { failure: DeviceFailure; machine: Machine } {
  const devices = [...isapc.devices, use(Driver, { id: 'driver' }), other];
  const machine = Machine.create(defineMachine({ ...isapc, devices }));
  const guest = guestProgram(function* (guest) {
    yield* guest.out8(port, 1);
    yield* guest.pause(100_000);
    yield* guest.in8(0x71);
  });
  const failure = expectRefusal(() => machine.run(guest), 'device-failure', "'o'", 'boom') as Error as DeviceFailure;
  return { failure, machine };
}

describe('a failure of a second device names that device and its member, with the original as its cause', () => {
  const inputs = { hold: pin('driver', 'out') };
  it.each([
    ['an input method, after a write to the first one', 0x300, use(Probe, { id: 'o', inputs }), 'hold()'],
    ['a derived pin, after a write to the first one', 0x300, use(Follower, { id: 'o', inputs }), "pin 'ready'"],
    ['a target on I2C, in a timer of its controller', 0x301, use(Target, { id: 'o', addr: '0x50' }), 'onRead()'],
  ] as const)('%s', (_, port, other, member) => {
    const { failure, machine } = failureAfter(port, other);
    expect(failure).toBeInstanceOf(DeviceFailure);
    expect(failure.message).toContain(member);
    expect(failure.message).not.toMatch(/driver|transferred/);
    expect(failure.cause).toBe(thrown);
    expect(failure.device).toBe(machine.deviceById('o')?.device);
  });
});
