import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { ProgramFailure, runProgram } from '../host-program.ts';
import { PrivateApt } from './private-apt.ts';

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

export interface PackageCacheOptions {
  readonly suite: string;
  readonly keyring?: string;
  readonly environment?: NodeJS.ProcessEnv;
  readonly onProgress?: (what: string) => void;
}

/** Unpacked packages of one suite of Debian, each in a folder of its name and version. Nothing is installed. */
export class PackageCache {
  readonly folder: string;
  #apt: Promise<PrivateApt> | undefined;

  constructor(private readonly options: PackageCacheOptions) {
    this.folder = join(cacheFolder(options.environment), 'debian', options.suite);
  }

  /** The newest unpacked version of the packages with such a name; undefined where there is none. */
  newest(names: RegExp): UnpackedPackage | undefined {
    if (!existsSync(this.folder)) return undefined;
    const found = readdirSync(this.folder).flatMap((entry) => {
      const [name = '', version] = entry.split('_');
      return version !== undefined && names.test(name) ? [this.#unpacked(name, version)] : [];
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
    const apt = await this.#archive();
    const unpacked = this.#unpacked(name, apt.newest(name).version);
    if (existsSync(unpacked.folder)) return unpacked;
    mkdirSync(this.folder, { recursive: true });
    const work = mkdtempSync(join(this.folder, '.unpacking-'));
    try {
      const file = await apt.download(name, work);
      this.options.onProgress?.(`Debian: unpacking ${name} ${unpacked.version}`);
      const content = join(work, 'content');
      runProgram('dpkg', ['-x', file, content], this.#environment());
      // Another process may have been faster: its folder has the same content.
      if (!existsSync(unpacked.folder)) renameSync(content, unpacked.folder);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
    return unpacked;
  }

  #archive(): Promise<PrivateApt> {
    const { suite, keyring, onProgress } = this.options;
    this.#apt ??= PrivateApt.open({
      suite,
      folder: join(this.folder, '.apt'),
      ...(keyring === undefined ? {} : { keyring }),
      ...this.#environment(),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    return this.#apt;
  }

  #unpacked(name: string, version: string): UnpackedPackage {
    return { name, version, folder: join(this.folder, `${name}_${version}`) };
  }

  /** Versions of Debian have an order of their own. */
  #isNewer(version: string, than: string): boolean {
    try {
      runProgram('dpkg', ['--compare-versions', version, 'gt', than], this.#environment());
      return true;
    } catch (cause) {
      if (cause instanceof ProgramFailure) return false;
      throw cause;
    }
  }

  #environment(): { readonly environment?: NodeJS.ProcessEnv } {
    const { environment } = this.options;
    return environment === undefined ? {} : { environment };
  }
}
