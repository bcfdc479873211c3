import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addressMap } from '../../analysis/report/address-map.ts';
import type { ReplaySamples, ReportInput } from '../../analysis/report/input.ts';
import { ReportStart, renderReport } from '../../analysis/report/page.ts';
import type { PlotLibrary } from '../../analysis/report/svg.ts';
import { BackplaneError } from '../../base/errors.ts';
import { checkOutput, type OutputKind, packageRoot, writeOutput } from '../files.ts';
import type { ReplayedMode, ReplayReport } from './report.ts';

const page: OutputKind = {
  option: '-report',
  what: 'page of a comparison',
  example: 'comparison.html',
  isOne: (beginning) => beginning.startsWith(ReportStart),
};

/**
 * Refuses, before anything is replayed, a place where no page could be written; a page of ours that is there is written
 * over.
 */
export function checkReportTarget(path: string): void {
  checkOutput(page, path);
}

/** Writes the page of a comparison; answers its size in bytes. */
export async function writeHtmlReport(
  path: string,
  report: ReplayReport,
  samples: readonly ReplaySamples[],
): Promise<number> {
  const html = renderReport(reportInput(report, samples), await loadPlotting());
  writeOutput(page, path, html);
  return Buffer.byteLength(html);
}

/** Loaded only when a page is written: an installation may leave it out. */
async function loadPlotting(): Promise<PlotLibrary> {
  try {
    return await import('@observablehq/plot');
  } catch (cause) {
    throw new BackplaneError(
      'missing-optional-package',
      "the page needs the optional package '@observablehq/plot', which is not installed. Write 'npm install @observablehq/plot@0.6.17'.",
      { cause },
    );
  }
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
    const name = machine.deviceById(id)?.metadata.deviceClass.name;
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

/** The folders of the package's device classes: sources in a checkout, the build elsewhere. */
const folders = ['devices/', 'dist/devices/'];
const declaration = /^(?:export )?(?:let (\w+) = )?class (\w+)/gm;

let known: ReadonlyMap<string, string> | undefined;

/** The file of a device class, relative to the package; undefined for other classes. */
export function sourceFileOf(className: string): string | undefined {
  known ??= readClasses();
  return known.get(className);
}

function readClasses(): Map<string, string> {
  const root = fileURLToPath(packageRoot);
  const folder = folders.map((name) => `${root}${name}`).find((path) => existsSync(path));
  const classes = new Map<string, string>();
  if (folder === undefined) return classes;
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!/(?<!\.d)\.(ts|js)$/.test(file)) continue;
    const path = relative(root, `${folder}${file}`)
      .replace(/^dist\//, '')
      .replace(/\.js$/, '.ts');
    for (const [, assigned, name] of readFileSync(`${folder}${file}`, 'utf8').matchAll(declaration)) {
      classes.set(assigned ?? name ?? '', path);
    }
  }
  return classes;
}
