import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import type { WiringError } from '../../sdk/machine/wiring.ts';
import { backplane, expectRefused } from './fake-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-bad-input-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const recording = new URL('../../examples/recordings/seabios-pc-tcg.iotrace.gz', import.meta.url);

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('names that do not exist are answered with the nearest one that does', () => {
  it.each<[string[], string, ...string[]]>([
    [['rpelay'], 'unknown-command', "'rpelay'", "'replay'"],
    [['-devcie', 'help'], 'unknown-argument', "'-devcie'", "'-device'"],
    [['replay', 'linux61-boot-rct'], 'unknown-recording', "'linux61-boot-rtc'"],
    [['replay', 'seabios-pc-tcg', '--comapre'], 'unknown-argument', "'--compare'"],
    [['info', 'mtre'], 'unknown-operand', "'mtree'"],
    [['info', 'mtree', '-machine', 'isapv'], 'unknown-machine', "'isapv'", "'isapc'"],
    [['info', 'mtree', '-machine', 'pc,reset-contrl=overlay'], 'unknown-option', "'reset-control'"],
    [['-device', 'mc146818rct,help'], 'unknown-device', "'mc146818rct'", "'mc146818rtc'"],
    [['info', 'mtree', '-machine', './workshop.ts'], 'unknown-machine', '-plugin ./workshop.ts -machine NAME'],
    [['-device', 'latch.js,help'], 'unknown-device', '-plugin latch.js -device NAME'],
    [['replay', 'seabios-pc-tcg', '-accel', 'kvm-smi'], 'unknown-accelerator', "'kvm-smi'", "'kvm-sim'"],
    [
      ['replay', 'seabios-pc-tcg', '-accel', 'kvm-sim,coalesced-poi=on'],
      'unknown-accelerator-option',
      "'coalesced-pio'",
    ],
  ])('%s', async (words, code, ...named) => {
    expectRefused(await backplane(...words), code, ...named);
  });
});

describe('values that cannot be are refused with what can', () => {
  it.each<[string[], string | undefined, ...string[]]>([
    [['info', 'mtree', '-machine', 'pc,reset-control=maybe'], undefined, "'reset-control'", 'behind, overlay'],
    [['info', 'mtree', '-machine', 'pc,reset_control=maybe'], undefined, "'reset-control'", 'behind, overlay'],
    [['info', 'mtree', '-machine', 'isapc,reset-control=overlay'], 'unknown-option', "'reset-control'"],
    [['info', 'mtree', '-m', '64Q'], 'invalid-size', '-m 64Q', '64, 64M, 1G'],
    [['info', 'mtree', '-m', '0'], 'invalid-size', '-m 0'],
    [['info', 'mtree', '-m', '1000G'], undefined, '4 GiB'],
    [['replay', 'seabios-pc-tcg', '-accel', 'kvm-sim,drain=never'], undefined, "'every-exit'", "'on-access'"],
    [['replay', 'seabios-pc-tcg', '-accel', 'kvm-sim,drain=on-access'], undefined, 'piix3-reset-control'],
    [['replay', 'seabios-pc-tcg', '-rtc', 'base=yesterday'], 'invalid-date', '-rtc base=yesterday'],
    [['info', 'qtree', '-f'], 'misplaced-argument', '-f', "'info mtree'"],
    [['info'], 'missing-operand', 'mtree, qtree, chardev, block, registers, screen, coalesced'],
    [['replay'], 'missing-operand', 'backplane replay linux61-boot-rtc'],
    [['check'], 'missing-operand', 'check FILE.ts'],
    [[], 'missing-operand', 'Usage: backplane COMMAND'],
  ])('%s', async (words, code, ...named) => {
    expectRefused(await backplane(...words), code, ...named);
  });
});

