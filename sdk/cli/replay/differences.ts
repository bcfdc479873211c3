import { OperationKind } from '../../accelerator/guest/operation.ts';
import type { DeviceAgreementReport, DisagreementExample, RecordedTrace } from '../../accelerator/index.ts';
import { hex } from '../../base/text.ts';

/** Reads of one register that differ from the recording, for the same reason. */
export interface Difference {
  readonly device: string;
  /** `register 0x10`, `ramSize (byte 0x57)`, `port 0x20`. */
  readonly where: string;
  readonly recorded: number;
  readonly answered: number;
  /** Number of equal examples. A device keeps the first few only. */
  readonly examples: number;
  readonly why: string;
}

/** Index and data ports. */
const indexed = [{ index: 0x70, data: 0x71, size: 1, name: (value: number) => `register ${hex(value & 0x7f)}` }];

interface Explanation {
  /** Whether this explains the difference, from the register and both values. */
  readonly matches: (where: string, recorded: number, answered: number) => boolean;
  readonly why: string;
}

/** Serial and parallel ports of a PC, and the line status of the serial ones. */
const pcPort = /^port 0x([23][ef][8-f]|[23]7[89a]|3b[cde])$/;
const lineStatus = /^port 0x[23][ef]d$/;
const TransmitterEmpty = 0x60;
const UpdateInProgress = 0x80;
const PeriodicFlag = 0x40;
const isByte = (value: number): boolean => value <= 0xff;

/** Known differences between the recorded machines and ours. */
const explanations: readonly Explanation[] = [
  {
    matches: (where, recorded, answered) => /^port 0x(20|a0)$/.test(where) && answered === 0 && isByte(recorded),
    why: 'interrupts are not injected into a recording, so none is requested or in service here',
  },
  {
    matches: (where, recorded) => where === 'register 0x10' && recorded === 0,
    why: 'the floppy drives: the recorded machine was started without any',
  },
  {
    matches: (where) => where === 'ramSize (byte 0x57)',
    why: "the size of RAM: '-m' says what the recorded machine had (256 MiB in the recordings of this package)",
  },
  {
    matches: (where, recorded) => /^register 0x([0-9]|32)$/.test(where) && isByte(recorded),
    why: 'the time: where within a second the recorded clock was is known only to a few milliseconds',
  },
  {
    matches: (where, recorded, answered) => where === 'register 0xa' && (recorded ^ answered) === UpdateInProgress,
    why: 'the announcement of an update: the chip takes 2 ms for it, and when it came is known only to a few milliseconds',
  },
  {
    matches: (where, recorded, answered) => where === 'register 0xc' && (answered & ~recorded) === PeriodicFlag,
    why: 'the periodic flag: the chip raises it at its rate whatever is enabled, the recorded machine only with its interrupt',
  },
  {
    matches: (where, recorded, answered) =>
      lineStatus.test(where) && answered !== recorded && (answered | TransmitterEmpty) === recorded,
    why: "the time of a character: the recorded machine sends at once, as ours does without '-global isa-serial.instant=off'",
  },
  {
    matches: (where, recorded) => pcPort.test(where) && recorded === 0xff,
    why: 'the recorded machine was started without this port',
  },
];

/** The differences between the machine's answers and the recording, with their reasons. */
export function explainDifferences(trace: RecordedTrace, devices: readonly DeviceAgreementReport[]): Difference[] {
  const found = new Map<string, Difference>();
  for (const { device, examples } of devices) {
    for (const example of examples) {
      const where = example.where ?? registerOf(trace, example);
      const key = [device, where, example.recorded, example.answered].join();
      const count = (found.get(key)?.examples ?? 0) + 1;
      const why =
        explanations.find(({ matches }) => matches(where, example.recorded, example.answered))?.why ?? 'not explained';
      found.set(key, { device, where, recorded: example.recorded, answered: example.answered, examples: count, why });
    }
  }
  return [...found.values()];
}

/**
 * The register that an access went to: by its address, or by what was last written to the index port in front of it.
 */
function registerOf(trace: RecordedTrace, { isPort, address, position }: DisagreementExample): string {
  const pair = isPort ? indexed.find(({ data, size }) => address >= data && address < data + size) : undefined;
  if (pair === undefined) return `${isPort ? 'port' : 'memory'} ${hex(address)}`;
  for (let before = position - 1; before >= 0; before--) {
    if (trace.kind[before] === OperationKind.Out && trace.address[before] === pair.index) {
      return pair.name(trace.value[before] ?? 0);
    }
  }
  return `port ${hex(address)}`;
}
