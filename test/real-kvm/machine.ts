import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join, relative } from 'node:path';
import { printableLines } from '../../sdk/base/text.ts';
import { NewcArchive } from '../../sdk/testing/qemu/linux/newc-archive.ts';
import { bootLinux } from './boot-linux.ts';
import { type BuiltFile, bundle, Root } from './bundle.ts';
import { type ConsoleDocument, type Job, Marker } from './console-documents.ts';
import type { FetchedPackages } from './fetch.ts';
import type { PlantedFault } from './random/faults.ts';
import { Refusal } from './refusal.ts';

/** Where the machine has the checkout: below `/`. */
export const Checkout = 'backplane';
/** What scripts read of it. */
const DataFolders = ['examples/recordings', 'sdk/cli/templates', 'test/reference'];
const Packages = ['koffi', '@koromix/koffi-linux-x64'];
const Applets = ['cat', 'echo', 'insmod', 'kill', 'ls', 'mount', 'poweroff', 'ps', 'sh', 'sleep', 'timeout'];

const LinesOfConsole = 20;

export interface MachineRun {
  /** One after the other, each in a process of its own. */
  readonly jobs: readonly Job[];
  /** More scripts that the machine has as files: those of child processes. */
  readonly children?: readonly string[];
  /** More files of the host, by the path where the machine finds them. */
  readonly files?: Readonly<Record<string, string>>;
  /** Guest time counts executed instructions: figures repeat, and everything is slower. */
  readonly countInstructions?: boolean;
  /** A mistake in the sources that the machine has: the jobs should find it. */
  readonly planted?: PlantedFault | undefined;
  readonly timeout: number;
  readonly onOutput: (document: ConsoleDocument) => void;
  readonly onProgress?: (what: string) => void;
}

/** The emulated machine with a real KVM: Linux on QEMU's TCG, which emulates AMD's SVM. */
export class EmulatedMachine {
  constructor(private readonly packages: FetchedPackages) {}

  /** Boots, runs the jobs, and answers their statuses. A machine that does not get to the end of all of them is a failure. */
  async run(run: MachineRun): Promise<readonly number[]> {
    run.onProgress?.('bundling the sources');
    const scripts = ['test/real-kvm/inside.ts', ...run.jobs.map(({ script }) => script), ...(run.children ?? [])];
    const built = await bundle([...new Set(scripts)], `/${Checkout}`, run.planted);
    const statuses = run.jobs.map((): number | undefined => undefined);
    const said: string[] = [];
    run.onProgress?.('booting Linux');
    await bootLinux({
      kernel: this.packages.kernel.image,
      initramfs: this.#initramfs(built, run),
      timeout: run.timeout,
      memory: 2048,
      arguments: run.countInstructions === true ? ['-icount', 'shift=0,sleep=off'] : [],
      onLine(line) {
        const document = documentOf(line);
        if (document === undefined) {
          said.push(line);
          return;
        }
        if ('status' in document) statuses[document.job] = document.status;
        run.onOutput(document);
      },
    });
    if (statuses.every((status) => status !== undefined)) return statuses;
    const end = said.slice(-LinesOfConsole).join('\n').trim();
    throw new Refusal(
      `The emulated machine powered off before every job had a status. The end of its console:\n${printableLines(end) || 'nothing'}`,
    );
  }

  #initramfs(built: readonly BuiltFile[], run: MachineRun): readonly Uint8Array[] {
    const archive = new NewcArchive();
    archive.character('dev/console', 5, 1);
    for (const folder of ['proc', 'sys', 'tmp']) archive.folder(folder);
    archive.file('bin/busybox', readFileSync(join(this.packages.busybox.folder, 'usr/bin/busybox')), 0o755);
    for (const applet of Applets) archive.link(`bin/${applet}`, 'busybox');
    addProgram(archive, 'bin/node', process.execPath);
    const modules = this.packages.kernel.modules(['kvm-amd']);
    for (const { name, bytes } of modules) archive.file(`modules/${name}.ko`, bytes);
    archive.file('etc/passwd', 'root:x:0:0:root:/:/bin/sh\n');
    this.#addCheckout(archive);
    for (const { path, bytes } of built) archive.file(`${Checkout}/${path}`, bytes);
    for (const [path, source] of Object.entries(run.files ?? {})) archive.file(path, readFileSync(source), 0o755);
    const jobs = run.jobs.map(({ script, args }): Job => ({ script: builtName(script), args }));
    archive.file('jobs.json', JSON.stringify(jobs));
    archive.file(
      'init',
      initScript(
        modules.map(({ name }) => name),
        jobs.length,
      ),
      0o755,
    );
    return archive.finish();
  }

  #addCheckout(archive: NewcArchive): void {
    archive.file(`${Checkout}/package.json`, readFileSync(join(Root, 'package.json')));
    for (const folder of DataFolders) addFolder(archive, join(Root, folder), `${Checkout}/${folder}`);
    for (const name of Packages) {
      addFolder(archive, join(Root, 'node_modules', name), `${Checkout}/node_modules/${name}`, /\.(c?js|json|node)$/);
    }
  }
}

/** A line of the console that is one of ours; the kernel may have begun the line. */
function documentOf(line: string): ConsoleDocument | undefined {
  const start = line.indexOf(Marker);
  if (start < 0) return undefined;
  try {
    return JSON.parse(line.slice(start + Marker.length)) as ConsoleDocument;
  } catch {
    return { job: 0, stderr: `${line}\n` };
  }
}

function addFolder(archive: NewcArchive, folder: string, path: string, only = /(?:)/): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && only.test(entry.name)) archive.file(join(path, relative(folder, file)), readFileSync(file));
  }
}

/** Puts a program of the host into an archive, with its loader and its libraries at the paths where it looks for them. */
function addProgram(archive: NewcArchive, path: string, program: string): void {
  const file = realpathSync(program);
  archive.file(path, readFileSync(file), 0o755);
  const libraries = execFileSync('ldd', [file], { encoding: 'utf8' }).matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm);
  for (const library of new Set(Array.from(libraries, ([, name]) => name as string)))
    archive.file(library.slice(1), readFileSync(library), 0o755);
}

/** Where the machine has a script of the checkout. */
const builtName = (script: string): string => `/${Checkout}/${script.replace(/\.ts$/, '.js')}`;

/** The first process of the machine. */
function initScript(modules: readonly string[], jobs: number): string {
  const say = (document: string): string => `echo "${Marker}${document.replaceAll('"', '\\"')}"`;
  return [
    '#!/bin/busybox sh',
    'export PATH=/bin HOME=/ LANG=C.UTF-8 NO_COLOR=1',
    'mount -t devtmpfs devtmpfs /dev',
    'mount -t proc proc /proc',
    'mount -t sysfs sysfs /sys',
    ...modules.map((name) => `insmod /modules/${name}.ko || ${say(`{"job":0,"stderr":"insmod ${name} failed\\\\n"}`)}`),
    `cd /${Checkout}`,
    ...Array.from({ length: jobs }, (_, job) => [
      `node ${builtName('test/real-kvm/inside.ts')} ${job}`,
      say(`{"job":${job},"status":$?}`),
    ]).flat(),
    'poweroff -f',
    '',
  ].join('\n');
}
