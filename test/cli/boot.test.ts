import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Registers } from '../../sdk/accelerator/kvm/abi.ts';
import { al, assemble } from '../../sdk/assembler.ts';
import { seaBiosPaths, whyNoSeaBios } from '../machines/boots.ts';
import { needs, whyNoX86 } from '../needs.ts';
import { backplane, expectRefused } from './fake-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-boot-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Writes a byte to the debug console and halts for ever. */
const halting = file(
  'halting.bin',
  assemble({ bits: 16, origin: 0x1000 }, (a) => {
    a.mov(al, 0x21);
    a.out(0xe9, al);
    a.cli();
    a.hlt();
  }).bytes,
);
const program = file('program.ts', 'export default {};');
const tooLarge = file('too-large.bin', new Uint8Array(2 ** 20 + 1));
const text = file('kernel.txt', 'no kernel at all');
const empty = file('empty.bin', '');
const odd = file('odd.rom', new Uint8Array(300_000).fill(0x90));

describe('machine code on the simulated kernel', needs('host', whyNoX86()), () => {
  it('has finished when it halts for ever, and its instructions are counted', async () => {
    const loader = `loader,file=${halting},addr=0x1000,cpu-num=0`;
    const said = await backplane('run', '-device', loader, '-machine', 'isapc', '-device', 'isa-debugcon');
    expect({ status: said.status, noted: said.noted }).toEqual({ status: 0, noted: 'isa-debugcon: !' });
    expect(said.printed).toContain('4 instructions in ');
    expect(said.printed).toMatch(/0xe9:POUT +1 /);
  });

  it('is stopped by its accesses at -limit, where each of its instructions makes a thousand of them', async () => {
    // mov dx, 0x71; again: mov cx, 0xffff; mov di, 0x2000; cld; rep insb; jmp again
    const endless = Uint8Array.of(0xba, 0x71, 0, 0xb9, 0xff, 0xff, 0xbf, 0, 0x20, 0xfc, 0xf3, 0x6c, 0xeb, 0xf5);
    const loader = `loader,file=${file('endless.bin', endless)},addr=0x1000,cpu-num=0`;
    const { status, noted, printed } = await backplane(
      'run',
      '-device',
      loader,
      '-machine',
      'isapc',
      '-limit',
      '20000',
    );
    expect({ status, noted }).toEqual({ status: 0, noted: '' });
    const [, instructions, accesses] = /(\d+) instructions in .* limit: it has made (\d+,\d+) accesses/.exec(printed)!;
    expect(Number(instructions)).toBeLessThan(100);
    expect(Number(accesses?.replace(',', ''))).toBeGreaterThanOrEqual(20_000);
    expect(Number(accesses?.replace(',', ''))).toBeLessThan(22_048);
  });

  it('has not finished where it faults in a fault: status 2, and the place is named', async () => {
    // lidt [0x1800], whose limit is 0; int3
    const faulting = Uint8Array.of(0x0f, 0x01, 0x1d, 0x00, 0x18, 0x00, 0x00, 0xcc);
    const loader = `loader,file=${file('faulting.bin', faulting)},addr=0x1000,cpu-num=0`;
    const said = await backplane('run', '-device', loader, '-cpu-mode', 'protected', '-machine', 'isapc');
    expect({ status: said.status, noted: said.noted }).toEqual({
      status: 2,
      noted: expect.stringMatching(/did not finish: .* 0x8:0x1008, .* shuts down/),
    });
  });

  it('is refused in long mode, which its processor does not have', async () => {
    const loader = `loader,file=${halting},addr=0x1000,cpu-num=0`;
    expectRefused(await backplane('run', '-device', loader, '-cpu-mode', 'long'), 'machine-code-mode', 'long');
  });

  it('boots the firmware of the package, which finds the RAM of the machine', async () => {
    const log = join(folder, 'serial.txt');
    const words = ['run', '-m', '24M', '-limit', '2000000', '-serial', `file:${log}`];
    const { status, noted, printed } = await backplane(...words);
    expect({ status, noted }).toEqual({ status: 0, noted: '' });
    expect(readFileSync(log, 'latin1')).toContain('640 KiB below 1 MiB, 23552 KiB above');
    expect(printed).toMatch(/0x70:POUT[^\n]*0\.66us/);
  });

  it('boots a firmware of the user', async () => {
    const image = assemble({ bits: 16, origin: 0xfff0 }, (a) => {
      a.mov(al, 0x42);
      a.out(0xe9, al);
      a.cli();
      a.hlt();
      a.align(16);
    }).bytes;
    const { status, noted } = await backplane(
      'run',
      '-bios',
      file('tiny.rom', image),
      '-device',
      'isa-debugcon',
      '-serial',
      'none',
    );
    expect({ status, noted }).toEqual({ status: 0, noted: 'isa-debugcon: B' });
  });
});