describe('files that are not what they should be', () => {
  it('says that a recording is truncated, and after how many accesses', async () => {
    const whole = readFileSync(recording);
    const path = file('truncated.iotrace.gz', whole.subarray(0, whole.length / 2));
    expect(expectRefused(await backplane('replay', path), undefined, "'truncated'")).toMatch(/[1-9]\d* accesses/);
  });

  it('says that a recording is corrupt', async () => {
    const bytes = Uint8Array.from(readFileSync(recording));
    bytes.fill(0x55, bytes.length / 2, bytes.length / 2 + 64);
    expectRefused(await backplane('replay', file('corrupt.iotrace.gz', bytes)), undefined, "'corrupt'");
  });

  it('names the line that is malformed, and what was expected there', async () => {
    const path = file('line.iotrace', '# iotrace v1\n0 PW 70 1 8f\n10 PX 71 1 0\n');
    expectRefused(await backplane('replay', path), undefined, "'line', line 3");
  });

  it.each([
    '0 PW 70 3 0',
    '0 PW 70 16 0',
    '0 PW 12345 1 0',
    '0 PW 70 1 100',
    '0 MW ffffffffffffffff 4 0',
    '-1 PW 70 1 0',
  ])('refuses the impossible access %s, gzip or not', async (line) => {
    const text = `# iotrace v1\n${line}\n`;
    const [plain, packed] = [file('impossible.iotrace', text), file('impossible.iotrace.gz', gzipSync(text))];
    for (const path of [plain, packed]) {
      expectRefused(await backplane('replay', path), undefined, "'impossible', line 2");
    }
  });

  it('refuses an empty recording, a folder and a file that is not there', async () => {
    expectRefused(await backplane('replay', file('empty.iotrace', '# iotrace v1\n')), undefined, "'empty'");
    expectRefused(await backplane('replay', folder), 'not-a-file', folder);
    const missing = join(folder, 'nowhere');
    expectRefused(await backplane('replay', missing), 'unknown-recording', 'linux61-boot-rtc, seabios-pc-tcg');
    expectRefused(await backplane('run', `${missing}.ts`), 'file-not-found', `'${missing}.ts'`);
  });

  it('names the place of a syntax error in a guest program', async () => {
    const said = expectRefused(await backplane('run', file('broken.ts', 'export default {\n')), 'compilation-failed');
    expect(said).toMatch(/broken\.ts:\d+:\d+/);
  });
});

describe('what a command says of its own failures', () => {
  it('and of the guest: which device it offended, and how', async () => {
    const path = join(folder, 'clumsy.ts');
    writeFileSync(
      path,
      "import { guestProgram } from 'backplane/runtime';\nexport default guestProgram(function* (guest) {\n" +
        '  yield* guest.out8(0x70, 0x0d);\n  yield* guest.out8(0x71, 1);\n});\n',
    );
    const { status, noted } = await backplane('run', path, '-machine', 'isapc');
    expect(status).toBe(0);
    expect(noted).toMatch(/^guest error: rtc: .*'statusD'/);
  });

  it('shows where it happened only when asked', async () => {
    const { status, noted, code } = await backplane('info', 'nothing', '--verbose');
    expect({ status, code }).toEqual({ status: 1, code: 'unknown-operand' });
    expect(noted).toMatch(/^backplane: .*'nothing'.*\n {2}code: unknown-operand\n/);
    expect(noted).toMatch(/\n\s+at .*info\.ts/);
  });

  const threeMistakes = [
    'info',
    'mtree',
    '-machine',
    'isapc',
    '-device',
    'mc146818rtc,id=a',
    '-device',
    'mc146818rtc,id=b',
  ];

  it('with the code of each mistake in a list of them', async () => {
    const { noted } = await backplane(...threeMistakes, '-verbose');
    expect(noted).toMatch(/\n {2}code: wiring-mistakes\n {2}codes of the list: (region-overlap, ){2}region-overlap\n/);
    expect((await backplane(...threeMistakes)).noted).not.toContain('code');
  });

  it('prints the failure as JSON with -json, in place of the result, with the same status', async () => {
    const { status, noted, printed } = await backplane('info', 'nothing', '-json');
    expect(status).toBe(1);
    expect(JSON.parse(printed)).toEqual({
      error: { code: 'unknown-operand', message: noted.replace('backplane: ', '') },
    });
    const listed = await backplane(...threeMistakes, '-json');
    const { error } = JSON.parse(listed.printed) as {
      error: { code: string; problems: { code: string; message: string }[] };
    };
    expect(error.code).toBe('wiring-mistakes');
    expect(error.problems.map(({ code }) => code)).toEqual(
      (listed.failure as WiringError).problems.map((one) => one.code),
    );
    for (const { message } of error.problems) expect(listed.noted).toContain(message);
  });
});
