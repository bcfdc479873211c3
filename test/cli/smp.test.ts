import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { needs, whyNoX86 } from '../needs.ts';
import { backplane, expectRefused } from './fake-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-smp-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const programs = (value: string) =>
  `import { guestProgram } from 'backplane/runtime';
   const busy = (port) => guestProgram(function* (guest) { yield* guest.out8(port, 1); });
   export default ${value};`;
const one = file('one.ts', programs('busy(0x80)'));
const two = file('two.ts', programs('[busy(0x80), busy(0x81)]'));
/** cli; hlt */
const halting = file('halting.bin', Uint8Array.of(0xfa, 0xf4));
const loaders = [0, 1].flatMap((cpu) => ['-device', `loader,file=${halting},addr=0x${cpu + 1}000,cpu-num=${cpu}`]);

describe('-smp of guest programs', () => {
  it.each([
    [one, '1'],
    [one, 'cpus=1'],
    [one, '1,maxcpus=1,sockets=1,dies=1,cores=1,threads=1'],
    [two, '2'],
    [two, 'cpus=2,maxcpus=2,threads=1'],
  ])('%s runs with -smp %s, which is the number of its programs', async (program, smp) => {
    const { status, noted, printed } = await backplane('run', program, '-machine', 'isapc', '-smp', smp);
    expect({ status, noted }).toEqual({ status: 0, noted: '' });
    expect(printed).toContain(program === two ? '0x81:POUT' : '0x80:POUT');
  });

  it.each<[string, string, string, ...string[]]>([
    [one, '2', 'processor-count', '-smp 2', "one.ts' exports 1 program", 'an array of 2'],
    [two, '1', 'processor-count', '-smp 1', "two.ts' exports 2 programs", '-smp 2'],
    [one, '99999', 'processor-count', '-smp 99999'],
    [two, '2,cores=2', 'processor-count', '-smp 2,cores=2', "'cores=2'", 'Write -smp 2.'],
    [two, 'cpus=2,cores=2', 'processor-count', "'cores=2'", 'Write -smp 2.'],
    [two, 'sockets=1,cores=2', 'processor-count', "'cores=2'", 'Write -smp 2.'],
    [one, '1,maxcpus=2', 'processor-count', "'maxcpus=2'", 'Write -smp 1.'],
    [one, 'threads=1', 'invalid-number', '-smp threads=1', '-smp 2'],
    [one, '2,cores=two', 'invalid-number', '-smp 2,cores=two', "'two'"],
    [one, '2,core=2', 'unknown-option', "'core'", "'cores'"],
    [one, '2,cpus=2', 'repeated-argument', "'cpus'"],
    [one, '2,cores', 'malformed-setting', "'cores'"],
    ...['0', '-1', '1.5', '0x2', 'two', '', 'help', '1e1', 'cpus=', '99999999999999999999'].map(
      (smp): [string, string, string, string] => [one, smp, 'invalid-number', `-smp ${smp}`],
    ),
  ])('%s is refused with -smp %s: %s', async (program, smp, code, ...named) => {
    expectRefused(await backplane('run', program, '-machine', 'isapc', '-smp', smp), code, ...named);
  });

  it('is refused twice, and without a value; a slip of the finger is answered with it', async () => {
    const run = (...words: string[]) => backplane('run', one, ...words);
    expectRefused(await run('-smp', '1', '-smp', '1'), 'repeated-argument', '-smp');
    expectRefused(await run('-smp'), 'missing-value', '-smp N');
    expectRefused(await run('-spm', '2'), 'unknown-argument', "'-smp'");
  });
});

describe('-smp of machine code', () => {
  it('may be 1', needs('host', whyNoX86()), async () => {
    for (const words of [['-limit', '1000', '-serial', 'none'], loaders.slice(0, 2)])
      expect(await backplane('run', '-smp', '1', ...words)).toMatchObject({ status: 0, noted: '' });
  });

  it.each(['kvm-sim', 'kvm'])('is refused with more for what boots, before it begins: %s', async (accelerator) => {
    for (const words of [[], ['-bios', halting], ['-kernel', halting]])
      expectRefused(
        await backplane('run', '-accel', accelerator, '-smp', '2', ...words),
        'machine-code-processors',
        '-smp 2',
        'no APIC',
        '-smp 1',
      );
  });

  it('is refused with more for a binary of kvm-sim, and counts the loaders of kvm', async () => {
    const run = (accelerator: string, smp: string, devices: readonly string[]) =>
      backplane('run', '-accel', accelerator, '-smp', smp, ...devices);
    for (const devices of [loaders, loaders.slice(0, 2)])
      expectRefused(await run('kvm-sim', '2', devices), 'machine-code-processors', '-smp 2', '-smp 1');
    expectRefused(await run('kvm', '2', loaders.slice(0, 2)), 'processor-count', 'given once', 'cpu-num=1');
    expectRefused(await run('kvm', '1', loaders), 'processor-count', 'given 2 times', '-smp 2');
  });
});
