import { type BasicLibc, MapFailed, MapFlag, Protection, retire } from './libc.ts';

/** koffi ends the process at a view of more than 4 GiB. */
const LargestView = 0x8000_0000;

/** Bytes of a file that another process has too. After `retire` they are zeros of this process alone. */
export interface SharedBytes {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly hostAddress: number;
}

class SharedPiece implements SharedBytes {
  bytes: Uint8Array;
  view: DataView;
  readonly hostAddress: number;

  constructor(buffer: ArrayBuffer, address: bigint) {
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.hostAddress = Number(address);
  }

  /** What still has the piece finds it empty. */
  forget(): void {
    this.bytes = new Uint8Array(0);
    this.view = new DataView(new ArrayBuffer(0));
  }
}

/** A shared mapping of a file. One that is retired has private zeros in place of the file, until its last view is collected. */
export class SharedFile {
  readonly pieces: readonly SharedBytes[];
  private isRetired = false;

  private constructor(
    private readonly libc: BasicLibc,
    address: bigint,
    length: number,
  ) {
    const pieces: SharedPiece[] = [];
    for (let at = 0; at < length; at += LargestView) {
      const buffer = libc.view(address + BigInt(at), Math.min(LargestView, length - at));
      pieces.push(new SharedPiece(buffer, address + BigInt(at)));
    }
    this.pieces = pieces;
  }

  /** Maps `length` bytes from `offset` on, both whole pages; the file has them. Undefined: see errno. */
  static map(libc: BasicLibc, fd: number, offset: number, length: number, isWritable: boolean): SharedFile | undefined {
    const protection = isWritable ? Protection.ReadWrite : Protection.Read;
    const address = libc.mmap(0n, length, protection, MapFlag.Shared, fd, offset);
    return address === MapFailed ? undefined : new SharedFile(libc, address, length);
  }

  retire(): void {
    if (this.isRetired) return;
    this.isRetired = true;
    for (const piece of this.pieces as readonly SharedPiece[]) {
      const { buffer, length } = piece.bytes;
      piece.forget();
      retire(this.libc, BigInt(piece.hostAddress), length, buffer as ArrayBuffer);
    }
  }
}
