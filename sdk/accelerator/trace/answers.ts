import { ListenerPriority, type MemoryListener, type MemorySection } from '../../memory/index.ts';
import type { AcceleratorHost } from '../accelerator.ts';
import type { GuestAccess } from '../guest-access.ts';

/** One read whose answer differs from the recorded one. */
export interface DisagreementExample {
  readonly isPort: boolean;
  readonly address: number;
  readonly size: number;
  readonly recorded: number;
  readonly answered: number;
  /** Position in the recording, from 0. */
  readonly position: number;
  /** The registers that differ, where the model of the address knows them. */
  readonly where?: string | undefined;
}

export interface DeviceAgreementReport {
  readonly device: string;
  readonly reads: number;
  readonly agreed: number;
  readonly differed: number;
  readonly examples: readonly DisagreementExample[];
}

const MostExamples = 8;

/** How often a device answered as the recorded one did. */
export class DeviceAgreement {
  private agreed = 0;
  private differed = 0;
  private readonly examples: DisagreementExample[] = [];

  constructor(readonly device: string) {}

  /** An 8-byte access comes as two bigints. `where` is asked for the few differences that are kept. */
  compare<Value extends number | bigint>(
    isPort: boolean,
    address: number,
    size: number,
    recorded: Value,
    answered: Value,
    position: number,
    where?: ConditionalModel,
  ): void {
    if (recorded === answered) {
      this.agreed++;
      return;
    }
    this.differed++;
    if (this.examples.length === MostExamples) return;
    const access = { isPort, address, size, recorded: Number(recorded), answered: Number(answered), position };
    this.examples.push({ ...access, where: where?.where?.(access) });
  }

  report(): DeviceAgreementReport {
    const { device, agreed, differed } = this;
    return { device, reads: agreed + differed, agreed, differed, examples: [...this.examples] };
  }
}

/** The recording under replay, as far as it can answer for a device: the access that the guest makes now. */
export interface RecordedAccess {
  /** Position in the recording, from 0. */
  readonly position: number;
  /** What the guest read: the low 32 bits, and the high ones of 8 bytes. */
  readonly value: number;
  readonly valueHigh: number;
}

/**
 * Addresses whose region exists while the device that answers may be absent. An example is the data port of PCI
 * configuration: the machine may not have the selected function.
 */
export interface ConditionalModel {
  readonly isPort: boolean;
  readonly address: number;
  readonly size: number;
  /** The device that answers this access now; undefined when the machine has none. */
  device(address: number, size: number): string | undefined;
  /** The registers whose contents differ in an answer of the device, by name. */
  where?(difference: DisagreementExample): string | undefined;
}

/** Accesses that no device of the machine claims. Their reads were answered from the recording. */
export interface UnmodelledAccesses {
  readonly portReads: number;
  readonly portWrites: number;
  readonly memoryReads: number;
  readonly memoryWrites: number;
}

/** Where an address leads: to one device, to none, or to a model that must be asked at each access. */
type Answerer = DeviceAgreement | ConditionalModel | null;

const Ports = 0x1_0000;

/**
 * Stands between a recorded guest and a machine that models only part of what the recording was made on. A read that a
 * device answers is compared with the recorded value; one that no device claims is answered from the recording.
 */
export class TraceAnswers implements GuestAccess, MemoryListener {
  readonly name = 'trace-answers';
  readonly priority = ListenerPriority.Min;
  private readonly counts = { portReads: 0, portWrites: 0, memoryReads: 0, memoryWrites: 0 };
  private readonly agreements = new Map<string, DeviceAgreement>();
  private readonly ports: (Answerer | undefined)[] = new Array(Ports).fill(undefined);
  /** The memory range of the last access, and what answers there. */
  private rangeStart = 0;
  private rangeEnd = 0;
  private rangeAnswerer: Answerer = null;

  constructor(
    private readonly machine: GuestAccess,
    private readonly host: AcceleratorHost,
    private readonly recorded: RecordedAccess,
    private readonly conditional: readonly ConditionalModel[] = [],
  ) {
    host.topology.addListener(this);
  }

  get unmodelled(): UnmodelledAccesses {
    return { ...this.counts };
  }

  /** One report for each device that answered a read, the busiest first. */
  get devices(): DeviceAgreementReport[] {
    const reports = [...this.agreements.values()].map((agreement) => agreement.report());
    return reports.filter(({ reads }) => reads > 0).sort((a, b) => b.reads - a.reads);
  }

