import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
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
  it('is refused by info and by a program, and the way to look into it is named', async () => {
    const saved = join(folder, 'code.json');
    expect(await backplane('run', '-limit', '1000', '-serial', 'none', '-save', saved)).toMatchObject({ status: 0 });
    for (const words of [
      ['info', 'screen'],
      ['run', 'examples/read-clock.ts', '-machine', 'pc,chips=all'],
    ])
      expectRefused(await backplane(...words, '-loadvm', saved), 'state-mismatch', 'in machine code', 'Ctrl-A c');
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
    expectRefused(without, 'state-mismatch', 'vga.rom', 'Give -bios, -kernel and -drive as they were');
    expect(await backplane('run', '-bios', firmware, ...short, '-loadvm', saved)).toMatchObject({ status: 0 });
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
