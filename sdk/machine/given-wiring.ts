import type { Problem } from '../base/errors.ts';
import { hex, unknownWord } from '../base/text.ts';
import { isPlainObject, shown } from './given-values.ts';
import { presences } from './presence.ts';
import { checkGivenInputs, checkGivenOutputs } from './wires/given.ts';

// Files that no compiler has checked, such as plugins, may give values of any kind: all of these functions take unknown ones.

/** The properties of a UsedDevice. */
export const wiringWords: readonly string[] = [
  ...['device', 'id', 'at', 'bus', 'addr', 'when', 'present', 'options', 'interrupts', 'inputs'],
];

/** The properties of a Placement. */
export const placementWords: readonly string[] = ['region', 'address', 'priority'];

/** What is wrong with the kinds of values in the wiring of one device. `where` begins the messages: `use(Watchdog)`. */
export function wiringProblems(wiring: unknown, where: string): Problem[] {
  const found: Problem[] = [];
  const report = (code: string, what: string): void => void found.push({ code, message: `${where}: ${what}` });
  if (!isPlainObject(wiring)) {
    report('bad-wiring', `its wiring is ${shown(wiring)}. Write an object, such as { options: { iobase: 0x70 } }.`);
    return found;
  }
  const unknown = unknownWord(wiring, wiringWords);
  if (unknown !== undefined) report('unknown-word', `its wiring ${unknown}`);
  const { id, at, bus, addr, when, present, options, interrupts, inputs } = wiring;
  if (id !== undefined && typeof id !== 'string') report('bad-wiring', `id is ${shown(id)}. Write a text.`);
  if (addr !== undefined && typeof addr !== 'string')
    report('bad-wiring', `addr is ${shown(addr)}. Write it as a text, such as '01.0' or '0x68'.`);
  if (bus !== undefined && typeof bus !== 'string')
    report('bad-wiring', `bus is ${shown(bus)}. Write its name, such as 'sbcon.i2c', or the id of its controller.`);
  if (when !== undefined && typeof when !== 'function')
    report(
      'bad-wiring',
      `when is ${shown(when)}. Write a function of the machine's options that answers true or false.`,
    );
  if (present !== undefined && !presences.includes(present as string))
    report('bad-wiring', `present is ${shown(present)}. Write 'by-default' or 'with-backend', or leave it out.`);
  if (options !== undefined && typeof options !== 'function' && !isPlainObject(options))
    report('bad-wiring', `options is ${shown(options)}. Write an object, such as { iobase: 0x70 }.`);
  if (at !== undefined) checkPlacements(at, report);
  if (interrupts !== undefined) checkGivenOutputs(interrupts, report);
  if (inputs !== undefined) checkGivenInputs(inputs, report);
  return found;
}

type Report = (code: string, what: string) => void;

function checkPlacements(at: unknown, report: Report): void {
  if (!Array.isArray(at)) {
    report('not-a-placement', `at: is ${shown(at)}. Write a list: at: [place(region, 0x500)].`);
    return;
  }
  at.forEach((one: unknown, index) => {
    const where = `at: place ${index + 1} of ${at.length}`;
    const address = isPlainObject(one) ? one['address'] : one;
    const region = isPlainObject(one) ? one['region'] : undefined;
    const said = typeof address === 'number' && address >= 0 ? hex(address) : '0x500';
    if (!isPlainObject(region) || typeof region['name'] !== 'string') {
      const given = isPlainObject(one) && 'region' in one ? `names ${shown(region)} as its region` : 'has no region';
      const what = typeof one === 'number' && one >= 0 ? `is ${hex(one)}, and ${given}` : given;
      report('not-a-placement', `${where} ${what}. Write place(region, ${said}).`);
    } else if (typeof address !== 'number') {
      report(
        'not-a-placement',
        `${where} puts region '${region['name']}' at ${shown(address)}, which is no number. Write place(region, ${said}).`,
      );
    } else {
      const unknown = unknownWord(one as object, placementWords);
      if (unknown !== undefined) report('unknown-word', `${where} ${unknown}`);
    }
  });
}

/** What is wrong with the kind of one entry of a machine's devices. */
export function usedProblems(used: unknown, where: string): Problem[] {
  const device = isPlainObject(used) ? used['device'] : undefined;
  if (typeof device === 'function') return wiringProblems(used, `${where}, use(${device.name})`);
  const remedy = typeof used === 'function' ? `use(${used.name})` : 'use(TheClass), with the class of the device';
  const what = isPlainObject(used) ? 'an object without the class of a device' : shown(used);
  return [{ code: 'not-a-used-device', message: `${where} is ${what}. Write ${remedy}.` }];
}
