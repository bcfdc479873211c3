import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entryFiles } from '../package/old-sources.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));
const Directive = /^\s*(\/\/ )@ts-expect-error (.*)$/;

interface Variant {
  /** Of the copy from which one directive was removed. */
  readonly file: string;
  readonly mistake: string;
}

async function compile(folder: string): Promise<string> {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [tsc, '--noEmit', '--pretty', 'false', '-p', folder],
      { maxBuffer: 1 << 26 },
      (_, stdout) => resolve(stdout),
    );
  });
}

const files = (await readdir(here)).filter((name) => name.endsWith('.mistakes.ts'));
const sources = new Map(
  await Promise.all(files.map(async (name) => [name, (await readFile(join(here, name), 'utf8')).split('\n')] as const)),
);
const variants: Variant[] = [...sources].flatMap(([name, lines]) =>
  lines.flatMap((line, index) => {
    const mistake = Directive.exec(line)?.[2];
    return mistake === undefined ? [] : [{ file: `${name.replace(/\.ts$/, '')}.line-${index + 1}.ts`, mistake }];
  }),
);

/** Lines of the compiler's report, by the file they complain about. */
const complaints = new Map<string, string[]>();
/** All that the compiler says about a file. */
const details = new Map<string, string>();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'backplane-types-'));
  for (const [name, lines] of sources) {
    await writeFile(join(folder, name), lines.join('\n'));
    for (const [index, line] of lines.entries()) {
      if (!Directive.test(line)) continue;
      const without = lines.with(index, '');
      await writeFile(join(folder, `${name.replace(/\.ts$/, '')}.line-${index + 1}.ts`), without.join('\n'));
    }
  }
  const options = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      typeRoots: [join(root, 'node_modules/@types')],
      paths: entryFiles(),
    },
    include: ['*.ts'],
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(options));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  let latest = '';
  for (const line of (await compile(folder)).split('\n')) {
    const file = /([\w.-]+\.ts)\(\d+,\d+\): error/.exec(line)?.[1];
    if (file !== undefined) complaints.set(file, [...(complaints.get(file) ?? []), line]);
    latest = file ?? latest;
    details.set(latest, `${details.get(latest) ?? ''}${line}\n`);
  }
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a mistake', () => {
  it('is listed with what is wrong about it', () => {
    expect(variants.length).toBeGreaterThan(45);
    const directives = [...sources.values()].flat().filter((line) => line.includes('@ts-expect-error'));
    expect(directives.filter((line) => !Directive.test(line))).toEqual([]);
  });

  it.each(files)('is refused wherever %s expects it, and nothing else is', (file) => {
    expect(complaints.get(file) ?? []).toEqual([]);
  });

  it('in the declaration of a register that names no width is answered with those of most registers, not with 64', () => {
    const { file } = variants.find(({ mistake }) => mistake === 'a register has a width') as Variant;
    expect(details.get(file)).toContain(
      "Property 'width' is missing in type '{ reset: number; }' but required in type '{ readonly width: 8 | 16 | 32; readonly reset?: number; readonly reads?: number; }'.",
    );
  });

  it.each(variants)('does not compile: $mistake ($file)', ({ file }) => {
    expect(complaints.get(file)).toHaveLength(1);
  });
});
