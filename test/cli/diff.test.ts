import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeLine } from '../../sdk/cli/replay/recording-lines.ts';
import { echoRun } from './echo-run.ts';
import { backplane } from './fake-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-diff-'));
const at = (name: string): string => join(folder, name);

/** A guest that reads the real-time clock so often. */
const reader = (rounds: number, register: string, pause = 1000): string =>
  `import { guestProgram } from 'backplane/runtime';
  export default guestProgram('reader', function* (guest) {
    for (let round = 0; round < ${rounds}; round++) {
      yield* guest.out8(0x70, round === 4 ? ${register} : 0x0a);
      yield* guest.in8(0x71);
      yield* guest.pause(${pause});
    }
  });`;

const record = async (name: string, program: string): Promise<void> => {
  writeFileSync(at('guest.ts'), program);
  const { status, noted } = await backplane('run', at('guest.ts'), '-machine', 'isapc', '-record', at(name));
  expect([status, noted]).toEqual([0, '']);
};

beforeAll(async () => {
  await record('a.iotrace.gz', reader(20, '0x0a'));
  await record('same.iotrace', reader(20, '0x0a'));
  await record('other.iotrace.gz', reader(20, '0x0b'));
  await record('shorter.iotrace', reader(3, '0x0a'));
  await record('slower.iotrace', reader(20, '0x0a', 2000));
});
afterAll(() => rmSync(folder, { recursive: true }));

const diff = (a: string, b: string, ...more: string[]) => backplane('diff', at(a), at(b), ...more);

describe('backplane diff', () => {
  it('says of equal recordings that they are, plain or compressed, with status 0', async () => {
    const { status, printed } = await diff('a.iotrace.gz', 'same.iotrace');
    expect([status, printed]).toEqual([0, 'a and same are equal.']);
    expect(gunzipSync(readFileSync(at('a.iotrace.gz'))).equals(readFileSync(at('same.iotrace')))).toBe(true);
  });

  it('shows where they part in the words of the devices, and what was done before, with status 1', async () => {
    const { status, printed } = await diff('a.iotrace.gz', 'other.iotrace.gz');
    expect(status).toBe(1);
    expect(printed).toContain('They part after 12 operations, at line');
    expect(printed).toMatch(/in8 at 0x71 -> 0x26 +rtc: statusA/);
    expect(printed).toMatch(/other:\n.*out8 at 0x70 <- 0xb .*\n.*in8 at 0x71 -> 0x2 +rtc: statusB/);
  });

  it('says that one ends earlier, and where only the times differ', async () => {
    expect((await diff('a.iotrace.gz', 'shorter.iotrace')).printed).toContain('They part after 9 operations');
    const { status, printed } = await diff('a.iotrace.gz', 'slower.iotrace');
    expect([status, printed]).toEqual([1, expect.stringContaining('pause of 2000 ns')]);
  });

  it.each([
    ['IN 12 receive serial0 68656c6c6f', "serial0 receives 5 bytes: 'hello'"],
    ['IN 12 sent serial0 300', 'serial0: sent 300'],
    ['BLK d0 3 zero', 'disk d0: page 3 is read for the first time'],
    ['ERR d0 4 no-space', 'disk d0: its call 4 fails (no-space)'],
    ['OUT serial0 65536 0badcafe', 'serial0: 65536 bytes sent so far, checksum 0badcafe'],
  ])('says in words what came from outside: %s', (line, words) => expect(describeLine(line)).toBe(words));

  it('names registers of devices whose back ends the recordings have', async () => {
    const run = echoRun(folder);
    const words = run.slice(run.indexOf('-machine'));
    for (const [name, more] of [
      ['x', '0x2f9'],
      ['y', '0x2f8'],
    ] as const) {
      const body = `yield* guest.in8(0x2f9); yield* guest.in8(${more});`;
      const program = `export default guestProgram('g', function* (guest) { ${body} });`;
      writeFileSync(at('g.ts'), `import { guestProgram } from 'backplane/runtime';${program}`);
      const recorded = ['-chardev', 'null,id=c0', '-record', at(`${name}.iotrace`)];
      expect((await backplane('run', at('g.ts'), ...words, ...recorded)).status).toBe(0);
    }
    const { status, noted, printed } = await backplane('diff', at('x.iotrace'), at('y.iotrace'), ...words);
    expect({ status, noted }).toEqual({ status: 1, noted: '' });
    expect(printed).toMatch(/x:\n.*in8 at 0x2f9 -> 0x2 +my-uart: /);
    expect(printed).toMatch(/y:\n.*in8 at 0x2f8 -> 0x0 +my-uart: /);
  });

  it('answers a JSON value', async () => {
    const { status, printed } = await diff('a.iotrace.gz', 'other.iotrace.gz', '-json');
    const { same, parting } = JSON.parse(printed);
    expect([status, same, parting.operations, parting.before.length, parting.a.length]).toEqual([1, false, 12, 5, 3]);
  });

  it('has status 2 where it cannot compare', async () => {
    expect((await diff('a.iotrace.gz', 'absent')).status).toBe(2);
    expect((await backplane('diff', at('a.iotrace.gz'))).status).toBe(2);
    expect((await backplane('diff', '-quiet')).status).toBe(2);
  });
});
