import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BackplaneError } from '../../../base/errors.ts';
import { printable } from '../../../base/text.ts';
import { followProgram, ProgramFailure, runProgram } from '../host-program.ts';

const DebianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
export const UsualArchitecture = 'amd64';
/** Of the archive's index files and of one package, in milliseconds. */
const NetworkTimeout = 300_000;

export interface PrivateAptOptions {
  /** `trixie`. Where a package is in several suites, this one's is taken. */
  readonly suite: string;
  /** More suites, for what its packages depend on: `trixie` for `trixie-backports`. */
  readonly others?: readonly string[];
  /** Of the packages: `i386`. The host need not run them. Default: 'amd64'. */
  readonly architecture?: string;
  /** Where it keeps its configuration, its index files and nothing of the host's. */
  readonly folder: string;
  /** The keys by which the archive is trusted. Default: Debian's, as its package installs them. */
  readonly keyring?: string;
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** What is under way, for a user that waits. */
  readonly onProgress?: ((what: string) => void) | undefined;
}

/** A package of the archive, as the index has it. */
export interface ArchivePackage {
  readonly version: string;
  /** The first alternative of each package that it depends on. */
  readonly depends: readonly string[];
}

/** apt with an own configuration: another suite of Debian than the host's, nothing installed, nothing of the host changed. */
export class PrivateApt {
  readonly #environment: NodeJS.ProcessEnv;
  readonly #onProgress: (what: string) => void;

  private constructor(options: PrivateAptOptions, configuration: string) {
    const { environment = process.env, onProgress = () => undefined } = options;
    this.#environment = { ...environment, APT_CONFIG: configuration, LC_ALL: 'C' };
    this.#onProgress = onProgress;
  }

  /** Reads the archive's index files. */
  static async open(options: PrivateAptOptions): Promise<PrivateApt> {
    const { suite, others = [], folder, keyring = DebianKeyring, environment = process.env } = options;
    const { architecture = UsualArchitecture } = options;
    const mirror = debianMirror(environment);
    if (!existsSync(keyring)) {
      throw new BackplaneError(
        'archive-keyring-missing',
        `Debian: '${keyring}' does not exist, and packages cannot be trusted without it. Install 'debian-archive-keyring'.`,
      );
    }
    const sources = [suite, ...others].map((one) => `deb [signed-by=${keyring}] ${mirror} ${one} main`);
    const apt = new PrivateApt(options, configure(folder, suite, architecture, sources));
    await apt.#update(suite);
    return apt;
  }

  /** What the archive offers under this name: the newest version. */
  newest(name: string): ArchivePackage {
    const environment = this.#environment;
    const text = `${runProgram('apt-cache', ['show', '--no-all-versions', name], { environment })}`;
    const field = (key: string): string => new RegExp(`^${key}: (.*)$`, 'm').exec(text)?.[1] ?? '';
    const depends = field('Depends')
      .split(',')
      .flatMap((one) => /^\s*([^\s|(:]+)/.exec(one)?.[1] ?? []);
    return { version: field('Version'), depends };
  }

  /** Downloads the newest version into a folder; answers the file's name. */
  async download(name: string, folder: string): Promise<string> {
    const { version } = this.newest(name);
    this.#onProgress(`Debian: downloading ${name} ${version}`);
    const wanted = `${name}_${version.replaceAll(':', '%3a')}_`;
    await this.#network(['download', name], folder);
    const file = readdirSync(folder).find((one) => one.startsWith(wanted) && one.endsWith('.deb'));
    if (file === undefined) throw noFileOf(name, version);
    return join(folder, file);
  }

  /** Downloads the newest version with all that it depends on, to the C library, into a folder; answers the files' names. */
  async downloadClosure(name: string, folder: string): Promise<string[]> {
    this.#onProgress(`Debian: downloading ${name} ${this.newest(name).version} and what it depends on`);
    mkdirSync(join(folder, 'partial'), { recursive: true });
    const asked = ['--download-only', '--no-install-recommends', '--yes', '-o', `Dir::Cache::archives=${folder}/`];
    await this.#network([...asked, 'install', name]);
    const files = readdirSync(folder).filter((one) => one.endsWith('.deb'));
    if (!files.some((one) => one.startsWith(`${name}_`))) throw noFileOf(name, this.newest(name).version);
    return files.map((file) => join(folder, file));
  }

  async #update(suite: string): Promise<void> {
    this.#onProgress(`Debian: reading the index of ${suite}`);
    await this.#network(['update']);
  }

  async #network(args: readonly string[], cwd?: string): Promise<void> {
    try {
      await followProgram('apt-get', ['-q', ...args], {
        ...(cwd === undefined ? {} : { cwd }),
        environment: this.#environment,
        timeout: NetworkTimeout,
      });
    } catch (cause) {
      if (!(cause instanceof ProgramFailure)) throw cause;
      throw new BackplaneError(
        'archive-unreachable',
        `Debian: the archive cannot be read: ${cause.message} Look at the network, or set BACKPLANE_DEBIAN_MIRROR to a mirror that answers.`,
        { cause },
      );
    }
  }
}

const noFileOf = (name: string, version: string): BackplaneError =>
  new BackplaneError('archive-package', `Debian: apt-get downloaded no file of '${name}' ${version}.`);

/** The archive that is asked: the one of BACKPLANE_DEBIAN_MIRROR, or that of the host's own packages. */
function debianMirror(environment: NodeJS.ProcessEnv): string {
  const named = environment['BACKPLANE_DEBIAN_MIRROR'];
  if (named !== undefined && named !== '') {
    if (/^(https?|file|copy):\/\/?[^\s[\]]+$/.test(named)) return named;
    throw new BackplaneError(
      'debian-mirror',
      `BACKPLANE_DEBIAN_MIRROR is '${printable(named)}', which is no address of an archive. Write one that begins with 'http://' or 'https://'.`,
    );
  }
  const targets = `${runProgram('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Label: Debian', 'Created-By: Packages'], { environment })}`;
  const first = targets.split('\n').find((line) => line !== '');
  if (first !== undefined) return first;
  throw new BackplaneError(
    'debian-mirror',
    "Debian: this host's apt has no archive of Debian, or has not read its index. Run 'apt-get update', or set BACKPLANE_DEBIAN_MIRROR.",
  );
}

/** Writes what apt needs to work beside the host's own; answers the path of the configuration. */
function configure(folder: string, suite: string, architecture: string, sources: readonly string[]): string {
  const path = (name: string): string => join(folder, name);
  mkdirSync(path('state/lists/partial'), { recursive: true });
  mkdirSync(path('cache/archives/partial'), { recursive: true });
  writeFileSync(path('status'), '');
  writeFileSync(path('sources.list'), sources.map((line) => `${line}\n`).join(''));
  const lines = [
    ['Dir::Etc::sourcelist', path('sources.list')],
    ['Dir::Etc::sourceparts', '/dev/null'],
    ['Dir::Etc::preferencesparts', '/dev/null'],
    ['Dir::State', path('state')],
    ['Dir::State::status', path('status')],
    ['Dir::Cache', path('cache')],
    // Backports have a low priority by themselves.
    ['APT::Default-Release', suite],
    ['APT::Architecture', architecture],
    ['APT::Architectures', architecture],
    ['APT::Sandbox::User', 'root'],
    ['Acquire::Languages', 'none'],
    ['Acquire::Retries', '3'],
  ];
  writeFileSync(path('apt.conf'), lines.map(([key, value]) => `${key} "${value}";\n`).join(''));
  return path('apt.conf');
}
