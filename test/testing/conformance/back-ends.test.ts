import { describe, expect, it } from 'vitest';
import { BlockBackend, CharBackend } from '../../../sdk/backend.ts';
import {
  bit,
  type ConcreteDeviceClass,
  defineOptions,
  device,
  InterruptPin,
  IsaDevice,
  inject,
  MICROSECOND,
  type OptionsOf,
  option,
  options,
  portRegion,
  reserved,
  shape,
  state,
  type Timer,
  VirtualClock,
} from '../../../sdk/index.ts';
import type { ConformanceSettings } from '../../../sdk/testing/conformance/check.ts';
import { imageChecks } from '../../../sdk/testing/conformance/checks/images.ts';
import { sentByteChecks } from '../../../sdk/testing/conformance/checks/sent-bytes.ts';
import { Subject } from '../../../sdk/testing/conformance/subject.ts';

const description = { type: 'part', description: 'A part of a card' };
/** How what the checks find begins. */
const foundIn = (chip: ConcreteDeviceClass, settings: ConformanceSettings = {}): readonly string[] => {
  const subject = new Subject(chip, settings);
  return [...sentByteChecks, ...imageChecks]
    .filter((check) => check.applies?.(subject) ?? true)
    .flatMap((check) => check.find(subject)?.message.split(/[,.;:]/)[0] ?? []);
};

const ports = portRegion({ name: 'sender', base: 0x2f8, size: 2, accessSizes: [1] });
const status = ports.register(1, { width: 8, fields: { empty: bit(0, 'read-only'), rest: reserved([1, 7]) } });
const senderOptions = defineOptions({ chardev: option.backend(CharBackend, { description: 'the other side' }) });
const None = -1;

/** Sends a byte in ten microseconds, and interrupts when it has left. */
@device(description)
class Sender extends IsaDevice {
  readonly irq = new InterruptPin(() => this.isAsking);
  @state({ as: shape.integer(None, 0xff) }) protected sending = None;
  @state protected isAsking = false;
  protected readonly line: CharBackend;
  protected readonly left: Timer;

  constructor(
    @inject(VirtualClock) protected readonly clock: VirtualClock,
    @options(senderOptions) { chardev }: OptionsOf<typeof senderOptions>,
  ) {
    super();
    this.line = chardev;
    this.left = clock.timer('left', () => this.end());
    chardev.connect({ onWritable: () => this.end() });
  }

  @ports.write(0) send(byte: number): void {
    if (this.sending !== None) {
      this.guestError('a byte is on its way, and this one is lost');
      return;
    }
    this.sending = byte;
    this.isAsking = false;
    this.left.arm(this.clock.now + 10 * MICROSECOND);
  }

  @status get status(): number {
    return this.isEmpty ? 1 : 0;
  }

  override reset(): void {
    super.reset();
    this.sending = None;
    this.isAsking = false;
    this.left.cancel();
  }

  protected get isEmpty(): boolean {
    return this.sending === None;
  }

  protected end(): void {
    if (this.sending === None || !this.line.write(this.sending)) return;
    this.sending = None;
    this.isAsking = true;
  }
}

describe('A byte that a device sends', () => {
  @device(description)
  class EmptyTooEarly extends Sender {
    protected override get isEmpty(): boolean {
      return !this.left.pending;
    }
  }

  @device(description)
  class AsksTooEarly extends Sender {
    protected override end(): void {
      super.end();
      this.isAsking = true;
    }
  }

  @device(description)
  class WaitsForAnother extends Sender {
    protected override end(): void {
      if (this.line.isOpen) super.end();
    }
  }

  it('has not left before the other side takes it, and is no reason to ask for the next one', () => {
    expect(foundIn(Sender)).toEqual([]);
    expect(foundIn(EmptyTooEarly)).toEqual(['a byte is on its way']);
    expect(foundIn(AsksTooEarly)).toEqual(["a byte is sent while the other side of 'chardev' does not read"]);
  });

  it('does not hold up the next ones where there is no other side', () => {
    expect(foundIn(WaitsForAnother)).toEqual(["the other side of 'chardev' goes"]);
  });
});

const cells = portRegion({ name: 'cells', base: 0x300, size: 16, accessSizes: [1] });
const storeOptions = defineOptions({ drive: option.backend(BlockBackend, { description: 'what it keeps' }) });

/** Sixteen bytes, and an image of them. */
@device(description)
class Store extends IsaDevice {
  @state({ atReset: 'kept' }) protected readonly bytes = new Uint8Array(16).fill(0xff);

  constructor(@options(storeOptions) protected readonly chosen: OptionsOf<typeof storeOptions>) {
    super();
  }

  protected override onRealize(): void {
    if (this.chosen.drive.read(0, this.bytes) !== undefined) throw new Error('the image cannot be read');
  }

  @cells.read() read(offset: number): number {
    return this.bytes[offset] as number;
  }

  @cells.write() write(byte: number, offset: number): void {
    if (this.chosen.drive.write(offset, Uint8Array.of(byte)) === undefined) this.bytes[offset] = byte;
  }
}

describe('A device with an image', () => {
  @device(description)
  class StartsEmpty extends Store {
    protected override onRealize(): void {
      this.chosen.drive.read(0, this.bytes);
    }
  }

  @device(description)
  class GoesOnInRam extends Store {
    override write(byte: number, offset: number): void {
      this.chosen.drive.write(offset, Uint8Array.of(byte));
      this.bytes[offset] = byte;
    }
  }

  it('does not take one that it cannot read for an empty one, and knows what the host did not store', () => {
    const images = { drive: 16 };
    expect(foundIn(Store, { images })).toEqual([]);
    expect(foundIn(StartsEmpty, { images })).toEqual(["the first read of 'drive' fails"]);
    expect(foundIn(GoesOnInRam, { images })).toEqual(["its last step changes what 'drive' holds"]);
  });
});
