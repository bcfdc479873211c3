import type { Machine } from '../machine/index.ts';

/** What a guest prints on a debug console goes to where messages go, a line at a time and by the device's name. */
export async function showConsoles(machine: Machine, say: (line: string) => void): Promise<() => void> {
  const { Debugcon } = await import('../../devices/index.ts');
  const endings = machine.devices.flatMap(({ id, device }) => {
    if (!(device instanceof Debugcon)) return [];
    let line = '';
    const end = () => {
      if (line !== '') say(`${id}: ${line}`);
      line = '';
    };
    device.output = (character) => {
      if (character === '\n') end();
      else if (line.length < LongestLine) line += printable(character);
      else {
        end();
        line = printable(character);
      }
    };
    return [end];
  });
  return () => {
    for (const end of endings) end();
  };
}

const LongestLine = 1000;

/** A guest shall not steer the terminal. */
const printable = (character: string): string =>
  /[\x20-\x7e\t]/.test(character) ? character : character === '\r' ? '' : '.';
