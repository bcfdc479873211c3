import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { backplane } from './fake-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-bad-input-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const recording = new URL('../../examples/recordings/seabios-pc-tcg.iotrace.gz', import.meta.url);

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** One clear message, exit status 1, no stack, nothing on standard output. */
async function refused(...words: string[]): Promise<string> {
  const { status, printed, noted } = await backplane(...words);
  expect(status).toBe(1);
  expect(printed).toBe('');
  expect(noted).toMatch(/^backplane: /);
  expect(noted).not.toMatch(/\n\s+at /);
  expect(noted).not.toContain('unexpected failure');
  return noted;
}

describe('names that do not exist are answered with the nearest one that does', () => {
  it.each([
    [['rpelay'], "unknown command 'rpelay'. Did you mean 'replay'?"],
    [['-devcie', 'help'], "unknown option '-devcie'. Did you mean '-device'?"],
    [['replay', 'linux61-boot-rct'], "Did you mean 'linux61-boot-rtc'?"],
    [['replay', 'seabios-pc-tcg', '--comapre'], "Did you mean '--compare'?"],
    [['info', 'mtre'], "Did you mean 'mtree'?"],
    [['info', 'mtree', '-machine', 'isapv'], "there is no machine 'isapv'. Did you mean 'isapc'?"],
    [['info', 'mtree', '-machine', 'pc,reset-contrl=overlay'], "Did you mean 'reset-control'?"],
    [['-device', 'mc146818rct,help'], "there is no device 'mc146818rct'. Did you mean 'mc146818rtc'?"],
    [
      ['info', 'mtree', '-machine', './workshop.ts'],
      "no machine './workshop.ts'. Load the file, and use the name it has there: -plugin ./workshop.ts -machine NAME.",
    ],
    [['-device', 'latch.js,help'], '-plugin latch.js -device NAME'],
    [['replay', 'seabios-pc-tcg', '-accel', 'kvm-smi'], "there is no accelerator 'kvm-smi'. Did you mean 'kvm-sim'?"],
    [['replay', 'seabios-pc-tcg', '-accel', 'kvm-sim,coalesced-poi=on'], "Did you mean 'coalesced-pio'?"],
  ])('%s', async (words, message) => {
    expect(await refused(...words)).toContain(message);
  });
});

describe('values that cannot be are refused with what can', () => {
  it.each([
    [['info', 'mtree', '-machine', 'pc,reset-control=maybe'], 'behind, overlay'],
    [['info', 'mtree', '-machine', 'isapc,reset-control=overlay'], 'It has none.'],
    [['info', 'mtree', '-m', '64Q'], '-m 64Q: not a size. Write a number of megabytes, or a suffix: 64, 64M, 1G.'],
    [['info', 'mtree', '-m', '0'], '-m 0: not a size.'],
    [['info', 'mtree', '-m', '1000G'], '4 GiB'],
    [['replay', 'seabios-pc-tcg', '-accel', 'kvm-sim,drain=never'], "'every-exit' or 'on-access'"],
    [['replay', 'seabios-pc-tcg', '-accel', 'kvm-sim,drain=on-access'], 'piix3-reset-control'],
    [['replay', 'seabios-pc-tcg', '-rtc', 'base=yesterday'], '-rtc base=yesterday: not a date.'],
    [['info', 'qtree', '-f'], "-f belongs to 'info mtree'"],
    [['info'], 'mtree, qtree, coalesced'],
    [['replay'], 'backplane replay linux61-boot-rtc'],
    [['run'], 'backplane run FILE.ts'],
    [[], 'Usage: backplane COMMAND'],
  ])('%s', async (words, message) => {
    expect(await refused(...words)).toContain(message);
  });
});

describe('files that are not what they should be', () => {
  it('says that a recording is truncated, and after how many accesses', async () => {
    const whole = readFileSync(recording);
    const path = file('truncated.iotrace.gz', whole.subarray(0, whole.length / 2));
    expect(await refused('replay', path)).toMatch(/'truncated'.*too early, after [1-9]\d* accesses/);
  });

  it('says that a recording is corrupt', async () => {
    const bytes = Uint8Array.from(readFileSync(recording));
    bytes.fill(0x55, bytes.length / 2, bytes.length / 2 + 64);
    expect(await refused('replay', file('corrupt.iotrace.gz', bytes))).toMatch(
      /'corrupt'.*(corrupt|too early|line \d+)/,
    );
  });

  it('names the line that is malformed, and what was expected there', async () => {
    const path = file('line.iotrace', '# iotrace v1\n0 PW 70 1 8f\n10 PX 71 1 0\n');
    expect(await refused('replay', path)).toMatch(/'line', line 3: expected/);
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
    expect(await refused('replay', file('impossible.iotrace', text))).toContain("'impossible', line 2: expected");
    expect(await refused('replay', file('impossible.iotrace.gz', gzipSync(text)))).toContain('line 2: expected');
  });

  it('refuses an empty recording, a folder and a file that is not there', async () => {
    expect(await refused('replay', file('empty.iotrace', '# iotrace v1\n'))).toContain(
      "'empty' has a header but no accesses",
    );
    expect(await refused('replay', folder)).toContain('is not a file');
    expect(await refused('replay', join(folder, 'nowhere'))).toContain(
      'Known by name: linux61-boot-rtc, seabios-pc-tcg.',
    );
    expect(await refused('run', join(folder, 'nowhere.ts'))).toContain('there is no such file');
  });

  it('names the place of a syntax error in a guest program', async () => {
    expect(await refused('run', file('broken.ts', 'export default {\n'))).toMatch(
      /cannot compile .*broken\.ts:\d+:\d+/,
    );
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
    const { status, noted } = await backplane('info', 'nothing', '--verbose');
    expect(status).toBe(1);
    expect(noted).toMatch(/^backplane: there is no info about 'nothing'/);
    expect(noted).toMatch(/\n\s+at .*info\.ts/);
  });
});
