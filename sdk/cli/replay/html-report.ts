import { writeFileSync } from 'node:fs';
import { addressMap } from '../../insight/report/address-map.ts';
import { renderReport } from '../../insight/report/page.ts';
import type { ReplaySamples } from '../../insight/report/replay-samples.ts';
import type { ReportInput } from '../../insight/report/report-model.ts';
import { BackplaneError } from '../../memory/errors.ts';
import type { ReplayedMode, ReplayReport } from './replay-report.ts';
import { sourceFileOf } from './source-files.ts';

/** Writes the page of a comparison; answers its size in bytes. */
export async function writeHtmlReport(
  path: string,
  report: ReplayReport,
  samples: readonly ReplaySamples[],
): Promise<number> {
  const html = await renderReport(reportInput(report, samples));
  try {
    writeFileSync(path, html);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BackplaneError(
      `the page cannot be written to '${path}': ${why}. Give --report a file in a folder that exists.`,
      {
        cause,
      },
    );
  }
  return Buffer.byteLength(html);
}

function reportInput({ trace, modes }: ReplayReport, samples: readonly ReplaySamples[]): ReportInput {
  return {
    recording: trace.name,
    machine: modes[0]!.replay.machine.definition.name,
    accesses: trace.length,
    guestTime: trace.at[trace.length - 1] ?? 0,
    modes: modes.map((mode, index) => reportMode(mode, samples[index]!)),
  };
}

function reportMode({ mode, replay }: ReplayedMode, samples: ReplaySamples): ReportInput['modes'][number] {
  const { machine, statistics } = replay;
  const describe = (id: string) => {
    const name = machine.deviceById(id)?.blueprint.deviceClass.name;
    return name === undefined ? undefined : { name, file: sourceFileOf(name) };
  };
  return {
    column: mode.column,
    title: mode.title,
    exits: statistics.summary(),
    ports: statistics.portRows(),
    pages: statistics.memoryRows(),
    samples,
    maps: {
      ports: addressMap(machine, machine.io, describe),
      memory: addressMap(machine, machine.memory, describe),
    },
  };
}
