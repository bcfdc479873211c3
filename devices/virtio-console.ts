import { CharBackend } from '../sdk/backend.ts';
import {
  defineOptions,
  device,
  inject,
  KiB,
  mmioRegion,
  type OptionsOf,
  option,
  options,
  VirtualClock,
} from '../sdk/index.ts';
import { TransitionalVirtioPciDevice, type VirtioAnswer, type VirtioRequest, virtio } from '../sdk/virtio.ts';

const Console = 3;
const SimpleCommunication = 0x0780;
const Queue = { Receive: 0, Transmit: 1 } as const;
const QueueSize = 128;
const ChunkSize = 4 * KiB;

const Feature = { Size: 0 } as const;
const config = mmioRegion({ name: 'virtio-console-config', size: 12, accepts: { min: 1, max: 8 }, missing: 'silent' });
const size = { access: 'constant', atReset: 'set-by-device' } as const;
const columns = config.register(0x00, { ...size, width: 16, description: 'of the terminal' });
const rows = config.register(0x02, { ...size, width: 16, description: 'of the terminal' });
const mostPorts = config.register(0x04, { width: 32, access: 'constant', reset: 1 });

const dimension = { default: 0, range: [0, 0xffff] } as const;
export const virtioConsoleOptions = defineOptions({
  chardev: option.backend(CharBackend, { description: 'the other side of the console' }),
  columns: option.integer({ ...dimension, description: 'columns of the terminal; 0: not known' }),
  rows: option.integer({ ...dimension, description: 'rows of the terminal; 0: not known' }),
});

/**
 * A console: one port of virtio-console on PCI, without the features of several ports and of an
 * emergency write.
 *
 * A hostile driver can send for ever. Bytes wait in the driver's buffers while the other side of the line takes none, and bytes from
 * there wait until the driver offers buffers.
 *
 * @see virtio 1.2, 5.3 "Console Device"
 */
@device({ type: 'virtio-console-pci', description: 'Console' })
@virtio({
  ...{ deviceType: Console, classCode: SimpleCommunication },
  ...{ queues: [QueueSize, QueueSize], features: Feature, config, vectors: 2 },
})
export class VirtioConsole extends TransitionalVirtioPciDevice {
  @columns columns = 0;
  @rows rows = 0;
  @mostPorts mostPorts = 1;
  private readonly chardev: CharBackend;
  readonly #chunk = new Uint8Array(ChunkSize);

  constructor(
    @inject(VirtualClock) clock: VirtualClock,
    @options(virtioConsoleOptions) private readonly chosen: OptionsOf<typeof virtioConsoleOptions>,
  ) {
    super(clock);
    this.chardev = chosen.chardev;
    this.chardev.connect({
      onReceive: () => this.kick(Queue.Receive),
      onWritable: () => this.kick(Queue.Transmit),
    });
    this.offer(Feature.Size, chosen.columns > 0 && chosen.rows > 0);
  }

  override reset(): void {
    super.reset();
    this.columns = this.chosen.columns;
    this.rows = this.chosen.rows;
  }

  protected serve(request: VirtioRequest, queue: number): VirtioAnswer {
    return queue === Queue.Transmit ? this.transmit(request) : this.receive(request);
  }

  /** A buffer is given back when there is something in it, full or not. */
  private receive(request: VirtioRequest): VirtioAnswer {
    const { chardev } = this;
    const bytes = this.#chunk.subarray(0, Math.min(request.writable, request.left, chardev.waiting));
    if (request.writable > 0 && bytes.length === 0) return chardev.waiting === 0 ? 'wait' : 'turn';
    for (let at = 0; at < bytes.length; at++) bytes[at] = chardev.read();
    return request.write(0, bytes);
  }

  /** Goes on at the byte for which there was no room. */
  private transmit(request: VirtioRequest): VirtioAnswer {
    while (request.progress < request.readable) {
      const most = Math.min(request.readable - request.progress, request.left);
      if (most === 0) return 'turn';
      const bytes = this.#chunk.subarray(0, most);
      request.read(request.progress, bytes);
      for (const byte of bytes) {
        if (!this.chardev.write(byte)) return 'wait';
        request.progress++;
      }
    }
    return 0;
  }
}
