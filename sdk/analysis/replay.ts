import {
  type Accelerator,
  type ConditionalModel,
  type DeviceAgreementReport,
  type ExitStatistics,
  type GuestOperation,
  type GuestSource,
  type RecordedTrace,
  type SimulatedAcceleratorOptions,
  simulatedAccelerator,
  TraceAnswers,
  TraceGuest,
  type UnmodelledAccesses,
} from '../accelerator/index.ts';
import { BackplaneError } from '../base/errors.ts';
import { Machine, type MachineDefinition, type MachineRequest } from '../machine/index.ts';

/** Told before each access of a recording, by its position, and once after the last. */
export type ReplayObserver = (position: number) => void;

/** A recording that is watched. Without an observer there is no such guest, and nothing is paid for it. */
export class ObservedGuest implements GuestSource {
  readonly name: string;

  constructor(
    private readonly guest: TraceGuest,
    private readonly before: ReplayObserver,
  ) {
    this.name = guest.name;
  }

  next(operation: GuestOperation): boolean {
    this.before(Math.min(this.guest.position + 1, this.guest.trace.length));
    return this.guest.next(operation);
  }

  countFrom(epoch: bigint, operation: GuestOperation): void {
    this.guest.countFrom(epoch, operation);
  }

  interrupt(): void {}
}

/** On what a recording is replayed, and how. */
export interface ReplaySetup {
  readonly definition: MachineDefinition;
  readonly request?: Omit<MachineRequest, 'accelerator'>;
  readonly accelerator?: Omit<SimulatedAcceleratorOptions, 'intercept'>;
  /** Makes the accelerator. Default: `simulatedAccelerator`. */
  readonly createAccelerator?: (options: SimulatedAcceleratorOptions) => Accelerator;
  /** Addresses where something answers only sometimes; asked once the machine is built. */
  readonly conditional?: (machine: Machine) => readonly ConditionalModel[];
  /** How many timers may expire in a gap of the recording. */
  readonly timerLimit?: number;
  readonly onProgress?: (done: number, total: number) => void;
  /** Called when the machine is built, before anything runs on it. */
  readonly onBuilt?: (machine: Machine) => void;
  /** Watches the replay access by access; without it nothing is spent on watching. */
  readonly observe?: (machine: Machine) => ReplayObserver;
}

/** What a replay came to. */
export interface Replay {
  readonly machine: Machine;
  readonly statistics: ExitStatistics;
  /** How reads that a device answered compare with the recording, the busiest device first. */
  readonly devices: readonly DeviceAgreementReport[];
  /** Accesses that no device of the machine claims; their reads were answered from the recording. */
  readonly unmodelled: UnmodelledAccesses;
}

/** Puts a recording through a machine, from beginning to end, in the recording's own time. */
export function replayTrace(trace: RecordedTrace, setup: ReplaySetup): Replay {
  const { createAccelerator = simulatedAccelerator } = setup;
  const { definition, request, accelerator, conditional, timerLimit, onProgress, onBuilt, observe } = setup;
  const guest = new TraceGuest(trace, onProgress === undefined ? {} : { onProgress });
  const models: ConditionalModel[] = [];
  let answers: TraceAnswers | undefined;
  const machine = Machine.create(definition, {
    ...request,
    accelerator: createAccelerator({
      ...accelerator,
      intercept: (access, host) => {
        answers = new TraceAnswers(access, host, guest, models);
        return answers;
      },
    }),
  });
  models.push(...(conditional?.(machine) ?? []));
  onBuilt?.(machine);
  runToTheEnd(machine, guest, observe?.(machine), timerLimit);
  const devices = answers?.devices ?? [];
  const unmodelled = answers?.unmodelled ?? { portReads: 0, portWrites: 0, memoryReads: 0, memoryWrites: 0 };
  return { machine, statistics: machine.accelerator.statistics, devices, unmodelled };
}

/** A recording that resets the machine goes on afterwards: what the guest then did is in it. */
function runToTheEnd(
  machine: Machine,
  guest: TraceGuest,
  observer: ReplayObserver | undefined,
  timerLimit: number | undefined,
): void {
  const { trace } = guest;
  const image = observer === undefined ? guest : new ObservedGuest(guest, observer);
  try {
    const limits = { operationLimit: trace.length + 1, ...(timerLimit === undefined ? {} : { timerLimit }) };
    let outcome = machine.run(image, limits);
    while (outcome.reason === 'reset') outcome = machine.resume(limits);
    if (outcome.reason !== 'finished') throw new Error(outcome.message);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const done = Math.max(0, Math.min(guest.position, trace.length));
    const time = ((trace.at[done] ?? trace.at[trace.length - 1] ?? 0) / 1e9).toFixed(6);
    const where = `stopped after ${done} of ${trace.length} accesses, at ${time} s of guest time`;
    const message = `the replay of '${trace.name}' on '${machine.definition.name}' ${where}: ${reason}`;
    throw new BackplaneError('replay-stopped', message, { cause });
  }
}
