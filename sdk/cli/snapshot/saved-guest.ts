import { isProgramImage } from '../../accelerator/accelerator.ts';
import { isGuestCode } from '../../accelerator/guest/code.ts';
import { isSavedCode } from '../../accelerator/guest/saved-guest.ts';
import type { GuestImage } from '../../accelerator/index.ts';
import { BackplaneError } from '../../base/errors.ts';
import { count, printable } from '../../base/text.ts';
import { bootMachine } from '../options/boot.ts';
import type { MachineChoice } from '../options/machine.ts';
import { shellWord } from '../text.ts';
import { member } from './file.ts';

/** The guest of processor 0, as a snapshot has it: a refused one may hold anything. */
function savedGuest(snapshot: unknown): { readonly [member: string]: unknown } {
  const processors = member(member(snapshot, 'accelerator'), 'processors');
  const guest = member(Array.isArray(processors) ? processors[0] : undefined, 'guest');
  return typeof guest === 'object' && guest !== null ? { ...guest } : {};
}

/** Whether a snapshot was saved with a guest in machine code. */
export const isOfMachineCode = (snapshot: unknown): boolean => savedGuest(snapshot)['kind'] === 'code';

/** Refuses another guest than the one that was saved, and says how the command line gives that. */
export function checkSavedGuest(path: string, snapshot: unknown, guests: readonly GuestImage[]): void {
  const saved = savedGuest(snapshot);
  const [given] = guests;
  if (given === undefined) return;
  const refusal = (what: string, remedy: string) =>
    new BackplaneError('state-mismatch', `-loadvm '${path}': it was saved with ${what}. ${remedy}`);
  if (saved['kind'] === 'program' && !isProgramImage(given))
    throw refusal(
      `the guest program '${printableName(saved['name'])}'`,
      'Give its file: backplane run FILE.ts -loadvm FILE.',
    );
  if (saved['kind'] !== 'code' || (isGuestCode(given) && isSavedCode(saved, given))) return;
  const other = given.name === saved['name'] ? 'another ' : '';
  const here = isGuestCode(given) ? other : 'the program ';
  throw refusal(`${describe(saved)}, and this run has ${here}'${given.name}'`, remedyFor(saved));
}

const LongestName = 64;
const printableName = (name: unknown): string =>
  typeof name === 'string' ? printable(name.slice(0, LongestName)) : 'without a name';

/** The firmware of the package has no bytes of its own: they are in the machine's ROM, which the snapshot has. */
const isOwnFirmware = ({ size, start }: { readonly [member: string]: unknown }): boolean =>
  start === 'reset' && size === 0;

function describe(saved: { readonly [member: string]: unknown }): string {
  if (isOwnFirmware(saved)) return 'the firmware of the package';
  const { name, size, start } = saved;
  const what = start === 'reset' ? 'the firmware' : 'the machine code';
  return `${what} '${printableName(name)}' of ${typeof size === 'number' ? count(size) : 'some'} bytes`;
}

function remedyFor(saved: { readonly [member: string]: unknown }): string {
  if (isOwnFirmware(saved)) return 'Give no program, and leave -bios, -kernel and -device loader out.';
  const file = shellWord(printableName(saved['name']), 'FILE');
  if (saved['start'] === 'reset') return `Write: -bios ${file}`;
  return `Give it as then, with all its options: -kernel ${file}, or -device loader,file=${file}.`;
}

/** The machine that fits a snapshot of machine code, as `run` has made it for what boots. Its VGA BIOS is in the snapshot. */
export function likeSaved(choice: MachineChoice, snapshot: unknown): MachineChoice {
  const saved = member(snapshot, 'devices');
  const devices: readonly unknown[] = Array.isArray(saved) ? saved : [];
  const isOn = (option: string) => devices.some((device) => member(member(device, 'options'), option) === true);
  if (!isOfMachineCode(snapshot) || !isOn('instant')) return choice;
  const sizes = devices.map((device) => member(member(member(device, 'backends'), 'romfile'), 'imageSize'));
  const size = sizes.find((one) => typeof one === 'number' && Number.isInteger(one) && one > 0 && one <= LargestRom);
  const vgaBios = size === undefined ? undefined : new Uint8Array(size as number);
  return { ...bootMachine(choice, { vgaBios }, isOn('textMode')), request: choice.request };
}

const LargestRom = 16 * 2 ** 20;
