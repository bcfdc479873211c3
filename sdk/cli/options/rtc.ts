import { BackplaneError } from '../../base/errors.ts';
import { hostDate } from '../../clock/host-time.ts';
import { metadataOf, option } from '../../device/index.ts';
import type { MachineDefinition } from '../../machine/index.ts';
import type { Arguments, OptionSyntax } from '../command.ts';
import { parseKeyValues } from './settings.ts';

export const rtcSyntax = { rtc: 'base=DATE' } as const satisfies OptionSyntax;

export const rtcHelp =
  "  -rtc base=DATE        the start of the guest's clocks: 2026-11-22T10:09:01, utc or localtime (those of the host)";

/** Settings of QEMU that this command does not have. */
const notHere = ['clock', 'driftfix'];

/** The date of `-rtc base=2026-11-22T10:09:01`; undefined without the argument. `base=` may be left out. */
export function chooseRtc(args: Arguments): Date | undefined {
  const text = args.value('rtc');
  if (text === undefined) return undefined;
  const { subject, settings } = parseKeyValues('-rtc', text, { subjectKey: 'base' });
  const refuse = (why: string) =>
    new BackplaneError(
      'invalid-date',
      `-rtc ${text}: ${why}. Write -rtc base=2026-11-22T10:09:01, base=utc or base=localtime.`,
    );
  const [other] = settings.keys();
  if (other !== undefined)
    throw refuse(notHere.includes(other) ? `${other}= is not modelled` : `there is no setting '${other}'`);
  if (subject === 'utc' || subject === 'localtime') return hostDate(subject);
  const date = option.date({ description: '' }).parse(subject);
  if (date === undefined) throw refuse('not a date');
  return date;
}

/** Sets the start of every device that has a date. */
export function startAt({ devices }: MachineDefinition, date: Date): Record<string, { date: Date }> {
  const dated = devices.map(({ device }) => metadataOf(device)).filter(({ options }) => options.names.includes('date'));
  return Object.fromEntries(dated.map(({ type }) => [type, { date }]));
}
