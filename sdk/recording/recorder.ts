import { type GuestCode, isGuestCode } from '../accelerator/guest/code.ts';
import {
  type GuestImage,
  isProgramImage,
  KvmAccelerator,
  type RunOptions,
  type RunOutcome,
} from '../accelerator/index.ts';
import { RecordedCode } from '../accelerator/trace/code-recorder.ts';
import {
  OperationRecorder,
  type RecordableProgram,
  type RecordingSink,
} from '../accelerator/trace/operation-recorder.ts';
import { endLine } from '../accelerator/trace/run-lines.ts';
import { BackplaneError } from '../base/errors.ts';
import type { Machine } from '../machine/index.ts';
import { arrivalLine } from './arrivals.ts';
import { DefaultDmaLimit, RecordedTransfers } from './dma.ts';
import { describeMachine, headerLines, type RecordedImage } from './header.ts';
import { describeBackends, recordBackends } from './recording-backends.ts';

export type { RecordingSink } from '../accelerator/trace/operation-recorder.ts';

/** A run that is being recorded. */
export interface RunRecording {
  /** What the machine has to run: `machine.run(recording.guests)`, or `pump(machine, recording.guests)`. */
  readonly guests: readonly GuestImage[];
  /** Transfers by DMA that are not in the recording: more was read before than its limit. A replay cannot answer them. */
  readonly lostTransfers: number;
  /** Ends the recording when the run has ended. Without it the recording is cut off, and can be read as far as it goes. */
  end(outcome: Pick<RunOutcome, 'reason'>): void;
}

export interface RecordOptions extends Pick<RunOptions, 'timerLimit'> {
  /** What machine code comes from, for the header. */
  readonly images?: readonly RecordedImage[];
  /** Of machine code: so many bytes that devices read by DMA are recorded at most. Default: 32 MiB. */
  readonly dmaLimit?: number;
}

/**
 * Records the next run of a machine that was just built: what its guests do, and what comes from outside. The sink gets lines in the
 * format `iotrace v2`, which `replayRun` and `backplane replay` read. The timer limit is that of the run.
 */
export function recordRun(
  machine: Machine,
  guests: GuestImage | readonly GuestImage[],
  sink: RecordingSink,
  { timerLimit, images: origins = [], dmaLimit = DefaultDmaLimit }: RecordOptions = {},
): RunRecording {
  const accelerator = recordable(machine);
  const images = [guests].flat();
  const code = images.find(isGuestCode);
  if (code !== undefined) refuseCode(accelerator, code);
  const programs = code === undefined ? images.map((guest) => programOf(guest)) : [];
  const time = () => machine.clock.absolute(accelerator.guestTime);
  const begun = machine.clock.absolute();
  const recorder = new OperationRecorder(sink, time);
  const header = {
    ...describeMachine(machine),
    backends: describeBackends(machine),
    accelerator: accelerator.noticeable as never,
    processors: Math.max(programs.length, 1),
    guests: images.map(({ name }) => name),
    start: String(begun),
    tapped: accelerator.taps.length > 0,
    machineCode: code !== undefined,
    images: origins,
    ...(code === undefined ? {} : { dmaLimit }),
    ...(timerLimit === undefined ? {} : { timerLimit }),
  };
  for (const line of headerLines(header)) sink.write(line);
  machine.inbox.recorder = (event, operations) => recorder.note(arrivalLine(event, operations));
  const leaveBackends = recordBackends(machine, (text) => recorder.note(text));
  const transfers = new RecordedTransfers(dmaLimit, time, (line) => recorder.noteLine(line));
  // The RAM of programs is that of their operations.
  if (code !== undefined) {
    machine.topology.dmaObserver = transfers;
    const recorded = new RecordedCode(recorder);
    recorder.follow(recorded);
    accelerator.observeCode(recorded);
  }
  return {
    guests: code !== undefined ? images : programs.map((program, vcpu) => recorder.of(program, vcpu)),
    get lostTransfers() {
      return transfers.lost;
    },
    end(outcome) {
      const reason = outcome.reason === 'operation-limit' && recorder.isUnderWay ? 'timer-limit' : outcome.reason;
      leaveBackends();
      machine.inbox.recorder = undefined;
      accelerator.observeCode(undefined);
      machine.topology.dmaObserver = undefined;
      recorder.end();
      sink.write(`${endLine({ operations: accelerator.operations, at: time(), reason })}\n`);
    },
  };
}

function recordable({ accelerator, definition, inbox }: Machine): KvmAccelerator {
  const where = `Machine '${definition.name}' cannot be recorded`;
  if (!(accelerator instanceof KvmAccelerator) || accelerator.noticeable === undefined) {
    throw new BackplaneError(
      'machine-not-recordable',
      `${where}: a replay could not have its accelerator '${accelerator.name}'. Use simulatedAccelerator().`,
    );
  }
  if (inbox.recorder !== undefined)
    throw new BackplaneError(
      'machine-not-recordable',
      `${where}: another recording of it is being made. End that one first.`,
    );
  if (accelerator.operations === 0) return accelerator;
  throw new BackplaneError(
    'machine-not-recordable',
    `${where}: its guest has executed ${accelerator.operations} operations already. Record the first run of a new machine.`,
  );
}

/** Guest time says how many instructions lie between two accesses. */
function refuseCode({ noticeable }: KvmAccelerator, { name }: GuestCode): void {
  const { plainCost } = noticeable as { readonly plainCost?: number };
  if (plainCost === undefined || (Number.isInteger(plainCost) && plainCost > 0)) return;
  throw new BackplaneError(
    'guest-not-recordable',
    `Guest '${name}' is machine code, and its instructions take ${plainCost} ns each. Give plainCost a whole number of nanoseconds above 0.`,
  );
}

function programOf(guest: GuestImage): RecordableProgram {
  if (isProgramImage(guest)) return guest;
  throw new BackplaneError(
    'guest-not-recordable',
    `Guest '${guest.name}' is no program, so it cannot be recorded. Write it as a guestProgram; a recording is one already.`,
  );
}