/** An image of 64 KiB whose processor executes these bytes after the reset vector's far jump to f000:0. */
function image(...begins: number[]): Uint8Array {
  const bytes = new Uint8Array(0x1_0000);
  bytes.set(begins);
  bytes.set([0xea, 0x00, 0x00, 0x00, 0xf0], 0xfff0);
  return bytes;
}

describe('a file that is no firmware', needs('host', whyNoX86()), () => {
  const run = (name: string, bytes: Uint8Array, ...words: string[]) =>
    backplane('run', '-bios', file(name, bytes), '-serial', 'none', ...words);

  it.each([
    ['zeroes.bin', new Uint8Array(0x4_0000), '0x00'],
    ['erased.bin', new Uint8Array(0x4_0000).fill(0xff), '0xff'],
    ['short.bin', Uint8Array.of(0xff), '0xff'],
  ])('%s is refused before it begins', async (name, bytes, byte) => {
    expectRefused(await run(name, bytes), 'bad-firmware', name, `16 bytes, where a processor begins, are all ${byte}`);
  });

  it('ends where it runs into bytes that are no code, with its name, its place, and what to do', async () => {
    // jmp 0:0x500, where RAM is zero
    const said = await run('strayed.bin', image(0xea, 0x00, 0x05, 0x00, 0x00));
    const place = /Guest 'strayed\.bin': the processor x86 at 0x0:0xa[0-9a-f]{4}, instruction [\d,]+: /;
    expect(expectRefused(said, 'code-outside-memory', '-limit N -save FILE', 'info registers -c')).toMatch(place);
    expect(said.noted).not.toContain('have no jump');
  });

  it('is doubted where its last bytes have no jump', async () => {
    const bytes = Uint8Array.from({ length: 0x1000 }, (_, index) => (index * 29) & 0x7f);
    expectRefused(await run('noise.bin', bytes), undefined, "Guest 'noise.bin'", 'noise.bin, where a', 'have no jump');
  });

  it('has not finished where it faults in a fault: status 2, with its name, its place, and what to do', async () => {
    // mov eax, cr0; or al, 1; mov cr0, eax; lidt cs:[0x20], whose limit is 0; int3
    const bytes = image(0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0, 0x2e, 0x0f, 0x01, 0x1e, 0x20, 0x00, 0xcc);
    for (const words of [[], ['--json']]) {
      const { status, noted } = await run('faulting.bin', bytes, ...words);
      expect({ status, noted }).toEqual({
        status: 2,
        noted: expect.stringMatching(
          /Guest 'faulting\.bin': the processor x86 at 0xf000:0xf, instruction 5 shuts down: .*-limit N/,
        ),
      });
    }
  });
});

