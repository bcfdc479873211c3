import { readFileSync } from 'node:fs';
import { BackplaneError, describeThrown } from '../../base/errors.ts';
import { counted } from '../../base/text.ts';
import type { ConcreteDeviceClass } from '../../device/index.ts';
import type { MachineDefinition } from '../../machine/index.ts';
import type { ConformanceHost } from '../../testing/index.ts';
import { withPlace } from './failure-place.ts';
import type { KnownDevice, LoadedPlugin } from './plugin.ts';

/** One line of the table. `details` are what a line has no room for: a script that shows a failure. */
export interface PluginFinding {
  /** 'device lamp', 'machine kitchen'. */
  readonly subject: string;
  readonly check: 'definition' | 'documentation' | 'conformance' | 'wiring';
  readonly status: 'ok' | 'warning' | 'error';
  readonly message: string;
  readonly code?: string;
  readonly details?: string;
}

/** Seconds of host time for the conformance of all devices together; loading and wiring take the rest of ten. */
export const ConformanceSeconds = 7;
/** What a short run has of each. */
const short = { runs: 2, length: 120, hostileAccesses: 5000, lint: 'off' } as const;
const MostNames = 6;

/** Looks a plugin over: each device, then each machine. */
export async function checkPlugin(
  plugin: LoadedPlugin,
  wanted: readonly KnownDevice[],
  host: ConformanceHost,
  secondsOfAll = ConformanceSeconds,
): Promise<readonly PluginFinding[]> {
  const findings: PluginFinding[] = [];
  const seconds = secondsOfAll / Math.max(1, wanted.length);
  for (const one of wanted) findings.push(...(await checkDevice(plugin, one, seconds, host)));
  for (const machine of plugin.machines) findings.push(await checkMachine(machine));
  return findings;
}

async function checkDevice(
  plugin: LoadedPlugin,
  known: KnownDevice,
  seconds: number,
  host: ConformanceHost,
): Promise<readonly PluginFinding[]> {
  const subject = `device ${known.metadata.type}`;
  const documentation = checkDocumentation(plugin, known, subject);
  const { testBench } = await import('../../testing/index.ts');
  const { pinsOf } = await import('../../device/index.ts');
  try {
    const { device } = testBench(known.deviceClass);
    const { bus, regions, registers, options } = known.metadata;
    const message = [
      `bus ${bus}`,
      counted(regions.length, 'region'),
      counted(registers.length, 'register'),
      counted(pinsOf(device).size, 'pin'),
      counted(Object.keys(options.declarations).length, 'option'),
    ].join(', ');
    const definition = { subject, check: 'definition', status: 'ok', message } as const;
    return [definition, ...documentation, await checkConformance(known.deviceClass, subject, seconds, host)];
  } catch (failure) {
    // A service that only its machine has is no mistake.
    const isMissing = failure instanceof BackplaneError && failure.code === 'missing-service';
    const status = isMissing ? 'warning' : 'error';
    return [{ subject, check: 'definition', status, ...said(failure) }, ...documentation];
  }
}

/** What a reader of its reference would miss. */
function checkDocumentation({ files }: LoadedPlugin, { metadata }: KnownDevice, subject: string): PluginFinding[] {
  const { deviceClass, description, registers } = metadata;
  const silent = registers.filter(({ description: text, fields, access }) => {
    const isNamed = fields.length > 0 || access === 'constant' || access === 'reserved';
    return (text ?? '') === '' && !isNamed;
  });
  const names = silent.slice(0, MostNames).map(({ name }) => `'${name}'`);
  const more = silent.length > MostNames ? ` and ${silent.length - MostNames} more` : '';
  const source = files.map(textOf).find((text) => new RegExp(`class ${deviceClass.name}\\b`).test(text));
  const missing = [
    ...(description.trim() === '' ? ['the device has no description'] : []),
    ...(silent.length === 0 ? [] : [`no description and no fields: register ${names.join(', ')}${more}`]),
    ...(source === undefined || /@see\s+\S/.test(source) ? [] : ['no @see names its datasheet']),
  ];
  if (missing.length === 0) return [{ subject, check: 'documentation', status: 'ok', message: 'complete' }];
  return missing.map((message) => ({ subject, check: 'documentation', status: 'warning', message }));
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

async function checkConformance(
  deviceClass: ConcreteDeviceClass,
  subject: string,
  seconds: number,
  host: ConformanceHost,
): Promise<PluginFinding> {
  const { checkDevice: conformance } = await import('../../testing/index.ts');
  const [failure] = conformance(deviceClass, { ...short, seconds, host, firstOnly: true });
  const check = 'conformance';
  if (failure === undefined) return { subject, check, status: 'ok', message: 'the contract holds in a short run' };
  // Out of time: what was run has held.
  const isCut = failure.message.startsWith('it is not done');
  if (isCut) {
    const message = `held until its ${seconds.toFixed(1)} s were over, in '${failure.check}'. Give it more with -seconds.`;
    return { subject, check, status: 'warning', message };
  }
  return { subject, check, status: 'error', message: `${failure.check}: ${failure.message}`, details: failure.text };
}

/** Builds the machine as `backplane info` does. */
async function checkMachine(definition: MachineDefinition): Promise<PluginFinding> {
  const subject = `machine ${definition.name}`;
  const check = 'wiring';
  const { Machine } = await import('../../machine/index.ts');
  try {
    const machine = Machine.create(definition);
    const [warning] = machine.warnings;
    const devices = counted(machine.devices.length, 'device');
    machine.dispose();
    if (warning !== undefined) return { subject, check, status: 'warning', message: warning };
    return { subject, check, status: 'ok', message: devices };
  } catch (failure) {
    return { subject, check, status: 'error', ...said(failure) };
  }
}

/** A failure as a finding, with the place in the plugin's file. */
export function said(failure: unknown): Pick<PluginFinding, 'message' | 'code'> {
  const message = withPlace(describeThrown(failure), failure);
  return failure instanceof BackplaneError ? { message, code: failure.code } : { message };
}
