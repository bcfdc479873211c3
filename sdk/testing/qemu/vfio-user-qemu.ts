import { spawnSync } from 'node:child_process';
import { printable } from '../../base/text.ts';
import type { QemuProgram } from './child.ts';
import { GuestPackages } from './debian/guest-packages.ts';
import { DefaultEmulator, findQemu, whyNoQemu } from './process.ts';

/** The first version with a client of vfio-user that QEMU's project supports. */
const FirstVersion = '10.1';
const Device = 'vfio-user-pci';
/** Milliseconds. On a busy host QEMU is slow, and not too old. */
const AnswerTimeout = 60_000;
const HowToFetch = "Fetch one beside it, without installing anything: 'npx backplane fetch qemu'.";

/**
 * A QEMU for a PC whose devices may be served by another process (`-device vfio-user-pci`), or one sentence that says why
 * there is none. In this order: the one that `QTEST_QEMU_BINARY` names; the first one on `PATH`, if it can; the one that
 * `backplane fetch qemu` has put into the cache.
 */
export function vfioUserQemu(environment: NodeJS.ProcessEnv = process.env): QemuProgram | string {
  const path = findQemu(environment);
  const installed: QemuProgram | undefined =
    path === undefined ? undefined : { path, program: path, args: [], env: {} };
  const why = installed === undefined ? (whyNoQemu(environment) as string) : whyNotThat(installed, environment);
  if (installed !== undefined && why === undefined) return installed;
  if (environment['QTEST_QEMU_BINARY']) return why as string;
  const { qemu } = new GuestPackages({ environment });
  return qemu ?? `${why} ${HowToFetch}`;
}

/** What a user types to start that QEMU: the name of the one on `PATH`, also where there is none, or else a path. */
export function vfioUserCommand(environment: NodeJS.ProcessEnv = process.env): string {
  const found = vfioUserQemu(environment);
  if (typeof found === 'string') return DefaultEmulator;
  const { QTEST_QEMU_BINARY: _, ...others } = environment;
  if (found.path === findQemu(others)) return DefaultEmulator;
  return found.program === found.path ? found.path : (new GuestPackages({ environment }).qemuScript ?? DefaultEmulator);
}

/** Which device there is says more than a version: a distribution may leave it out. The status is 0 for an unknown one too. */
function whyNotThat(qemu: QemuProgram, environment: NodeJS.ProcessEnv): string | undefined {
  const { stdout, signal } = ask(qemu, ['-device', `${Device},help`], environment);
  if (stdout.includes(`${Device} options`)) return undefined;
  if (signal === null) return tooOld(qemu, environment);
  const where = `QEMU at '${printable(qemu.path)}'`;
  return `${where} did not say which devices it has, and was ended by ${signal} within ${AnswerTimeout / 1000} s. Start it by hand.`;
}

function tooOld(qemu: QemuProgram, environment: NodeJS.ProcessEnv): string {
  const said = ask(qemu, ['--version'], environment).stdout;
  const version = /version (\d+\.\d+(\.\d+)?)/.exec(said)?.[1];
  const which = version === undefined ? '' : `of version ${version} `;
  return `QEMU ${which}at '${printable(qemu.path)}' has no device '${Device}': version ${FirstVersion} or later has it.`;
}

function ask({ program, args, env }: QemuProgram, question: readonly string[], environment: NodeJS.ProcessEnv) {
  return spawnSync(program, [...args, ...question], {
    env: { ...environment, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: AnswerTimeout,
  });
}
