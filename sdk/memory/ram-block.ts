import { checkRamSize } from './region-checks.ts';

/** The bytes behind a RAM or ROM region, as two views of one buffer. */
export interface RamBlock {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** What a memory slot names as its userspace address. */
  readonly hostAddress: number;
  /** Called after the host, or a device by DMA, has written there: for a processor that keeps what it made of the bytes. */
  readonly written?: (start: number, size: number) => void;
}

/** Fresh zeroed memory; the host commits its pages when they are first touched. Host addresses are made up. */
export function ramAllocator(): (size: number, name: string) => RamBlock {
  let nextHostAddress = 0x7f00_0000_0000;
  return (size, name) => {
    checkRamSize(name, size);
    const buffer = new ArrayBuffer(size);
    const hostAddress = nextHostAddress;
    nextHostAddress += Math.ceil((size + 1) / 4096) * 4096;
    return { bytes: new Uint8Array(buffer), view: new DataView(buffer), hostAddress };
  };
}

/** The clients that log dirty pages. Bits of a mask. */
export const DirtyLogClient = { Vga: 1, Code: 2, Migration: 4 } as const;
export type DirtyLogClient = (typeof DirtyLogClient)[keyof typeof DirtyLogClient];

/** Dirty pages are counted in these. */
export const DirtyPageSize = 4096;

/** Which pages were dirty when the snapshot was taken. */
export class DirtySnapshot {
  private readonly firstPage: number;
  private readonly pages: Uint8Array;

  constructor(firstPage: number, pages: Uint8Array) {
    this.firstPage = firstPage;
    this.pages = pages;
  }

  isDirty(offset: number, size = 1): boolean {
    const first = Math.floor(offset / DirtyPageSize) - this.firstPage;
    const last = Math.floor((offset + size - 1) / DirtyPageSize) - this.firstPage;
    for (let page = Math.max(first, 0); page <= last && page < this.pages.length; page++) {
      if (this.pages[page] !== 0) return true;
    }
    return false;
  }

  /** Region offsets of the dirty pages. */
  get offsets(): number[] {
    const offsets: number[] = [];
    this.pages.forEach((dirty, page) => {
      if (dirty !== 0) offsets.push((this.firstPage + page) * DirtyPageSize);
    });
    return offsets;
  }
}

/** What a dirty log needs of its region. */
interface LoggedRegion {
  readonly ram: RamBlock | undefined;
  readonly size: number;
  readonly topology: { readonly globalDirtyLog: boolean; syncDirtyLog(region: LoggedRegion): void };
}

/** The pages of one RAM region, one byte of client bits each; the bytes are allocated at the first mark. */
export class DirtyLog {
  private pages = new Uint8Array(0);
  private readonly region: LoggedRegion;
  private vgaUsers = 0;
  private codeUsers = 0;
  private migrationUsers = 0;

  /** @internal */
  constructor(region: LoggedRegion) {
    this.region = region;
  }

  /** The clients that log writes now. */
  get mask(): number {
    const { ram, topology } = this.region;
    if (ram === undefined) return 0;
    return (
      (this.vgaUsers > 0 ? DirtyLogClient.Vga : 0) |
      (this.codeUsers > 0 ? DirtyLogClient.Code : 0) |
      (this.migrationUsers > 0 || topology.globalDirtyLog ? DirtyLogClient.Migration : 0)
    );
  }

  /** Counts users; from MemoryRegion.setDirtyLog, which tells the topology. */
  count(client: DirtyLogClient, on: boolean): void {
    const counted = (users: number) => Math.max(users + (on ? 1 : -1), 0);
    if (client === DirtyLogClient.Vga) this.vgaUsers = counted(this.vgaUsers);
    else if (client === DirtyLogClient.Code) this.codeUsers = counted(this.codeUsers);
    else this.migrationUsers = counted(this.migrationUsers);
  }

  /** The host has written these bytes, or a device by DMA. */
  wrote(offset: number, size: number): void {
    this.region.ram?.written?.(offset, size);
    this.mark(offset, size);
  }

  /** These bytes changed: dirty for every client that logs the region now, or that did when it happened. */
  mark(offset: number, size: number, mask = this.mask): void {
    if (mask === 0 || size <= 0) return;
    this.makeRoom();
    const last = Math.min(Math.floor((offset + size - 1) / DirtyPageSize), this.pages.length - 1);
    for (let page = Math.floor(offset / DirtyPageSize); page <= last; page++) this.pages[page]! |= mask;
  }

  /** As KVM_GET_DIRTY_LOG answers: bit n of the bitmap is the n-th page from `offset`. */
  markBitmap(offset: number, bitmap: Uint8Array, mask = this.mask): void {
    bitmap.forEach((bits, index) => {
      for (let bit = 0; bits >> bit !== 0; bit++) {
        if ((bits >> bit) & 1) this.mark(offset + (index * 8 + bit) * DirtyPageSize, DirtyPageSize, mask);
      }
    });
  }

  isDirty(client: DirtyLogClient, offset: number, size = 1): boolean {
    const last = Math.min(Math.floor((offset + size - 1) / DirtyPageSize), this.pages.length - 1);
    for (let page = Math.floor(offset / DirtyPageSize); page <= last; page++) {
      if ((this.pages[page]! & client) !== 0) return true;
    }
    return false;
  }

  /** Syncs the log, then takes the client's bits, so that the pages are clean for this client alone. */
  snapshotAndClear(client: DirtyLogClient, offset = 0, size = this.region.size): DirtySnapshot {
    this.region.topology.syncDirtyLog(this.region);
    const first = Math.floor(offset / DirtyPageSize);
    const end = Math.min(Math.ceil((offset + size) / DirtyPageSize), this.pages.length);
    const taken = new Uint8Array(Math.max(end - first, 0));
    for (let page = first; page < end; page++) {
      taken[page - first] = this.pages[page]! & client;
      this.pages[page]! &= ~client;
    }
    return new DirtySnapshot(first, taken);
  }

  clear(client: DirtyLogClient): void {
    for (let page = 0; page < this.pages.length; page++) this.pages[page]! &= ~client;
  }

  private makeRoom(): void {
    if (this.pages.length === 0) this.pages = new Uint8Array(Math.ceil(this.region.ram!.bytes.length / DirtyPageSize));
  }
}
