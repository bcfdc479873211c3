import fs, {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { checkOutput, explainFileFailure, type OutputKind, writeOutput } from '../../sdk/cli/files.ts';
import { expectRefusal } from '../refusal.ts';
import { backplane, expectRefused } from './fake-terminal.ts';

const failure = (code: string, syscall: string) =>
  Object.assign(new Error(`${code}: no, ${syscall}`), { code, syscall });

/** Runs something on a file system where one call does something else: modules share it, so it is put back. */
async function whereFs<K extends 'writeFileSync' | 'mkdtempSync'>(
  call: K,
  other: (real: (typeof fs)[K]) => (...args: never[]) => unknown,
  body: () => Promise<void>,
): Promise<void> {
  const real = fs[call];
  Object.assign(fs, { [call]: other(real) });
  syncBuiltinESMExports();
  try {
    await body();
  } finally {
    Object.assign(fs, { [call]: real });
    syncBuiltinESMExports();
  }
}

/** The disk takes so many letters more. */
const onFullDisk = (room: number, body: () => Promise<void>) =>
  whereFs(
    'writeFileSync',
    (real) => (target: number, text: string) => {
      real(target, text.slice(0, room));
      if (text.length > room) throw failure('ENOSPC', 'write');
    },
    body,
  );

const folder = mkdtempSync(join(tmpdir(), 'backplane-files-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** One line, exit status 1, nothing printed. */
async function refused(...words: string[]): Promise<string> {
  const noted = expectRefused(await backplane(...words), undefined);
  expect(noted).not.toContain('\n');
  return noted;
}

const recording = file('short.iotrace', '# iotrace v1\n0 PW 70 1 8f\n1000 PR 71 1 0\n');
const report = (path: string) => ['replay', recording, '-machine', 'isapc', '-compare', '-report', path];

describe('backplane replay -report', () => {
  it('writes over a page of its own, and follows a name that leads to one', async () => {
    const page = join(folder, 'page.html');
    const link = join(folder, 'link.html');
    symlinkSync(page, link);
    for (const path of [page, page, link]) expect((await backplane(...report(path))).status).toBe(0);
    expect(readFileSync(page, 'utf8')).toMatch(
      /^<!doctype html>\n.*\n.*\n<meta name="generator" content="backplane replay">/,
    );
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it.each<[string, () => string, string]>([
    ['its own recording', () => recording, 'file-exists'],
    ['a source file', () => file('chip.ts', 'export const a = 1;\n'), 'file-exists'],
    ['the page of another program', () => file('index.html', '<!doctype html>\n<html lang="en">\n'), 'file-exists'],
    ['a folder', () => folder, 'not-a-file'],
    ['no folder', () => join(folder, 'none', 'page.html'), 'file-not-found'],
    ['a device', () => '/dev/null', 'not-a-file'],
  ])('refuses before anything is replayed to write over %s', async (_, target, expected) => {
    const path = target();
    const before = path.startsWith(folder) && path.endsWith('ts') ? readFileSync(path, 'utf8') : '';
    const said = await backplane(...report(path));
    expect(said.progress).toEqual([]);
    expectRefused(said, expected, `-report '${path}': `);
    if (before !== '') expect(readFileSync(path, 'utf8')).toBe(before);
  });

  it('leaves the page that was there, and no half of a new one, where the disk is full', async () => {
    const page = join(folder, 'kept.html');
    await backplane(...report(page));
    const before = readFileSync(page, 'utf8');
    await onFullDisk(1000, async () => {
      expectRefused(await backplane(...report(page)), 'file-not-writable', `-report '${page}'`, 'the disk is full');
    });
    expect(readFileSync(page, 'utf8')).toBe(before);
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([]);
  });
});

describe('every file that a command writes', () => {
  const kind: OutputKind = {
    option: '-save',
    what: 'note',
    example: 'note.txt',
    isOne: (text) => text.startsWith('note'),
  };

  it('is written over an empty file or one of its kind, and over nothing else', () => {
    for (const start of ['', 'note 1']) {
      const path = file('note.txt', start);
      writeOutput(kind, path, 'note 2');
      expect(readFileSync(path, 'utf8')).toBe('note 2');
    }
    const other = file('other.txt', 'a note');
    expectRefusal(() => writeOutput(kind, other, 'note 2'), 'file-exists', other);
  });

  it('keeps the permissions of the file that it takes the place of', () => {
    const path = file('private.txt', 'note 1');
    chmodSync(path, 0o600);
    writeOutput(kind, path, 'note 2');
    expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777]).toEqual(['note 2', 0o600]);
  });

  it('is not written over a link that leads to no file', () => {
    const path = join(folder, 'dangling');
    symlinkSync('not-there', path);
    expectRefusal(() => checkOutput(kind, path), 'file-not-found', path);
    expectRefusal(() => writeOutput(kind, path, 'note'), 'file-not-found', path);
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
  });

  it('is refused with a sentence at names that no file can have', () => {
    symlinkSync('round', join(folder, 'round'));
    for (const path of [join(folder, 'round'), join(folder, 'round', 'x'), join(folder, 'x'.repeat(300))]) {
      expectRefusal(() => checkOutput(kind, path), 'file-not-readable', path);
    }
    expectRefusal(() => checkOutput(kind, join(recording, 'x')), 'file-not-found', recording);
    const longest = join(folder, 'x'.repeat(255));
    writeOutput(kind, longest, 'note');
    expect(readFileSync(longest, 'utf8')).toBe('note');
  });
});

describe('files that cannot be are refused with a sentence', () => {
  symlinkSync('itself', join(folder, 'itself'));
  const ways = { circle: join(folder, 'itself'), long: join(folder, 'x'.repeat(5000)), through: join(recording, 'x') };
  const reasons = { circle: 'its symbolic links lead in a circle', long: 'the name is too long' };
  const commands: [string, (path: string) => string[]][] = [
    ['replay', (path) => ['replay', path]],
    ['advise', (path) => ['advise', path]],
    ['run', (path) => ['run', path]],
    ['-plugin', (path) => ['info', 'mtree', '-plugin', path]],
    ['-loadvm', (path) => ['info', 'mtree', '-loadvm', path]],
    [
      '-save',
      (path) => [
        'run',
        file(
          'empty.ts',
          "import { guestProgram } from 'backplane/runtime';\nexport default guestProgram('e', function* () {});\n",
        ),
        '-save',
        path,
      ],
    ],
    ['-report', report],
    ['-backplane', (path) => ['new', 'device', 'a', '-backplane', path]],
  ];

  it.each(commands)('%s', async (_, words) => {
    for (const [way, path] of Object.entries(ways)) {
      const noted = await refused(...words(path));
      if (way !== 'through') expect(noted).toContain(reasons[way as 'circle' | 'long']);
    }
  });

  it('a new project in a folder that cannot be written', async () => {
    const here = process.cwd();
    process.chdir(folder);
    const readOnly = () => () => {
      throw failure('EROFS', 'mkdtemp');
    };
    try {
      await whereFs('mkdtempSync', readOnly, async () => {
        const said = await backplane('new', 'device', 'my-uart');
        expectRefused(said, 'file-not-writable', "'my-uart'", `'${process.cwd()}'`, 'the file system is read-only');
      });
    } finally {
      process.chdir(here);
    }
  });

  it('and what nothing closer explains is no surprise either', () => {
    const failure = Object.assign(new Error('EMFILE: too many open files'), {
      code: 'EMFILE',
      syscall: 'open',
      path: '/x',
    });
    expect(explainFileFailure(failure)).toBe("'/x' cannot be used (too many files are open; open).");
    expect(explainFileFailure(new Error('EMFILE'))).toBeUndefined();
  });
});

describe('a guest program', () => {
  it('is compiled without a file: a temporary folder is not needed, and nothing is left in it', async () => {
    const guest = file(
      'exits.ts',
      "import { guestProgram } from 'backplane/runtime';\nexport default guestProgram('e', function* (guest) {\n  yield* guest.in8(0x71);\n});\n",
    );
    vi.stubEnv('TMPDIR', join(folder, 'nowhere'));
    try {
      expect(await backplane('run', guest, '-machine', 'isapc', '-json')).toMatchObject({ status: 0, noted: '' });
    } finally {
      vi.unstubAllEnvs();
    }
  });
});
