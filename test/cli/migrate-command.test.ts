import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { BackplaneError } from '../../sdk/base/errors.ts';
import { commonOptions, parseArguments } from '../../sdk/cli/command.ts';
import { migrateBy } from '../../sdk/cli/commands/migrate.ts';
import { isThorough } from '../depth.ts';
import { backplane, expectRefused } from './fake-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-migrate-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const command = migrateBy({
  names: { backplane: { Machine: { entry: 'backplane/runtime' }, FlatView: { gone: 'Use describeMap().' } } },
  members: {},
  firstArguments: {},
});

/** The command with a table of its own: what it prints, and what it throws in the end. */
async function migrate(...words: string[]): Promise<{ printed: string; failure: string; code: string }> {
  const printed: string[] = [];
  const print = (text: string) => void printed.push(text);
  const terminal = { print, note: print, progress: print, bold: (text: string) => text };
  const args = parseArguments(words, { ...command.options, ...commonOptions });
  const [code, failure] = await command.run({ terminal, arguments: args, json: args.has('json') }).then(
    () => ['', ''] as const,
    (error: BackplaneError) => [error.code, error.message] as const,
  );
  return { printed: printed.join('\n'), failure, code };
}

const before = "import { device, Machine } from 'backplane';\n";
const after = "import { device } from 'backplane';\nimport { Machine } from 'backplane/runtime';\n";

describe('backplane migrate', () => {
  it('rewrites files where they are, through a link too, with their permissions', async () => {
    const board = file('board.ts', before);
    const link = join(folder, 'link.ts');
    symlinkSync(board, link);
    const mode = statSync(board).mode;
    expect(await migrate(link, board)).toEqual({
      printed: `${link}:1: 'Machine' comes from 'backplane/runtime'\n1 read, 1 rewritten, 0 left for you.`,
      failure: '',
      code: '',
    });
    expect(readFileSync(board, 'utf8')).toBe(after);
    expect(statSync(board).mode).toBe(mode);
    expect(await migrate(board)).toEqual({ printed: '1 read, 0 rewritten, 0 left for you.', failure: '', code: '' });
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('only says what it would do, on a dry run', async () => {
    const board = file('dry.ts', before);
    expect((await migrate('-dry-run', board)).printed).toContain('1 read, 1 would be rewritten');
    expect(readFileSync(board, 'utf8')).toBe(before);
  });

  it('says what is left with file and line, after it did the rest', async () => {
    const map = file('map.md', `# Map\n\`\`\`ts\n${before}import { FlatView } from 'backplane';\n\`\`\`\n`);
    const { printed, code } = await migrate(map);
    expect(code).toBe('places-left');
    expect(printed).toBe(
      `${map}:3: 'Machine' comes from 'backplane/runtime'\n` +
        `${map}:5: left for you: 'FlatView' is exported by no entry any more. Use describeMap().\n` +
        '1 read, 1 rewritten, 1 left for you.',
    );
    expect(readFileSync(map, 'utf8')).toContain(after);
  });

  it('says the same as one JSON value', async () => {
    const map = file('json.ts', `${before}import { FlatView } from 'backplane';\n`);
    const { printed } = await migrate(map, '-json');
    expect(JSON.parse(printed)).toEqual({
      dryRun: false,
      files: [
        {
          file: map,
          changed: true,
          changes: [{ line: 1, what: "'Machine' comes from 'backplane/runtime'" }],
          left: [{ line: 3, what: "'FlatView' is exported by no entry any more. Use describeMap()." }],
        },
      ],
    });
  });

  it.each<[string, () => string, string]>([
    ['that is not there', () => join(folder, 'none.ts'), 'file-not-readable'],
    ['that is a folder', () => folder, 'not-a-file'],
    ['of another kind', () => file('view.tsx', before), 'not-a-source-file'],
    ['that is no text', () => file('bytes.ts', Uint8Array.of(0x69, 0xff, 0xfe)), 'not-a-source-file'],
    ['with line ends of CR alone', () => file('cr.ts', `// heir\r${before}`), 'not-a-source-file'],
    ['with line separators', () => file('separated.ts', `// heir\u2028${before}`), 'not-a-source-file'],
    ['of a size that no source has', () => file('blank.ts', ' '.repeat(5 << 20)), 'not-a-source-file'],
    ['with a byte 0', () => file('zero.ts', `${before}\0`), 'not-a-source-file'],
  ])('writes nothing at all where it is given a file %s', async (_, path, expected) => {
    const good = file('good.ts', before);
    const { printed, failure, code } = await migrate(good, path());
    expect(code).toBe(expected);
    expect(failure).toContain(`migrate '${path()}': `);
    expect(printed).toBe('');
    expect(readFileSync(good, 'utf8')).toBe(before);
  });

  it('calls a folder a folder, and does not wait for a named pipe', async () => {
    const source = join(folder, 'folder.ts');
    mkdirSync(source);
    for (const path of [folder, source]) expect((await migrate(path)).failure).toContain('this is a folder');
    const pipe = join(folder, 'pipe.ts');
    execFileSync('mkfifo', [pipe]);
    const { code, failure } = await migrate(pipe);
    expect(code).toBe('not-a-file');
    expect(failure).toContain('this is not a regular file');
  });

  it('reads as much as it may', async () => {
    for (const part of isThorough ? [' ', '\n', '/**/', 'x'] : ['/**/']) {
      const whole = file('whole.ts', part.repeat((4 << 20) / part.length));
      expect((await migrate(whole)).code, part).toBe('');
    }
    for (const quote of isThorough ? ['`', "'"] : ['`']) {
      const long = file('long.ts', `${before}const x = ${quote}${'a'.repeat((4 << 20) - 200)}${quote};\n`);
      expect((await migrate(long)).printed, quote).toContain('1 rewritten');
    }
  });

  it('asks for files, and uses the table of the package', async () => {
    expectRefused(await backplane('migrate'), 'missing-operand', 'migrate FILE.ts');
    const own = file('own.ts', "import { SavedReader } from 'backplane';\n");
    const { status, printed, code } = await backplane('migrate', own);
    expect({ status, code }).toEqual({ status: 1, code: 'places-left' });
    expect(printed).toContain(`${own}:1: left for you: 'SavedReader' is exported by no entry any more.`);
  });
});
