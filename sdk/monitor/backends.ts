import { BlockLine, type CharLine } from '../backend/index.ts';
import { count, counted } from '../base/text.ts';
import { devicesIn } from '../device/index.ts';
import type { RunningMachine } from '../machine/index.ts';

/** Many a description begins with the kind. */
const described = (kind: string, text: string): string => (text.startsWith(kind) ? text : `${kind}, ${text}`);
const bytes = (number: number, what: string): string => `${counted(number, 'byte')} ${what}`;

/** `info chardev`: each back end for characters, what is behind it on the host, and the device that has it. */
export function infoChardev(machine: RunningMachine): string {
  const lines = linesOf(machine, (line): line is CharLine => !(line instanceof BlockLine));
  return lines
    .map(({ id, kind, line }) => {
      const waiting = line.waiting === 0 ? '' : `, ${count(line.waiting)} waiting`;
      const state = `${bytes(line.bytesIn, 'in')}, ${bytes(line.bytesOut, 'out')}${waiting}${line.isOpen ? '' : ', closed'}`;
      return `${id}: ${described(kind, line.transport.describe())}\n    ${ownerText(machine, line)}; ${state}\n`;
    })
    .join('');
}

/** `info block`: each image, its size, and the device that has it. */
export function infoBlock(machine: RunningMachine): string {
  const lines = linesOf(machine, (line) => line instanceof BlockLine);
  return lines
    .map(({ id, line }) => {
      const { read, written, flushes } = line.counts;
      const state = `${bytes(read, 'read')}, ${bytes(written, 'written')}, ${counted(flushes, 'flush', 'flushes')}`;
      const size = `${count(line.image.size)} bytes`;
      return `${id}: ${line.image.describe()}, ${size}\n    ${ownerText(machine, line)}; ${state}\n`;
    })
    .join('');
}

type AnyLine = RunningMachine['backends']['all'][number]['line'];

function linesOf<L extends AnyLine>(machine: RunningMachine, isOne: (line: AnyLine) => line is L) {
  return machine.backends.all.flatMap(({ backend: { id, kind }, line }) => (isOne(line) ? [{ id, kind, line }] : []));
}

function ownerText({ devices }: RunningMachine, { owner }: AnyLine): string {
  const found = devices.find(({ device }) => devicesIn(device).some((one) => one.device === owner));
  return found === undefined ? 'no device' : `device '${found.id}'`;
}
