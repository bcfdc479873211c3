import { BlockBackend, type BlockError } from '../sdk/backend.ts';
import {
  defineOptions,
  device,
  inject,
  KiB,
  MiB,
  mmioRegion,
  type OptionsOf,
  option,
  options,
  VirtualClock,
} from '../sdk/index.ts';
import { TransitionalVirtioPciDevice, type VirtioAnswer, type VirtioRequest, virtio } from '../sdk/virtio.ts';

const BlockDevice = 2;
const MassStorage = 0x0100;
const SectorSize = 512;
const QueueSize = 256;
/** What the driver writes first: the type of the request, 4 bytes without a meaning, and the sector. */
const HeaderSize = 16;
const SectorAt = 8;
/** The last byte that the device writes. */
const StatusSize = 1;
const IdSize = 20;
/** Bytes that one turn copies, and those that it copies at once. */
const BytesOfTurn = 4 * MiB;
const ChunkSize = 128 * KiB;

const Feature = { SegmentsMax: 2, ReadOnly: 5, BlockSize: 6, Flush: 9 } as const;
const RequestType = { Read: 0, Write: 1, Flush: 4, GetId: 8 } as const;
const Status = { Ok: 0, InputOutputError: 1, Unsupported: 2 } as const;

const config = mmioRegion({ name: 'virtio-blk-config', size: 60, accepts: { min: 1, max: 8 }, missing: 'silent' });
const capacity = config.register(0x00, {
  ...{ width: 64, access: 'constant', atReset: 'set-by-device' },
  description: 'sectors of 512 bytes',
});
const segmentsMax = config.register(0x0c, { width: 32, access: 'constant', reset: QueueSize - 2 });
const blockSize = config.register(0x14, { width: 32, access: 'constant', reset: SectorSize });

export const virtioBlkOptions = defineOptions({
  drive: option.backend(BlockBackend, { description: 'the image; without one the disk has no sectors' }),
  serial: option.string({ description: 'the id of the disk, of which a driver reads 20 bytes', default: '' }),
});

/**
 * A disk: virtio-blk on PCI. It reads, writes, flushes and tells its id. A flush is answered when all that was written before is on
 * the host's disk.
 *
 * A hostile driver can ask for any sectors, at any length. What leaves the disk is answered with an error. A turn copies 4 MiB.
 *
 * @see virtio 1.2, 5.2 "Block Device"
 */
@device({ type: 'virtio-blk-pci', description: 'Disk' })
@virtio({ deviceType: BlockDevice, classCode: MassStorage, queues: [QueueSize], features: Feature, config })
export class VirtioBlk extends TransitionalVirtioPciDevice {
  @capacity capacity = 0n;
  @segmentsMax segmentsMax = QueueSize - 2;
  @blockSize blockSize = SectorSize;
  protected override readonly bytesOfTurn: number = BytesOfTurn;
  private readonly drive: BlockBackend;
  readonly #header = new DataView(new ArrayBuffer(HeaderSize));
  readonly #chunk = new Uint8Array(ChunkSize);
  private readonly serial = new Uint8Array(IdSize);

  constructor(
    @inject(VirtualClock) clock: VirtualClock,
    @options(virtioBlkOptions) { drive, serial }: OptionsOf<typeof virtioBlkOptions>,
  ) {
    super(clock);
    this.drive = drive;
    new TextEncoder().encodeInto(serial, this.serial);
  }

  override reset(): void {
    super.reset();
    this.capacity = BigInt(Math.floor(this.drive.size / SectorSize));
    this.offer(Feature.ReadOnly, this.drive.isReadOnly);
  }

  protected serve(request: VirtioRequest): VirtioAnswer {
    if (request.readable < HeaderSize || request.writable < StatusSize)
      return request.refuse(`a request of ${request.readable} bytes to read and ${request.writable} to write`);
    request.read(0, new Uint8Array(this.#header.buffer));
    switch (this.#header.getUint32(0, true)) {
      case RequestType.Read:
        return this.copy(request, request.writable - StatusSize, this.readDisk);
      case RequestType.Write:
        return this.copy(request, request.readable - HeaderSize, this.writeDisk);
      case RequestType.Flush:
        return this.finish(request, this.drive.flush() === undefined ? Status.Ok : Status.InputOutputError);
      case RequestType.GetId:
        request.write(0, this.serial.subarray(0, request.writable - StatusSize));
        return this.finish(request, Status.Ok);
      default:
        return this.finish(request, Status.Unsupported);
    }
  }

  /** Goes on where the last turn ended. Whole sectors only. */
  private copy(request: VirtioRequest, length: number, move: typeof this.readDisk): VirtioAnswer {
    const start = Number(this.#header.getBigUint64(SectorAt, true)) * SectorSize;
    if (length % SectorSize !== 0 || start + length > this.drive.size)
      return this.finish(request, Status.InputOutputError);
    while (request.progress < length) {
      const bytes = this.#chunk.subarray(0, Math.min(length - request.progress, request.left));
      if (bytes.length === 0) return 'turn';
      if (move.call(this, request, start + request.progress, bytes) !== undefined)
        return this.finish(request, Status.InputOutputError);
      request.progress += bytes.length;
    }
    return this.finish(request, Status.Ok);
  }

  private readDisk(request: VirtioRequest, at: number, bytes: Uint8Array): BlockError | undefined {
    const failure = this.drive.read(at, bytes);
    if (failure === undefined) request.write(request.progress, bytes);
    return failure;
  }

  private writeDisk(request: VirtioRequest, at: number, bytes: Uint8Array): BlockError | undefined {
    request.read(HeaderSize + request.progress, bytes);
    return this.drive.write(at, bytes);
  }

  /** @see QEMU 7.2, hw/block/virtio-blk.c, virtio_blk_req_complete: the answer counts all bytes that the device may write */
  private finish(request: VirtioRequest, status: number): number {
    request.write(request.writable - StatusSize, Uint8Array.of(status));
    return request.writable;
  }
}
