import { BlockBackend, CharBackend } from 'backplane/backend';
import {
  defineMachine,
  defineOptions,
  device,
  InterruptPin,
  type OptionsOf,
  option,
  options,
  portRegion,
  SystemDevice,
  state,
  use,
} from '../../sdk/index.ts';
import { empty } from '../small-machines.ts';

const ports = portRegion({ name: 'line', base: 0x3f8, size: 4, accessSizes: [1] });
export const Port = { Data: 0, Status: 1, Events: 2 } as const;

export const lineOptions = defineOptions({
  chardev: option.backend(CharBackend, { description: 'where its characters go', default: 'serial0' }),
});

/** A UART with one byte of room each way. Status: bit 0 a byte is there, bit 1 the transmitter is empty, bit 2 the line is open. */
@device({ type: 'line', description: 'a small UART for tests' })
export class Line extends SystemDevice {
  readonly irq = new InterruptPin(() => this.isFull);
  @state private byte = 0;
  @state private isFull = false;
  @state private outgoing = 0;
  @state private isSending = false;
  @state private events = 0;

  constructor(@options(lineOptions) private readonly given: OptionsOf<typeof lineOptions>) {
    super();
    given.chardev.connect({
      onReceive: () => this.fill(),
      onWritable: () => this.send(),
      onOpen: () => this.note(1),
      onClose: () => this.note(2),
      onBreak: () => this.note(4),
    });
  }

  @ports.read(Port.Data) readData(): number {
    const { byte } = this;
    this.isFull = false;
    this.fill();
    return byte;
  }

  @ports.write(Port.Data) writeData(value: number): void {
    this.outgoing = value;
    this.isSending = true;
    this.send();
  }

  @ports.read(Port.Status) readStatus(): number {
    return Number(this.isFull) | (this.isSending ? 0 : 2) | (this.given.chardev.isOpen ? 4 : 0);
  }

  @ports.read(Port.Events) readEvents(): number {
    const { events } = this;
    this.events = 0;
    return events;
  }

  override reset(): void {
    this.byte = this.outgoing = this.events = 0;
    this.isFull = this.isSending = false;
  }

  private fill(): void {
    if (this.isFull) return;
    const byte = this.given.chardev.read();
    if (byte < 0) return;
    this.byte = byte;
    this.isFull = true;
  }

  private send(): void {
    if (this.isSending && this.given.chardev.write(this.outgoing)) this.isSending = false;
  }

  private note(bit: number): void {
    this.events |= bit;
  }
}

const diskPorts = portRegion({ name: 'disk', base: 0x170, size: 4, accessSizes: [1] });
export const DiskPort = { Place: 0, Data: 1, Result: 2 } as const;
export const diskOptions = defineOptions({
  drive: option.backend(BlockBackend, { description: 'the image behind it' }),
});
const errors = ['done', 'out-of-range', 'read-only', 'input-output', 'no-space'] as const;

/** One byte at a time of an image. Writing the result port flushes. */
@device({ type: 'disk', description: 'a small disk for tests' })
export class Disk extends SystemDevice {
  @state private place = 0;
  @state private result = 0;
  private readonly buffer = new Uint8Array(1);

  constructor(@options(diskOptions) private readonly given: OptionsOf<typeof diskOptions>) {
    super();
  }

  @diskPorts.write(DiskPort.Place) writePlace(value: number): void {
    this.place = value;
  }

  @diskPorts.read(DiskPort.Data) readData(): number {
    const error = this.given.drive.read(this.place, this.buffer);
    this.note(error);
    return error === undefined ? (this.buffer[0] as number) : 0xff;
  }

  @diskPorts.write(DiskPort.Data) writeData(value: number): void {
    this.buffer[0] = value;
    this.note(this.given.drive.write(this.place, this.buffer));
  }

  @diskPorts.read(DiskPort.Result) readResult(): number {
    return this.result;
  }

  @diskPorts.write(DiskPort.Result) flush(): void {
    this.note(this.given.drive.flush());
  }

  override reset(): void {
    this.place = this.result = 0;
  }

  private note(error: ReturnType<BlockBackend['flush']>): void {
    this.result = errors.indexOf(error ?? 'done');
  }
}

export const lineMachine = defineMachine({
  ...empty,
  name: 'line-machine',
  description: 'a UART',
  devices: [use(Line)],
});
