import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { empty } from '../../machines/index.ts';
import { BackplaneError } from '../../sdk/base/errors.ts';
import { screenOf } from '../../sdk/cli/options/display.ts';
import { x86Wasm } from '../../sdk/cli/x86-wasm.ts';
import { Machine } from '../../sdk/runtime.ts';
import { goldenMessages } from '../golden-messages.ts';
import { backplane } from './fake-terminal.ts';

const before = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'backplane-messages-'));

/** Paths in the messages are relative to this folder. */
beforeAll(() => {
  process.chdir(folder);
  const device = (name: string) =>
    `import { device, IsaDevice } from 'backplane';\n@device({ type: '${name}', description: 'A' })\nexport class A extends IsaDevice {}\n`;
  const program = (body: string) =>
    `import { guestProgram } from 'backplane/runtime';\nexport default guestProgram('guest', function* (guest) { ${body} });\n`;
  const machine = 'export const machine = { name: "a b", description: "A", devices: [], services: [] };\n';
  const files: Readonly<Record<string, string>> = {
    'broken.ts': 'export const = 1;\n',
    'one.ts': device('same'),
    'two.ts': device('same'),
    'note.txt': 'a note',
    'page.html': 'a page',
    'nothing.ts': 'export const a = 1;\n',
    'throws.ts': "throw new Error('not today');\n",
    'board.ts': machine,
    'cut.json': '{"schema": "backplane-snapshot/2", "machine": {',
    'data.json': '{}',
    'sleep.ts': program('yield* guest.hlt();'),
    'guest.ts': program('yield* guest.out8(0x80, 1);'),
    'large.json': '',
    'empty.bin': '',
    'parted.iotrace': [
      '# iotrace v2',
      '# machine: {"name":"empty","ram":4096,"options":{}}',
      '# run: {"accelerator":{},"processors":1,"guests":["guest"],"start":"0","tapped":false}',
      '0 PR 80 1 0',
      '',
    ].join('\n'),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(name, text);
  truncateSync('large.json', 500 * 2 ** 20);
  mkdirSync('hollow');
  symlinkSync('round', 'round');
});

afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a command line, and throws its failure without the path of the folder. */
const line =
  (...words: string[]) =>
  async () => {
    const { failure } = await backplane(...words);
    if (!(failure instanceof BackplaneError)) throw failure;
    throw new BackplaneError(failure.code, failure.message.replaceAll(`${folder}/`, ''));
  };

const info = (...words: string[]) => line('info', 'qtree', '-machine', 'isapc', ...words);

goldenMessages('cli', {
  'compilation-failed': line('run', 'broken.ts'),
  'duplicate-name': info('-plugin', 'one.ts', '-plugin', 'two.ts'),
  'file-changed': 'another program writes meanwhile: test/cli/migrate-command.test.ts',
  'file-exists': line('run', 'guest.ts', '-save', 'note.txt'),
  'file-not-found': line('run', 'missing.ts'),
  'file-not-readable': line('run', 'round'),
  'file-empty': line('run', '-kernel', 'empty.bin'),
  'file-not-writable': 'the disk is full, or the folder is read-only: test/cli/files.test.ts',
  'file-too-large': line('run', 'guest.ts', '-loadvm', 'large.json'),
  'guest-not-finished': line('run', 'sleep.ts', '-machine', 'isapc'),
  'guest-not-fetched': 'it is about the cache of this user: test/cli/measure.test.ts',
  'invalid-date': line('replay', 'seabios-pc-tcg', '-rtc', 'base=yesterday'),
  'invalid-device-id': info('-device', 'edu,id=9lives'),
  'invalid-file-name': line('run', 'guest.ts', '-save', 'hollow/'),
  'invalid-json-value': info('-device', '{"driver":"mc146818rtc","irq":true}'),
  'invalid-machine-definition': line('-plugin', 'board.ts'),
  'invalid-number': line('advise', 'seabios-pc-tcg', '-top', 'x'),
  'invalid-package': line('-plugin', 'hollow'),
  'invalid-package-specifier': line('new', 'device', 'a', '-backplane', '$(rm)'),
  'invalid-project-name': line('new', 'device', 'My-Uart'),
  'invalid-size': info('-m', '64Q'),
  'malformed-serial': info('-serial', 'fiel:log'),
  'malformed-setting': info('-device', ',irq=8'),
  'misplaced-argument': line('info', 'qtree', '-f'),
  'missing-backend-id': info('-chardev', 'null'),
  'missing-operand': line('check'),
  'missing-optional-package': 'the package is installed; test/package/packed-tarball.test.ts removes it',
  'missing-value': line('run', 'guest.ts', '-machine'),
  'no-screen': () => screenOf(Machine.create(empty)),
  'no-terminal': line('run', '-display', 'curses'),
  'no-kernel-irqchip': line('run', 'guest.ts', '-accel', 'kvm,kernel-irqchip=on'),
  'not-a-file': line('run', 'hollow'),
  'not-a-source-file': line('-plugin', './data.json'),
  'not-on-windows': 'it is about another system',
  'places-left': 'test/cli/migrate.test.ts',
  'not-measurable': line('measure', 'coalescing', '-icount'),
  'plugin-check-failed': line('check', './nothing.ts'),
  'plugin-load-failed': line('-plugin', './throws.ts'),
  'plugin-without-exports': line('-plugin', './nothing.ts'),
  'processor-count': line('run', 'guest.ts', '-smp', '2'),
  'program-load-failed': line('run', 'throws.ts'),
  'program-without-exports': line('run', 'nothing.ts'),
  'replay-parted': line('replay', 'parted.iotrace'),
  'repeated-argument': info('-device', 'edu,addr=5,addr=6'),
  'replacement-missing': 'a plugin changes while it runs, which is a note: test/cli/hot-reload.test.ts',
  'snapshot-damaged': line('run', 'guest.ts', '-loadvm', 'cut.json'),
  'snapshot-too-large': 'it takes 400 MiB of RAM that do not compress',
  'template-incomplete': 'it is a mistake in a template of the package',
  'too-many-operands': line('run', 'guest.ts', 'sleep.ts'),
  'uncaught-failure': 'it ends the process: test/cli/process.test.ts',
  'unexpected-value': line('info', 'qtree', '-json=yes'),
  'unknown-accelerator': line('run', 'guest.ts', '-accel', 'kvm-smi'),
  'unknown-argument': line('run', 'guest.ts', '-machien', 'pc'),
  'unknown-backend-kind': info('-chardev', 'scoket,id=c0'),
  'unknown-clock': line('run', 'guest.ts', '-clock', 'hots'),
  'unknown-command': line('rpelay'),
  'unknown-cpu-mode': line('run', '-device', 'loader,file=guest.ts,addr=0x1000,cpu-num=0', '-cpu-mode', 'rael'),
  'unknown-display': line('run', '-display', 'cusres'),
  'unknown-device': info('-device', 'mc146818rct'),
  'unknown-machine': line('info', 'qtree', '-machine', 'isapv'),
  'unknown-operand': line('info', 'mtre'),
  'unknown-option': line('info', 'qtree', '-machine', 'pc,reset-contrl=overlay'),
  'unknown-recording': line('replay', 'linux61-boot-rct'),
  'unknown-subject': line('measure', 'ports', '-accel', 'kvm'),
  'unprintable-argument': line('run', 'a\x1b[2J.ts'),
  'unsupported-drive': info('-drive', 'file=disk.qcow2,format=qcow2,if=none,id=d0'),
  'x86-missing': () => x86Wasm('v86/build/absent.wasm'),
});
