import {
  defineOptions,
  device,
  inject,
  KiB,
  type OptionsOf,
  option,
  options,
  state,
  VirtualClock,
} from '../sdk/index.ts';
import { TransitionalVirtioPciDevice, type VirtioAnswer, type VirtioRequest, virtio } from '../sdk/virtio.ts';
import { RandomSource } from './virtio-rng/random-source.ts';

const EntropySource = 4;
/** The most bytes that a request gets. The driver requests the rest again. */
const MostBytes = 64 * KiB;
/** Bytes of one turn. They cost the host some milliseconds where a handler takes them one by one. */
const BytesOfTurn = 4 * KiB;

export const virtioRngOptions = defineOptions({
  seed: option.integer({ description: 'seed of the random bytes', default: 1, range: [0, 0xffff_ffff] }),
});

/**
 * A source of random bytes: virtio-rng on PCI.
 *
 * A hostile driver can ask for any number of bytes. A request gets 64 KiB at most, in turns of 4 KiB.
 *
 * @see virtio 1.2, 5.4 "Entropy Device"
 */
@device({ type: 'virtio-rng-pci', description: 'Source of random bytes', version: 3, minimumVersion: 3 })
@virtio({ deviceType: EntropySource, queues: [8] })
export class VirtioRng extends TransitionalVirtioPciDevice {
  /** @internal */ @state readonly random: RandomSource;
  protected override readonly bytesOfTurn: number = BytesOfTurn;
  protected readonly mostBytes: number = MostBytes;
  private readonly chunk = new Uint8Array(BytesOfTurn);

  constructor(
    @inject(VirtualClock) clock: VirtualClock,
    @options(virtioRngOptions) { seed }: OptionsOf<typeof virtioRngOptions>,
  ) {
    super(clock);
    this.random = new RandomSource(seed);
  }

  override reset(): void {
    super.reset();
    this.random.restart();
  }

  /** Writes random bytes into the buffers, from where the last turn ended. Their room may have become less since. */
  protected serve(request: VirtioRequest): VirtioAnswer {
    const end = Math.min(request.writable, this.mostBytes);
    while (request.progress < end) {
      const bytes = this.chunk.subarray(0, Math.min(end - request.progress, request.left));
      if (bytes.length === 0) return 'turn';
      this.random.fill(bytes);
      request.progress += request.write(request.progress, bytes);
    }
    return Math.min(request.progress, end);
  }
}