describe('a snapshot of machine code', needs('host', whyNoX86()), () => {
  const save = async (to: string, ...words: string[]) => {
    const path = join(folder, to);
    expect(await backplane('run', ...words, '-save', path)).toMatchObject({ status: 0, noted: '' });
    const { processors } = JSON.parse(readFileSync(path, 'utf8')).accelerator;
    return { path, rip: processors[0].registers.slice(2 * Registers.rip, 2 * Registers.rip + 4) };
  };
  const rom = file('tiny.bin', image(0xeb, 0xfe));
  const loader = ['-device', `loader,file=${halting},addr=0x1000,cpu-num=0`];
  const short = ['-limit', '3', '-serial', 'none'];

  it('is shown by info without what it was saved with: its devices, its screen, and its processor', async () => {
    for (const [name, ...words] of [
      ['own.json', '-limit', '200000', '-serial', 'none'],
      ['isa.json', '-machine', 'isapc', '-limit', '9', '-serial', 'none'],
      ['bios.json', '-bios', rom, ...short],
      ['loader.json', ...loader, ...short.slice(0, 2)],
    ] as const) {
      const { path, rip } = await save(name, ...words);
      const machine = words.includes('isapc') ? ['-machine', 'isapc'] : [];
      const info = (...topic: string[]) => backplane('info', ...topic, ...machine, '-loadvm', path);
      const [, eip = ''] = /EIP=([0-9a-f]{8})/.exec((await info('registers', '-c')).printed) ?? [];
      expect([eip.slice(6), eip.slice(4, 6)].join(''), name).toBe(rip);
      expect(await info('screen')).toMatchObject({ status: 0, noted: '' });
      expect((await info('qtree')).printed).toContain('dev: mc146818rtc');
    }
    const { printed } = await backplane('info', 'mtree', '-f', '-loadvm', join(folder, 'bios.json'), '--json');
    expect(JSON.parse(printed).join()).toContain('pc.bios');
  });

  it('shows no processor of a machine that has executed no code, and takes -c for registers only', async () => {
    expect((await backplane('info', 'registers', '-c')).printed).toBe('no processor executes machine code');
    expectRefused(await backplane('info', 'qtree', '-c'), 'misplaced-argument', "'info registers'");
  });

  it('goes on with what it was saved with only, which a refusal names, and says how to write', async () => {
    const [own, bios, binary] = [
      await save('own.json', ...short),
      await save('bios.json', '-bios', rom, ...short),
      await save('loader.json', ...loader, ...short.slice(0, 2)),
    ].map(({ path }) => path) as [string, string, string];
    for (const [path, ...words] of [
      [own, ...short],
      [bios, '-bios', rom, ...short],
      [binary, ...loader],
    ] as const)
      expect(await backplane('run', ...words, '-loadvm', path)).toMatchObject({ status: 0, noted: '' });
    const other = file('other.bin', image(0x90, 0xeb, 0xfd));
    mkdirSync(join(folder, 'elsewhere'));
    const namesake = file('elsewhere/tiny.bin', image(0x90, 0xeb, 0xfd));
    const isFirmware = "with the firmware 'tiny.bin' of 65,536 bytes";
    for (const [path, words, ...named] of [
      [bios, short, isFirmware, "this run has 'backplane firmware'", 'Write: -bios tiny.bin'],
      [bios, ['-bios', other], isFirmware, "'other.bin'", 'Write: -bios tiny.bin'],
      [bios, ['-bios', namesake], isFirmware, "another 'tiny.bin'", 'Write: -bios tiny.bin'],
      [bios, ['examples/read-clock.ts'], isFirmware, 'the program', 'Write: -bios tiny.bin'],
      [own, ['-bios', rom], 'with the firmware of the package', "'tiny.bin'", 'leave -bios, -kernel'],
      [binary, short, "with the machine code 'halting.bin' of 6 bytes", '-device loader,file=halting.bin'],
      [binary, [...loader, '-cpu-mode', 'protected'], "another 'halting.bin'", '-kernel halting.bin'],
    ] as const)
      expectRefused(await backplane('run', ...words, '-loadvm', path), 'state-mismatch', `-loadvm '${path}'`, ...named);
  });

  it('of a program is not gone on with by what boots', async () => {
    const path = join(folder, 'program.json');
    const run = (...words: string[]) => backplane('run', ...words, '-machine', 'isapc');
    expect(await run('examples/read-clock.ts', '-limit', '3', '-save', path)).toMatchObject({ status: 0 });
    expectRefused(await run('-loadvm', path), 'state-mismatch', 'the guest program', 'run FILE.ts -loadvm FILE');
  });
});

