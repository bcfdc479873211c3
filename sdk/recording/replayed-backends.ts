import type { OutsideLine, RecordedTrace } from '../accelerator/trace/recorded-trace.ts';
import type { Backend, BlockImage, CharTransport } from '../backend/index.ts';
import { fromBase64 } from '../base/bytes.ts';
import { type Arrival, damaged, decoded, readArrival } from './arrivals.ts';
import type { RecordedBackend, RunHeader } from './header.ts';
import { CheckedOutput, type Checkpoint } from './output-digest.ts';
import { PageSize } from './recording-backends.ts';

/** The world outside of a recorded run: what came from there, and stand-ins for the back ends. */
export interface RecordedOutside {
  readonly arrivals: readonly Arrival[];
  readonly backends: readonly Backend[];
  /** By the ids of character back ends. */
  readonly outputs: ReadonlyMap<string, CheckedOutput>;
}

interface DiskLines {
  readonly pages: Map<number, OutsideLine>;
  readonly failures: Map<number, string>;
}

/** Reads all lines about the outside. `keep` bytes of each output are kept. */
export function outsideOf(trace: RecordedTrace, { backends, devices }: RunHeader, keep: number): RecordedOutside {
  const lines = trace.run?.outside ?? [];
  const { name } = trace;
  const known = new Map(backends.map((backend) => [backend.id, backend]));
  const arrivals: Arrival[] = [];
  const checkpoints = new Map<string, Checkpoint[]>();
  const disks = new Map<string, DiskLines>();
  for (const line of lines) {
    if (line.word === 'IN') {
      const arrival = readArrival(name, line);
      const { event } = arrival;
      if (event.kind === 'option' && !hasOption(devices, event.device, event.option))
        throw damaged(name, line, 'an option of a device of the header');
      if (event.kind !== 'option' && known.get(event.backend)?.type !== 'char')
        throw damaged(name, line, 'a character back end of the header');
      arrivals.push(arrival);
      continue;
    }
    const [first, number = '', text = '', ...more] = line.rest.split(' ');
    const id = decoded(first) ?? '';
    const type = line.word === 'OUT' ? 'char' : 'block';
    if (known.get(id)?.type !== type || !/^\d{1,15}$/.test(number) || more.length > 0)
      throw damaged(name, line, `a ${type} back end of the header, a number, and what belongs to it`);
    if (line.word === 'OUT') addTo(checkpoints, id, readCheckpoint(name, line, Number(number), text));
    else noteDisk(disks, id, line, { number: Number(number), text, isPage: isPage(name, known.get(id)!, line) });
  }
  const outputs = new Map<string, CheckedOutput>();
  const standIns = backends.map((backend) => {
    if (backend.type === 'block') return diskOf(name, backend, disks.get(backend.id));
    const output = new CheckedOutput(checkpoints.get(backend.id) ?? [], keep);
    outputs.set(backend.id, output);
    return lineOf(backend, output);
  });
  return { arrivals, backends: standIns, outputs };
}

/** Stand-ins for the back ends of a recording, for a machine that runs nothing: nothing arrives, and disks are empty. */
export const emptyBackends = (name: string, backends: readonly RecordedBackend[]): Backend[] =>
  backends.map((one) => (one.type === 'block' ? diskOf(name, one, undefined) : lineOf(one, new CheckedOutput([], 0))));

function hasOption(devices: RunHeader['devices'], id: string, option: string): boolean {
  return devices.some((device) => {
    const { id: own, options } = device as { readonly id?: unknown; readonly options?: unknown };
    return own === id && typeof options === 'object' && options !== null && Object.hasOwn(options, option);
  });
}

function addTo<T>(lists: Map<string, T[]>, id: string, value: T): void {
  const list = lists.get(id);
  if (list === undefined) lists.set(id, [value]);
  else list.push(value);
}

function readCheckpoint(name: string, line: OutsideLine, count: number, text: string): Checkpoint {
  if (/^[0-9a-f]{8}$/.test(text)) return { count, text };
  throw damaged(name, line, 'a checksum of eight digits in hex');
}

