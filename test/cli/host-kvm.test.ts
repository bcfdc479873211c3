import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { afterAll, describe, expect, it } from 'vitest';
import { parseArguments } from '../../sdk/cli/command.ts';
import { flatBinaries, takeLoaders } from '../../sdk/cli/options/loader.ts';
import { whyNoKoffi } from '../needs.ts';
import { backplane, expectRefused } from './fake-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-host-kvm-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** `hlt`. */
const binary = file('halt.bin', new Uint8Array([0xf4]));
const program = file(
  'prober.ts',
  "import { guestProgram } from 'backplane/runtime';\nexport default guestProgram('prober', function* (guest) { yield* guest.out8(0x70, 1); });\n",
);
const loader = `loader,file=${binary},addr=0x1000,cpu-num=0`;

/** Tests run in worker threads or processes: the host's kernel is driven from a main thread only. */
const canUseKvm = isMainThread && whyNoKoffi() === undefined && canOpen('/dev/kvm');

function canOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

describe('-accel kvm', () => {
  it('is listed with its options, and with none of what is modelled', async () => {
    const { printed } = await backplane('-accel', 'help');
    const [, host = ''] = printed.split(/^ *kvm +/m);
    expect(host).toContain('/dev/kvm of this host');
    expect(host).toContain('coalesced-pio=<on|off>');
    expect(host).not.toMatch(/exit-cost|processor=|ring=/);
    expect(printed).toMatch(/processor=<intel\|amd>[\s\S]*ring=<6.12\|before-6.12>/);
  });

  it.each<[string[], string, ...string[]]>([
    [['run', program, '-accel', 'kvm'], 'guest-not-machine-code', "'prober'", 'TypeScript', '-accel kvm-sim'],
    [['run', program, '-accel', 'kvm,kernel-irqchip=on'], 'no-kernel-irqchip', 'kernel-irqchip=on'],
    [['run', program, '-accel', 'kvm,kernel-irqchip=split'], 'no-kernel-irqchip', 'kernel-irqchip=split'],
    [['run', program, '-accel', 'kvm,kernel-irqchip=off'], 'guest-not-machine-code', "'prober'"],
    [['replay', 'seabios-pc-tcg', '-accel', 'kvm,ring=6.12'], 'unknown-accelerator-option', "'kvm'", "'ring'"],
    [['run', program, '-accel', 'kvm,kernel-exit-cost=1'], 'unknown-accelerator-option', "'kernel-exit-cost'"],
    [['run', '-accel', 'kvm', '-device', loader, '-save', 'x.json'], 'misplaced-argument', '-save', 'kvm-sim'],
    [['run', '-accel', 'kvm', '-device', loader, '-trace'], 'misplaced-argument', '-trace'],
  ])('refuses %j', async (words, code, ...named) => {
    expectRefused(await backplane(...words), code, ...named);
  });

  it('runs machine code to its HLT, or says what is wrong with /dev/kvm', async () => {
    const said = await backplane('run', '-accel', 'kvm', '-machine', 'isapc', '-device', loader);
    if (canUseKvm) {
      expect(said).toMatchObject({ status: 0, code: undefined });
      expect(said.printed).toMatch(/^ *VM exits +not known$/m);
      return;
    }
    expect(['no-kvm', 'kvm-forbidden', 'koffi-missing', 'kvm-needs-linux', 'kvm-needs-main-thread']).toContain(
      said.code,
    );
    expectRefused(said, said.code, '-accel kvm');
  });
});

describe('-device loader', () => {
  it.each<[string[], string, ...string[]]>([
    [['run', '-device', loader, '-cpu-mode', 'long'], 'machine-code-mode', "'halt.bin'", 'simulated'],
    [['run', program, '-device', loader], 'misplaced-argument', 'prober.ts'],
    [['run', program, '-cpu-mode', 'real'], 'misplaced-argument', '-cpu-mode', 'loader'],
    [['run', '-device', loader, '-cpu-mode', 'rael'], 'unknown-cpu-mode', "'real'"],
    [['run', '-device', 'loader,addr=1,cpu-num=0'], 'malformed-setting', 'file=FILE.bin'],
    [['run', '-device', `loader,file=${binary},cpu-num=0`], 'malformed-setting', 'addr=0x1000'],
    [['run', '-device', `loader,file=${binary},addr=x,cpu-num=0`], 'malformed-setting', 'addr=0x1000'],
    [['run', '-device', `loader,file=${binary},addr=0x1000`], 'malformed-setting', 'cpu-num=0'],
    [['run', '-device', `loader,file=${binary},addr=0x1000,cpu-num=1`], 'malformed-setting', 'cpu-num=0'],
    [['run', '-device', `loader,file=${binary},addr=0x1000,cpu-nmu=1`], 'malformed-setting', "'cpu-num'"],
    [['run', '-device', 'loader,file=absent.bin,addr=0,cpu-num=0'], 'file-not-found', "'absent.bin'"],
    [['run', '-device', `loader,file=${folder},addr=0,cpu-num=0`], 'not-a-file', folder],
    [['run', '-device', `loader,file=${binary},addr=0x100000,cpu-num=0`], 'invalid-flat-binary', '0x100000', 'real'],
  ])('refuses %j', async (words, code, ...named) => {
    expectRefused(await backplane(...words), code, ...named);
  });

  it('leaves the other devices to the machine, in both forms', () => {
    const json = '{"driver":"loader","file":"b.bin","addr":4096,"cpu-num":1}';
    const words = ['-device', 'edu', '-device', 'loader,file=a.bin,addr=0x1000,cpu-num=0', '-device', json];
    const { rest, loaders } = takeLoaders(parseArguments(words, { device: 'DEVICE' }));
    expect(rest.all('device')).toEqual(['edu']);
    expect(loaders.map(({ file: name, address, processor }) => [name, address, processor])).toEqual([
      ['a.bin', 0x1000, 0],
      ['b.bin', 0x1000, 1],
    ]);
  });
});

describe('the file of a loader', () => {
  const loaderOf = (path: string) => takeLoaders(parsed(`loader,file=${path},addr=0x1000,cpu-num=0`)).loaders;
  const parsed = (device: string) => parseArguments(['-device', device], { device: 'DEVICE' });
  const bytesOf = async (path: string) => (await flatBinaries(parsed('any'), loaderOf(path)))[0]!.bytes;

  it('is read as it is', async () => {
    expect(await bytesOf(binary)).toEqual(Uint8Array.of(0xf4));
  });

  it('that has no length, as in /proc, is not read: it might never end', async () => {
    const code = process.platform === 'linux' ? 'invalid-flat-binary' : 'file-not-found';
    await expect(bytesOf('/proc/self/pagemap')).rejects.toMatchObject({ code });
  });
});
