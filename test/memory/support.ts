import {
  AddressSpace,
  type ListenedSection,
  type MemoryListener,
  MemoryRegion,
  MemoryTopology,
  RegionOps,
  type RegionOpsSpec,
} from '../../sdk/memory/index.ts';

/** One handler call, as the device saw it. */
export interface Call {
  readonly kind: 'read' | 'write';
  readonly offset: number;
  readonly size: number;
  readonly value?: number | bigint;
}

/** A device that writes down every call and answers reads with a value that names offset and width. */
export class RecordingDevice {
  readonly calls: Call[] = [];
  answer: (offset: number, size: number) => number = (offset, size) => 0x1000 * size + offset;

  ops(spec: Omit<RegionOpsSpec, 'device' | 'routes'> = {}): RegionOps {
    return new RegionOps({
      ...spec,
      device: this,
      routes: [{ offset: 0, size: Number.POSITIVE_INFINITY, read: this.read, write: this.write }],
    });
  }

  read(this: RecordingDevice, offset: number, size: number): number {
    this.calls.push({ kind: 'read', offset, size });
    return this.answer(offset, size);
  }

  write(this: RecordingDevice, value: number, offset: number, size: number): void {
    this.calls.push({ kind: 'write', offset, size, value });
  }
}

export function machine(size = 0x1000) {
  const topology = new MemoryTopology();
  const root = MemoryRegion.container(topology, 'root', size);
  return { topology, root, space: new AddressSpace(topology, 'memory', root) };
}

export function device(topology: MemoryTopology, name: string, size: number): MemoryRegion {
  return MemoryRegion.io(topology, name, size, new RecordingDevice().ops());
}

/** A listener that keeps the news as lines, and the map that the news describe. */
export class Chronicle implements MemoryListener {
  readonly lines: string[] = [];
  readonly ranges = new Map<number, ListenedSection>();
  readonly coalesced = new Set<string>();
  readonly eventfds = new Set<string>();
  readonly name: string;
  readonly priority: number;
  private readonly shared: string[];

  constructor(name = 'listener', priority = 0, shared: string[] = []) {
    this.name = name;
    this.priority = priority;
    this.shared = shared;
  }

  take(): string[] {
    return this.lines.splice(0);
  }

  begin(): void {
    this.note('begin');
  }
  commit(): void {
    this.note('commit');
  }
  regionAdd(section: ListenedSection): void {
    this.note(`add ${where(section)}`);
    if (this.ranges.has(section.start)) throw new Error(`added twice: ${where(section)}`);
    this.ranges.set(section.start, section);
  }
  regionDel(section: ListenedSection): void {
    this.note(`del ${where(section)}`);
    const known = this.ranges.get(section.start);
    if (known === undefined || where(known) !== where(section)) throw new Error(`was not there: ${where(section)}`);
    this.ranges.delete(section.start);
  }
  regionNop(section: ListenedSection): void {
    this.note(`nop ${where(section)}`);
    const known = this.ranges.get(section.start);
    if (known === undefined || where(known) !== where(section)) throw new Error(`was not there: ${where(section)}`);
  }
  logStart(section: ListenedSection, oldMask: number, newMask: number): void {
    this.note(`log+ ${where(section)} ${oldMask}->${newMask}`);
  }
  logStop(section: ListenedSection, oldMask: number, newMask: number): void {
    this.note(`log- ${where(section)} ${oldMask}->${newMask}`);
  }
  logGlobalStart(): void {
    this.note('log everything');
  }
  logGlobalStop(): void {
    this.note('log nothing');
  }
  coalescedIoAdd(section: ListenedSection, start: number, size: number): void {
    const zone = `${section.region.name} ${start.toString(16)}+${size}`;
    this.note(`zone+ ${zone}`);
    if (this.coalesced.has(zone)) throw new Error(`zone added twice: ${zone}`);
    this.coalesced.add(zone);
  }
  coalescedIoDel(section: ListenedSection, start: number, size: number): void {
    const zone = `${section.region.name} ${start.toString(16)}+${size}`;
    this.note(`zone- ${zone}`);
    if (!this.coalesced.delete(zone)) throw new Error(`zone was not there: ${zone}`);
  }
  eventfdAdd(_section: ListenedSection, eventfd: { address: number; fd: number }): void {
    this.note(`eventfd+ ${eventfd.fd}@${eventfd.address.toString(16)}`);
    this.eventfds.add(`${eventfd.fd}@${eventfd.address}`);
  }
  eventfdDel(_section: ListenedSection, eventfd: { address: number; fd: number }): void {
    this.note(`eventfd- ${eventfd.fd}@${eventfd.address.toString(16)}`);
    this.eventfds.delete(`${eventfd.fd}@${eventfd.address}`);
  }

  private note(line: string): void {
    this.lines.push(line);
    this.shared.push(`${this.name}: ${line}`);
  }
}

export function where(
  section: Pick<ListenedSection, 'start' | 'size' | 'region' | 'offsetInRegion' | 'readOnly'>,
): string {
  const { start, size, region, offsetInRegion, readOnly } = section;
  return `${start.toString(16)}+${size.toString(16)} ${region.name}@${offsetInRegion.toString(16)}${readOnly ? ' ro' : ''}`;
}