/** Whether it is a page, and a right one. */
function isPage(name: string, backend: RecordedBackend, line: OutsideLine): boolean {
  if (line.word === 'BLK') pageIn(name, backend, line);
  return line.word === 'BLK';
}

interface DiskLine {
  readonly number: number;
  readonly text: string;
  readonly isPage: boolean;
}

function noteDisk(
  disks: Map<string, DiskLines>,
  id: string,
  line: OutsideLine,
  { number, text, isPage }: DiskLine,
): void {
  const disk = disks.get(id) ?? { pages: new Map(), failures: new Map() };
  disks.set(id, disk);
  if (isPage) {
    // The first reading counts: the device has what it read then.
    if (!disk.pages.has(number)) disk.pages.set(number, line);
  } else disk.failures.set(number, text);
}

function lineOf({ id, kind, immediate, open }: RecordedBackend, output: CheckedOutput): Backend {
  const transport: CharTransport = {
    isImmediate: immediate,
    startsClosed: !open,
    isReplayed: true,
    start() {},
    write: (bytes) => output.add(bytes),
    close() {},
    describe: () => `${kind}, as it was recorded`,
  };
  return { id, type: 'char', kind, open: () => transport };
}

function diskOf(name: string, backend: RecordedBackend, lines: DiskLines | undefined): Backend {
  const { id, kind } = backend;
  return { id, type: 'block', kind, open: () => new ReplayedImage(name, backend, lines) };
}

/** A disk of which the recording has what was read: what is written before is in that already. */
class ReplayedImage implements BlockImage {
  readonly size: number;
  readonly isReadOnly: boolean;
  private calls = 0;
  private readonly pages = new Map<number, Uint8Array>();

  constructor(
    private readonly name: string,
    private readonly backend: RecordedBackend,
    private readonly lines: DiskLines | undefined,
  ) {
    this.size = backend.size;
    this.isReadOnly = backend.readOnly;
  }

  read(offset: number, target: Uint8Array): void {
    this.begin();
    for (let at = 0; at < target.length; ) {
      const [page, from] = placeOf(offset + at);
      const bytes = this.pageAt(page).subarray(from, from + target.length - at);
      target.set(bytes, at);
      at += Math.max(bytes.length, 1);
    }
  }

  write(offset: number, source: Uint8Array): void {
    this.begin();
    for (let at = 0; at < source.length; ) {
      const [page, from] = placeOf(offset + at);
      const length = Math.min(PageSize - from, source.length - at);
      this.pages.get(page)?.set(source.subarray(at, at + length), from);
      at += length;
    }
  }

  flush(): void {
    this.begin();
  }

  close(): void {}

  describe(): string {
    return `${this.backend.kind}, as it was recorded`;
  }

  /** A call that failed when it was recorded fails again. */
  private begin(): void {
    const failure = this.lines?.failures.get(++this.calls);
    if (failure === undefined) return;
    const code = failure === 'no-space' ? 'ENOSPC' : 'EIO';
    throw Object.assign(new Error('it failed when the run was recorded'), { code });
  }

  private pageAt(page: number): Uint8Array {
    const known = this.pages.get(page);
    if (known !== undefined) return known;
    const line = this.lines?.pages.get(page);
    // A page that the recorded run did not read is zero.
    const bytes = line === undefined ? new Uint8Array(PageSize) : pageIn(this.name, this.backend, line);
    this.pages.set(page, bytes);
    return bytes;
  }
}

/** The bytes of a page, less than 4 KiB at the end of the disk. */
function pageIn(name: string, { size }: RecordedBackend, line: OutsideLine): Uint8Array {
  const [, page, text = ''] = line.rest.split(' ');
  const length = Math.min(PageSize, size - Number(page) * PageSize);
  const bytes = length <= 0 ? undefined : text === 'zero' ? new Uint8Array(length) : fromBase64(text);
  if (bytes?.length === length) return bytes;
  throw damaged(name, line, 'a page of the disk, and its bytes in base64, or zero');
}

const placeOf = (offset: number): readonly [page: number, from: number] => [
  Math.floor(offset / PageSize),
  offset % PageSize,
];
