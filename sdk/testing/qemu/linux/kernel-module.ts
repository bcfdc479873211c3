import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { BackplaneError } from '../../../base/errors.ts';
import { printable, printableLines, sentence, unknownWord } from '../../../base/text.ts';
import { GuestPackages, hostRelease } from '../debian/guest-packages.ts';
import { cacheFolder } from '../debian/package-cache.ts';
import type { KernelHeaders } from '../debian/relocation.ts';
import { followProgram, ProgramFailure } from '../host-program.ts';
import type { ModuleFile } from './guest-options.ts';
import { withoutPackages } from './guest-plan.ts';

const BuildTimeout = 300_000;

export interface KernelModuleOptions {
  /** The module's `.c` files, and the headers of its own. Paths of this host. */
  readonly sources: string | readonly string[];
  /** The name by which Linux knows it. Default: that of the only `.c` file. */
  readonly name?: string;
  /** `full`, the only one: a kernel that the compiler of this host fits. */
  readonly kernel?: 'full';
  /** Called with one sentence where modules cannot be built here; see `linuxGuest()`. */
  readonly skip?: (reason: string) => unknown;
}

const words: readonly (keyof KernelModuleOptions)[] = ['sources', 'name', 'kernel', 'skip'];

/** Why `kernelModule()` cannot build modules here, in one sentence; undefined where it can. */
export function whyNoKernelModule(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  if (hostRelease() === undefined)
    return 'Modules are built on Debian, for the kernel of the same release, and this host is none.';
  const { headers } = new GuestPackages({ environment });
  if (headers === undefined)
    return "The headers of a kernel are not in the cache: 'npx backplane fetch headers' brings them.";
  const missing = ['make', headers.compiler].find((program) => !isOnPath(program, environment));
  return missing === undefined
    ? undefined
    : `'${missing}' is not on PATH, and builds modules (Debian: apt-get install ${missing}).`;
}

/**
 * Builds a driver of yours for the full kernel of this host's release, with that kernel's headers and compiler: for `modules` of
 * `linuxGuest()`. Warnings of the compiler are printed. What was built once from the same sources is taken from the cache.
 */
export async function kernelModule(options: KernelModuleOptions): Promise<ModuleFile> {
  const { name, sources } = checkedOptions(options);
  const missing = whyNoKernelModule();
  if (missing !== undefined) withoutPackages('kernelModule', missing, options.skip);
  const headers = new GuestPackages().headers as KernelHeaders;
  const folder = join(cacheFolder(), 'modules', keyOf(name, sources, headers));
  const path = join(folder, `${name}.ko`);
  if (!existsSync(path)) await build(name, sources, headers, folder);
  return { name, path };
}

function checkedOptions(options: KernelModuleOptions): { name: string; sources: readonly string[] } {
  const refuse = (why: string): BackplaneError => new BackplaneError('kernel-module-option', `kernelModule: ${why}`);
  const misspelt = unknownWord(options, words);
  if (misspelt !== undefined) throw new BackplaneError('unknown-word', `kernelModule ${misspelt}`);
  const { kernel = 'full' } = options;
  if (kernel !== 'full')
    throw refuse(`kernel is '${printable(String(kernel))}', and modules are built for 'full' only.`);
  const sources = [options.sources].flat();
  for (const source of sources)
    if (!existsSync(source)) throw refuse(`sources: '${printable(source)}' does not exist.`);
  const code = sources.filter((source) => source.endsWith('.c'));
  if (code.length === 0) throw refuse("sources: there is no '.c' file.");
  if (code.length > 1 && options.name === undefined)
    throw refuse('there are several sources, and the module needs a name.');
  const name = options.name ?? basename(code[0] as string, '.c');
  if (!/^[\w-]+$/.test(name))
    throw refuse(`'${printable(name)}' is no name of a module. Write letters, digits, '_' and '-'.`);
  if (code.length > 1 && code.some((source) => basename(source, '.c') === name))
    throw refuse(`a module of several sources cannot have the name of one of them, and '${name}.c' is one.`);
  return { name, sources };
}

function keyOf(name: string, sources: readonly string[], headers: KernelHeaders): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([name, headers.folder, headers.version, sources.map((source) => basename(source))]));
  for (const source of sources) hash.update(readFileSync(source));
  return hash.digest('hex').slice(0, 32);
}

/** Only a module that is complete gets to its place. */
async function build(name: string, sources: readonly string[], headers: KernelHeaders, folder: string): Promise<void> {
  mkdirSync(join(folder, '..'), { recursive: true, mode: 0o700 });
  const work = mkdtempSync(join(folder, '..', '.building-'));
  const said = (text: string): string => printableLines(compilerLines(text, work, sources));
  try {
    for (const source of sources) copyFileSync(source, join(work, basename(source)));
    writeFileSync(join(work, 'Makefile'), makefile(name, sources));
    await followProgram('make', ['-C', headers.folder, `M=${work}`, 'modules'], {
      environment: { ...process.env, LC_ALL: 'C' },
      timeout: BuildTimeout,
      onComplaint: (text) => {
        if (said(text) !== '') console.warn(`kernelModule: '${name}': ${said(text)}`);
      },
    });
    keep(work, folder);
  } catch (cause) {
    if (!(cause instanceof ProgramFailure)) throw cause;
    // The cause would say the same again.
    throw new BackplaneError(
      'kernel-module-failed',
      `kernelModule: '${name}' cannot be built: ${sentence(`\n${said(cause.complaint)}\n`)}`,
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** What the compiler says of sources at their own paths, without what make says of itself and of the compiler. */
export function compilerLines(text: string, work: string, sources: readonly string[]): string {
  const own = sources.reduce((rest, source) => rest.replaceAll(`${work}/${basename(source)}`, source), text);
  const lines = own.replaceAll(`${work}/`, '').split('\n');
  return lines
    .filter((line) => !ofMake.test(line))
    .join('\n')
    .trim();
}

const ofMake =
  /^make(\[\d+\])?: |^warning: the compiler differs|^ {2}(The kernel was built by|You are using):|^Skipping BTF/;

/** Another process may have been faster: its folder has the same module. */
function keep(work: string, folder: string): void {
  try {
    renameSync(work, folder);
  } catch (cause) {
    if (!existsSync(folder)) throw cause;
  }
}

/** @see Documentation/kbuild/modules.rst, section 3 */
function makefile(name: string, sources: readonly string[]): string {
  const objects = sources.filter((source) => source.endsWith('.c')).map((source) => `${basename(source, '.c')}.o`);
  const parts = objects.length === 1 && objects[0] === `${name}.o` ? [] : [`${name}-y := ${objects.join(' ')}`];
  return [`obj-m := ${name}.o`, ...parts, ''].join('\n');
}

const isOnPath = (program: string, environment: NodeJS.ProcessEnv): boolean =>
  (environment['PATH'] ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, program)));