describe('SeaBIOS by -bios', needs('host', whyNoX86() ?? whyNoSeaBios()), () => {
  const { firmware, vgaBios } = seaBiosPaths();
  const words = ['-device', 'isa-debugcon,iobase=0x402', '-limit', '2000000', '-serial', 'none'];

  it('has the VGA BIOS that is beside it', async () => {
    const { status, noted } = await backplane('run', '-bios', firmware, ...words);
    expect({ status, warnings: noted.match(/^warning/gm) }).toEqual({ status: 0, warnings: null });
    expect(noted).toContain('Start SeaVGABIOS');
    expect(noted).toContain('set VGA mode 3');
  });

  it('has none where none is beside it, and the one that the command line names', async () => {
    const alone = file('alone.bin', readFileSync(firmware));
    const without = await backplane('run', '-bios', alone, ...words);
    expect(without.noted).toContain('Scan for VGA option rom');
    expect(without.noted).not.toContain('SeaVGABIOS');
    const drive = `if=none,id=vgabios,file=${vgaBios},readonly=on`;
    expect((await backplane('run', '-bios', alone, '-drive', drive, ...words)).noted).toContain('Start SeaVGABIOS');
    const empty = `if=none,id=vgabios,file=${file('empty.rom', new Uint8Array(512))},readonly=on`;
    expect((await backplane('run', '-bios', firmware, '-drive', empty, ...words)).noted).not.toContain('SeaVGABIOS');
  });

  it('is loaded again with the same -bios only, which a refusal says', async () => {
    const saved = join(folder, 'seabios.json');
    const short = ['-limit', '1000', '-serial', 'none'];
    expect(await backplane('run', '-bios', firmware, ...short, '-save', saved)).toMatchObject({ status: 0 });
    const without = await backplane('run', ...short, '-loadvm', saved);
    expectRefused(without, 'state-mismatch', "the firmware 'bios-256k.bin' of 262,144 bytes", '-bios bios-256k.bin');
    const alone = file('bios-256k.bin', readFileSync(firmware));
    const blind = await backplane('run', '-bios', alone, ...short, '-loadvm', saved);
    expectRefused(blind, 'state-mismatch', 'vga.rom', 'the files beside -bios');
    expect(await backplane('run', '-bios', firmware, ...short, '-loadvm', saved)).toMatchObject({ status: 0 });
    expect(await backplane('info', 'screen', '-loadvm', saved)).toMatchObject({ status: 0, noted: '' });
  });

  it.each(['isapc', 'pc,chips=basic'])('has none that no card of %s asks for', async (machine) => {
    const { noted } = await backplane('run', '-bios', firmware, '-machine', machine, ...words.slice(2));
    expect(noted).not.toContain('vgabios');
  });
});

describe('what boots', () => {
  it.each<[string[], string, ...string[]]>([
    [['-bios', 'absent.bin'], 'file-not-found', '-bios absent.bin'],
    [['-bios', tooLarge], 'file-too-large', 'too-large.bin'],
    [['-bios', halting, '-kernel', halting], 'misplaced-argument', '-bios and -kernel'],
    [['-bios', halting, program], 'misplaced-argument', 'program.ts'],
    [['-bios', odd], 'bad-firmware', `-bios ${odd}: Machine 'pc-i440fx': its firmware has 300000 bytes`],
    [['-bios', empty], 'file-empty', `-bios ${empty}`],
    [['-kernel', text], 'boot-format', '-kernel kernel.txt: it is no Linux'],
    [['-kernel', empty], 'file-empty', `-kernel ${empty}`],
    [['-kernel', text, '-initrd', empty], 'file-empty', `-initrd ${empty}`],
    [['-append', 'quiet'], 'misplaced-argument', '-append', '-kernel FILE'],
    [['-initrd', halting], 'misplaced-argument', '-initrd', '-kernel FILE'],
    [['-bios', halting, '-device', `loader,file=${halting},addr=0,cpu-num=0`], 'misplaced-argument', '-device loader'],
    [['-bios', halting, '-trace'], 'misplaced-argument', '-trace', '-record'],
    [['-bios', halting, '-machine', 'board'], 'no-rom', `-bios ${halting}: Machine 'board'`],
    [
      ['-machine', 'board'],
      'no-rom',
      "run: there is no program, so that the machine boots its firmware. Machine 'board'",
    ],
    [['-m', '2G'], 'machine-code-ram', '-m 2047'],
    [['-m', '4G'], 'machine-code-ram', '-m 2047'],
  ])('is refused: %j', async (words, code, ...named) => {
    expectRefused(await backplane('run', ...words), code, ...named);
  });
});
