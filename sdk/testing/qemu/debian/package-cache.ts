import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { ProgramFailure, runProgram } from '../host-program.ts';
import { PrivateApt, type PrivateAptOptions, UsualArchitecture } from './private-apt.ts';

/** apt's spelling in names of files. A loader's list of folders has colons between them. */
const Colon = '%3a';

/** Where fetched packages are kept. @see XDG Base Directory Specification, XDG_CACHE_HOME */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const named = environment['XDG_CACHE_HOME'] ?? '';
  return join(isAbsolute(named) ? named : join(homedir(), '.cache'), 'backplane');
}

export interface UnpackedPackage {
  readonly name: string;
  readonly version: string;
  /** What an installation would put into `/`. */
  readonly folder: string;
}

export type PackageCacheOptions = Omit<PrivateAptOptions, 'folder'>;

/** Unpacked packages of one suite of Debian, each in a folder of its name and version. Nothing is installed. */
export class PackageCache {
  readonly folder: string;
  #apt: Promise<PrivateApt> | undefined;

  constructor(private readonly options: PackageCacheOptions) {
    const { suite, architecture = UsualArchitecture } = options;
    // Packages of another architecture have a folder of their own.
    const name = architecture === UsualArchitecture ? suite : `${suite}-${architecture}`;
    this.folder = join(cacheFolder(options.environment), 'debian', name);
  }

  /** The newest unpacked version of the packages with such a name; undefined where there is none. */
  newest(names: RegExp): UnpackedPackage | undefined {
    if (!existsSync(this.folder)) return undefined;
    const found = readdirSync(this.folder).flatMap((entry): UnpackedPackage[] => {
      const [name = '', version] = entry.split('_');
      if (version === undefined || !names.test(name)) return [];
      return [{ name, version: version.replaceAll(Colon, ':'), folder: join(this.folder, entry) }];
    });
    return found.reduce<UnpackedPackage | undefined>(
      (best, one) => (best === undefined || this.#isNewer(one.version, best.version) ? one : best),
      undefined,
    );
  }

  /** The first package with such a name that a package of the archive depends on. */
  async dependency(of: string, names: RegExp): Promise<string | undefined> {
    return (await this.#archive()).newest(of).depends.find((name) => names.test(name));
  }

  /** Downloads and unpacks the archive's newest version, if it is not here yet. */
  async fetch(name: string): Promise<UnpackedPackage> {
    return this.#fetch(name, async (apt, work) => [await apt.download(name, work)]);
  }

  /**
   * The same with all that the package depends on in one folder, so that its programs need nothing of the host. `finish` is
   * called with that folder before anything else can see it.
   */
  async fetchClosure(name: string, finish: (folder: string) => void): Promise<UnpackedPackage> {
    return this.#fetch(name, (apt, work) => apt.downloadClosure(name, work), finish);
  }

  /** The same with those of the packages that it depends on which have such names, in one folder. */
  async fetchTogether(name: string, names: RegExp, finish: (folder: string) => void): Promise<UnpackedPackage> {
    const download = async (apt: PrivateApt, work: string): Promise<string[]> => {
      const files: string[] = [];
      for (const one of [name, ...apt.newest(name).depends.filter((needed) => names.test(needed))])
        files.push(await apt.download(one, work));
      return files;
    };
    return this.#fetch(name, download, finish);
  }

  async #fetch(
    name: string,
    download: (apt: PrivateApt, work: string) => Promise<string[]>,
    finish: (folder: string) => void = () => undefined,
  ): Promise<UnpackedPackage> {
    const { environment, onProgress } = this.options;
    const apt = await this.#archive();
    const unpacked = this.#unpacked(name, apt.newest(name).version);
    if (existsSync(unpacked.folder)) return unpacked;
    mkdirSync(this.folder, { recursive: true });
    const work = mkdtempSync(join(this.folder, '.unpacking-'));
    try {
      const files = await download(apt, work);
      onProgress?.(`Debian: unpacking ${name} ${unpacked.version}`);
      const content = join(work, 'content');
      for (const file of files) runProgram('dpkg', ['-x', file, content], { environment });
      finish(content);
      // Another process may have been faster: its folder has the same content.
      if (!existsSync(unpacked.folder)) renameSync(content, unpacked.folder);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
    return unpacked;
  }

  #archive(): Promise<PrivateApt> {
    this.#apt ??= PrivateApt.open({ ...this.options, folder: join(this.folder, '.apt') });
    return this.#apt;
  }

  #unpacked(name: string, version: string): UnpackedPackage {
    return { name, version, folder: join(this.folder, `${name}_${version.replaceAll(':', Colon)}`) };
  }

  /** Versions of Debian have an order of their own. */
  #isNewer(version: string, than: string): boolean {
    const { environment } = this.options;
    try {
      runProgram('dpkg', ['--compare-versions', version, 'gt', than], { environment });
      return true;
    } catch (cause) {
      if (cause instanceof ProgramFailure) return false;
      throw cause;
    }
  }
}
