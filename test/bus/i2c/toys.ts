import { device, state } from 'backplane';
import { type Acknowledge, type I2cAddress, I2cBus, I2cDevice, type I2cDirection, tenBit } from 'backplane/i2c';
import { testBench } from 'backplane/testing';

/** A target that writes down what happens to it, and answers 0x10, 0x11 and so on. */
@device({ type: 'recorder', description: 'Writes down what happens' })
export class Recorder extends I2cDevice {
  readonly seen: string[] = [];
  /** Bytes that it takes before it stops to acknowledge. */
  takes = Number.POSITIVE_INFINITY;
  generalCall = false;
  isAway = false;
  @state next = 0x10;

  override get takesGeneralCall(): boolean {
    return this.generalCall;
  }

  override onStart(direction: I2cDirection, address: I2cAddress): Acknowledge {
    if (this.isAway) return false;
    this.seen.push(`${direction} 0x${address.toString(16)}`);
    return undefined;
  }

  override onWrite(byte: number): Acknowledge {
    this.seen.push(byte.toString(16).padStart(2, '0'));
    return this.takes-- > 0;
  }

  override onRead(): number {
    return this.next++;
  }

  override onStop(): void {
    this.seen.push('stop');
  }

  override reset(): void {
    super.reset();
    this.next = 0x10;
  }
}

/** A recorder at an address of a bus, and how to take it off. */
export function plug(bus: I2cBus, at: I2cAddress): { readonly target: Recorder; readonly unplug: () => void } {
  const target = testBench(Recorder).device;
  return { target, unplug: bus.attach(target, at) };
}

export function busWith<const A extends readonly I2cAddress[]>(
  ...addresses: A
): { bus: I2cBus; targets: { [K in keyof A]: Recorder } } {
  const bus = new I2cBus();
  const targets = addresses.map((at) => plug(bus, at).target);
  return { bus, targets: targets as unknown as { [K in keyof A]: Recorder } };
}

export { tenBit };
