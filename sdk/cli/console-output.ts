import type { Machine } from '../machine/index.ts';

/** Prints the output of debug consoles as messages, line by line, with the id of the device. */
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

/** Replaces control characters, so that a guest cannot control the terminal. */
const printable = (character: string): string =>
  /[\x20-\x7e\t]/.test(character) ? character : character === '\r' ? '' : '.';
