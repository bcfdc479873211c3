import { describe, expect, it } from 'vitest';
import { displayArguments } from '../../../sdk/cli/options/display.ts';
import { backplane, expectRefused } from '../fake-terminal.ts';

describe('-display', () => {
  it('is refused where standard input and output are no terminal', async () => {
    expectRefused(await backplane('run', '-display', 'curses'), 'no-terminal', 'curses');
  });

  it('has the words of QEMU that a terminal can do, and says so', async () => {
    expectRefused(await backplane('run', '-display', 'gtk'), 'unknown-display', 'curses', 'none');
  });

  it('gives the keys of the terminal to the keyboard, unless a back end of that very name is given', () => {
    const chardevs = (...given: readonly string[]) =>
      displayArguments({ positional: [], has: () => false, all: () => given, value: () => undefined }).all('chardev');
    expect(chardevs()).toEqual(['stdio,id=keyboard']);
    expect(chardevs('null,id=keyboard2')).toEqual(['null,id=keyboard2', 'stdio,id=keyboard']);
    expect(chardevs('pipe,id=keyboard,path=keys')).toEqual(['pipe,id=keyboard,path=keys']);
  });

  it('none is what it is without', async () => {
    const said = await backplane('run', 'examples/read-clock.ts', '-display', 'none');
    expect(said.status).toBe(0);
  });
});
