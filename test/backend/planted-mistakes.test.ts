// @module-tag slow
import { CharBackend } from 'backplane/backend';
import { expect, it } from 'vitest';
import {
  type ConcreteDeviceClass,
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

const ports = portRegion({ name: 'fifo', base: 0x3f8, size: 2, accessSizes: [1] });
const fifoOptions = defineOptions({ chardev: option.backend(CharBackend, { description: 'where its characters go' }) });
const Depth = 16;

/** A UART with 16 bytes of room for what arrives, and one for what leaves. Status: a byte is there, ready to send, open. */
class Fifo extends SystemDevice {
  readonly irq = new InterruptPin(() => this.interrupts);
  @state({ as: shape.list(shape.bits(8), Depth) }) received: number[] = [];
  /** A byte that was refused; -1 for none. */
  @state outgoing = -1;
  readonly line: CharBackend;

  constructor(@options(fifoOptions) given: OptionsOf<typeof fifoOptions>) {
    super();
    this.line = given.chardev;
    this.connect();
  }

  protected get interrupts(): boolean {
    return this.received.length > 0;
  }

  protected connect(): void {
    this.line.connect({ onReceive: () => this.fill(), onWritable: () => this.send() });
  }

  @ports.read() readData(): number {
    const byte = this.take();
    this.fill();
    return byte ?? 0;
  }

  @ports.write() writeData(value: number): void {
    if (this.outgoing >= 0) return;
    this.outgoing = value;
    this.send();
  }

  @ports.read(1) readStatus(): number {
    return Number(this.received.length > 0) | (this.outgoing < 0 ? 2 : 0) | (this.line.isOpen ? 4 : 0);
  }

  override reset(): void {
    super.reset();
    this.received.length = 0;
    this.outgoing = -1;
  }

  protected take(): number | undefined {
    return this.received.shift();
  }

  protected fill(): void {
    while (this.received.length < Depth && this.line.waiting > 0) this.received.push(this.line.read());
  }

  protected send(): void {
    if (this.outgoing >= 0 && this.line.write(this.outgoing)) this.outgoing = -1;
  }
}

const typed = device({ type: 'fifo', description: 'a UART with mistakes' });

@typed
class Right extends Fifo {}

const mistakes: Readonly<Record<string, ConcreteDeviceClass>> = {
  'takes one byte of several': broken(
    class extends Fifo {
      protected override fill(): void {
        if (this.received.length < Depth && this.line.waiting > 0) this.received.push(this.line.read());
      }
    },
  ),
  'takes bytes without room and drops them': broken(
    class extends Fifo {
      protected override fill(): void {
        for (let byte = this.line.read(); byte >= 0; byte = this.line.read())
          if (this.received.length < Depth) this.received.push(byte);
      }
    },
  ),
  'does not go on when the guest has read': broken(
    class extends Fifo {
      override readData(): number {
        return this.take() ?? 0;
      }
    },
  ),
  'answers the newest byte first': broken(
    class extends Fifo {
      protected override take(): number | undefined {
        return this.received.pop();
      }
    },
  ),
  'forgets a byte that was refused': broken(
    class extends Fifo {
      protected override send(): void {
        if (this.outgoing >= 0) this.line.write(this.outgoing);
        this.outgoing = -1;
      }
    },
  ),
  'never hears that there is room': broken(
    class extends Fifo {
      protected override connect(): void {
        this.line.connect({ onReceive: () => this.fill() });
      }
    },
  ),
  'sends a refused byte twice': broken(
    class extends Fifo {
      protected override send(): void {
        if (this.outgoing < 0) return;
        const wasRefused = this.line.room === 0;
        if (!this.line.write(this.outgoing)) return;
        if (!wasRefused || this.received.length > 0) this.line.write(this.outgoing);
        this.outgoing = -1;
      }
    },
  ),
  'keeps what arrived over a reset': broken(
    class extends Fifo {
      override reset(): void {
        super.reset();
        this.outgoing = -1;
      }
      protected override take(): number | undefined {
        return super.take() ?? this.last;
      }
      private last: number | undefined;
      protected override fill(): void {
        super.fill();
        this.last = this.received.at(-1) ?? this.last;
      }
    },
  ),
  'throws when it is not connected': broken(
    class extends Fifo {
      protected override send(): void {
        if (!this.line.isChosen) throw new Error('no line');
        super.send();
      }
    },
  ),
  'takes one too many': broken(
    class extends Fifo {
      protected override fill(): void {
        while (this.received.length <= Depth && this.line.waiting > 0) this.received.push(this.line.read());
      }
    },
  ),
  'keeps a refused byte where no snapshot finds it': broken(
    class extends Fifo {
      private kept = -1;
      protected override send(): void {
        const byte = this.outgoing >= 0 ? this.outgoing : this.kept;
        this.kept = byte >= 0 && !this.line.write(byte) ? byte : -1;
        this.outgoing = -1;
      }
      override writeData(value: number): void {
        if (this.kept < 0) super.writeData(value);
      }
      override readStatus(): number {
        return (super.readStatus() & ~2) | (this.kept < 0 ? 2 : 0);
      }
    },
  ),
  'remembers that the line is open': broken(
    class extends Fifo {
      private wasOpen = false;
      override readStatus(): number {
        this.wasOpen ||= this.line.isOpen;
        return (super.readStatus() & ~4) | (this.wasOpen ? 4 : 0);
      }
    },
  ),
};

function broken<C extends ConcreteDeviceClass>(deviceClass: C): C {
  typed(deviceClass as never);
  return deviceClass;
}

const contract = { lint: 'off', firstOnly: true, hostileAccesses: times(1000, 4000), runs: 6 } as const;

it('finds nothing in a device that is right', () => {
  expect(checkDevice(Right, contract).map(({ text }) => text)).toEqual([]);
});

it.each(Object.entries(mistakes))('finds a device that %s', (_, deviceClass) => {
  expect(checkDevice(deviceClass, contract)).toHaveLength(1);
});