  /** The map has changed: what answers at an address is looked up again. */
  commit(): void {
    this.ports.fill(undefined);
    this.rangeStart = this.rangeEnd = 0;
  }

  detach(): void {
    this.host.topology.removeListener(this);
  }

  read(isPort: boolean, address: number, size: number): number {
    const agreement = this.answererOf(isPort, address, size);
    const { value } = this.recorded;
    if (agreement === null) return this.unanswered(isPort, value);
    const answer = this.machine.read(isPort, address, size);
    agreement.compare(isPort, address, size, value, answer, this.recorded.position, this.modelOf(isPort, address));
    return answer;
  }

  write(isPort: boolean, address: number, value: number, size: number): void {
    this.countWrite(isPort, address, size);
    this.machine.write(isPort, address, value, size);
  }

  read64(isPort: boolean, address: number): bigint {
    const agreement = this.answererOf(isPort, address, 8);
    const value = (BigInt(this.recorded.valueHigh) << 32n) | BigInt(this.recorded.value);
    if (agreement === null) return this.unanswered(isPort, value);
    const answer = this.machine.read64(isPort, address);
    agreement.compare(isPort, address, 8, value, answer, this.recorded.position);
    return answer;
  }

  write64(isPort: boolean, address: number, value: bigint): void {
    this.countWrite(isPort, address, 8);
    this.machine.write64(isPort, address, value);
  }

  readBytes(isPort: boolean, address: number, target: Uint8Array): void {
    this.machine.readBytes(isPort, address, target);
  }

  writeBytes(isPort: boolean, address: number, source: Uint8Array): void {
    this.countWrite(isPort, address, source.length);
    this.machine.writeBytes(isPort, address, source);
  }

  private unanswered<Value>(isPort: boolean, recorded: Value): Value {
    if (isPort) this.counts.portReads++;
    else this.counts.memoryReads++;
    return recorded;
  }

  private countWrite(isPort: boolean, address: number, size: number): void {
    if (this.answererOf(isPort, address, size) !== null) return;
    if (isPort) this.counts.portWrites++;
    else this.counts.memoryWrites++;
  }

  private answererOf(isPort: boolean, address: number, size: number): DeviceAgreement | null {
    let answerer = isPort ? this.ports[address] : this.atMemory(address);
    if (answerer === undefined) {
      answerer = this.resolve(this.host.io.lookup(address), true, address);
      this.ports[address] = answerer;
    }
    if (answerer === null || answerer instanceof DeviceAgreement) return answerer;
    const device = answerer.device(address, size);
    return device === undefined ? null : this.agreementOf(device);
  }

  private atMemory(address: number): Answerer {
    if (address >= this.rangeStart && address < this.rangeEnd) return this.rangeAnswerer;
    const section = this.host.memory.lookup(address);
    this.rangeAnswerer = this.resolve(section, false, address);
    const isWhole = section !== undefined && !this.conditional.some((model) => meets(model, section));
    this.rangeStart = isWhole ? section.start : address;
    this.rangeEnd = isWhole ? section.start + section.size : address + 1;
    return this.rangeAnswerer;
  }

  private resolve(section: MemorySection | undefined, isPort: boolean, address: number): Answerer {
    const model = this.modelOf(isPort, address);
    if (model !== undefined) return model;
    const device = section === undefined ? undefined : deviceOf(section);
    return device === undefined ? null : this.agreementOf(device);
  }

  private modelOf(isPort: boolean, address: number): ConditionalModel | undefined {
    return this.conditional.find(
      (known) => known.isPort === isPort && address >= known.address && address < known.address + known.size,
    );
  }

  private agreementOf(device: string): DeviceAgreement {
    let agreement = this.agreements.get(device);
    if (agreement === undefined) {
      agreement = new DeviceAgreement(device);
      this.agreements.set(device, agreement);
    }
    return agreement;
  }
}

/** Whether some of this memory is answered conditionally: then each address is looked at by itself. */
function meets({ isPort, address, size }: ConditionalModel, { start, size: length }: MemorySection): boolean {
  return !isPort && address < start + length && start < address + size;
}

/** Memory answers by itself; of registers, only those that belong to a device have an owner. */
function deviceOf(section: MemorySection): string | undefined {
  const { region } = section;
  return region.owner?.id ?? (region.ram === undefined ? undefined : region.name);
}
