import { endOf } from '../../accelerator/trace/recorded-trace.ts';
import { exactData } from '../../base/text.ts';
import { explainDifferences } from './differences.ts';
import type { ReplayReport } from './replay-report.ts';

/** The report as one value: what `-json` prints. Times are nanoseconds. */
export function replayData({ trace, clock, modes }: ReplayReport) {
  return {
    recording: trace.name,
    accesses: trace.length,
    guestTime: exactData(endOf(trace)),
    clock: clock === undefined ? null : { ...clock, date: clock.date.toISOString() },
    modes: modes.map(({ mode, replay, absentFunctions }) => ({
      name: mode.name,
      title: mode.title,
      machine: replay.machine.definition.name,
      machineOptions: replay.machine.options,
      exits: replay.statistics.summary(),
      ports: replay.statistics.portRows(),
      memory: replay.statistics.memoryRows(),
      devices: replay.devices.map(({ device, reads, agreed, differed }) => ({ device, reads, agreed, differed })),
      differences: explainDifferences(trace, replay.devices),
      unmodelled: { ...replay.unmodelled, absentFunctions },
      ...(replay.statistics.profile === undefined ? {} : { profile: replay.statistics.profile.rows() }),
    })),
  };
}
