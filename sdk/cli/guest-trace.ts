import type { ProgramImage } from '../accelerator/accelerator.ts';
import { describeOperation, OperationKind } from '../accelerator/guest/operation.ts';
import type { ExitStatistics, GuestImage, GuestOperation, GuestSource } from '../accelerator/index.ts';
import { decimal, hex, printable } from '../base/text.ts';
import type { DescribedAccess } from '../machine/access-names.ts';

/** The parts of a machine that a trace uses. */
export interface TracedMachine {
  /** Guest nanoseconds since the machine was started. */
  readonly now: () => bigint;
  readonly statistics: ExitStatistics;
  readonly print: (line: string) => void;
  /** The register of an access and the meaning of its value. */
  readonly describe: (access: DescribedAccess) => string | undefined;
}

/** Prints each operation of the guests when it is done: time, operation, value, exits and meaning. */
export class GuestTrace {
  private readonly guests = new Map<object, TracedGuest>();

  constructor(
    private readonly machine: TracedMachine,
    /** Whether a restored guest still repeats its earlier operations, which are not printed. */
    private isQuiet: boolean,
  ) {}

  of(guest: ProgramImage): GuestImage {
    const start = () => {
      // A second start, as after a reset.
      this.guests.get(guest)?.end();
      const traced = new TracedGuest(guest.start(), this.machine, () => this.isQuiet);
      this.guests.set(guest, traced);
      return traced;
    };
    return { name: guest.name, start };
  }

  /** The guests continue with new operations. An operation that was under way in the snapshot is printed too. */
  begin(): void {
    this.isQuiet = false;
    for (const guest of this.guests.values()) guest.begin();
  }

  /** The run has ended: prints the last operations. */
  end(): void {
    for (const guest of this.guests.values()) guest.end();
  }
}

class TracedGuest implements GuestSource {
  private started = false;
  private operation: GuestOperation | undefined;
  private exits = 0;
  private userspaceExits = 0;
  private queued = 0;

  constructor(
    private readonly guest: GuestSource,
    private readonly machine: TracedMachine,
    private readonly isQuiet: () => boolean,
  ) {}

  get name(): string {
    return this.guest.name;
  }

  /** A request for the next operation means that the last one is done. */
  next(operation: GuestOperation): boolean {
    if (this.started) this.print(operation);
    const goesOn = this.guest.next(operation);
    this.started = goesOn && !this.isQuiet();
    this.operation = operation;
    this.remember();
    return goesOn;
  }

  begin(): void {
    this.started = this.operation?.finished === false;
    this.remember();
  }

  end(): void {
    if (this.started && this.operation?.finished === true) this.print(this.operation);
    this.started = false;
  }

  interrupt(vector: number, operation: GuestOperation): void {
    if (this.started && operation.finished) this.print(operation);
    if (!this.isQuiet()) this.machine.print(`${this.time()}  interrupt ${hex(vector)}`);
    this.started = false;
    this.guest.interrupt(vector, operation);
    this.remember();
  }

  private print(operation: GuestOperation): void {
    if (operation.kind === OperationKind.InterruptReturn) return;
    const what = `${describeOperation(operation)}${shownValue(operation)}`;
    const access = accessOf(operation);
    const meant = access === undefined ? '' : printable(this.machine.describe(access) ?? '');
    this.machine.print(`${this.time()}  ${what.padEnd(38)}  ${this.outcome().padEnd(14)}  ${meant}`.trimEnd());
  }

  private time(): string {
    return `${decimal(this.machine.now(), 3).padStart(14)} us`;
  }

  /** The exits that the operation caused. */
  private outcome(): string {
    const { statistics } = this.machine;
    const exits = statistics.userspaceExits - this.userspaceExits;
    const queued = statistics.coalescedWrites - this.queued;
    const said = [
      ...(queued > 0 ? [queued === 1 ? 'queued' : `${queued} queued`] : []),
      ...(exits > 0 ? [exits === 1 ? 'userspace exit' : `${exits} userspace exits`] : []),
    ];
    if (said.length > 0) return said.join(', ');
    return (statistics.vmExits ?? 0) > this.exits ? 'VM exit' : '';
  }

  private remember(): void {
    const { vmExits = 0, userspaceExits, coalescedWrites } = this.machine.statistics;
    this.exits = vmExits;
    this.userspaceExits = userspaceExits;
    this.queued = coalescedWrites;
  }
}

function accessOf({ kind, address, size, value, valueHigh }: GuestOperation): DescribedAccess | undefined {
  if (kind < OperationKind.Out || kind > OperationKind.Load) return undefined;
  const isPort = kind === OperationKind.Out || kind === OperationKind.In;
  const isWrite = kind === OperationKind.Out || kind === OperationKind.Store;
  return { isPort, isWrite, address, size, value: size === 8 ? (BigInt(valueHigh) << 32n) | BigInt(value) : value };
}

function shownValue({ kind, value, valueHigh, size, count }: GuestOperation): string {
  if (kind === OperationKind.RepOuts || kind === OperationKind.RepIns) return ` x ${count}`;
  if (kind < OperationKind.Out || kind > OperationKind.Load) return '';
  const arrow = kind === OperationKind.Out || kind === OperationKind.Store ? '<-' : '->';
  const low = value.toString(16).padStart(Math.min(size, 4) * 2, '0');
  return ` ${arrow} 0x${size === 8 ? valueHigh.toString(16).padStart(8, '0') : ''}${low}`;
}
