import { spawnSync } from 'node:child_process';
import type { QemuProgram } from '../../sdk/testing/qemu/child.ts';
import { GuestPackages } from '../../sdk/testing/qemu/debian/guest-packages.ts';
import { findQemu } from '../../sdk/testing/qemu/process.ts';

/** Milliseconds. A QEMU that has the accelerator ends by itself at once. */
const AnswerTimeout = 60_000;
const Quit = '{"execute":"qmp_capabilities"}{"execute":"quit"}';

let found: QemuProgram | string | undefined;

/**
 * A QEMU whose time moves by `clock_step`, or one sentence that says why there is none. `clock_step` needs the accelerator qtest,
 * which Debian 12 leaves out. In this order: the installed one, and the one that `backplane fetch qemu` has put into the cache.
 */
export function steppedQemu(): QemuProgram | string {
  found ??= find();
  return found;
}

function find(): QemuProgram | string {
  const path = findQemu();
  const installed = path === undefined ? [] : [{ path, program: path, args: [], env: {} }];
  const { qemu: fetched } = new GuestPackages();
  const candidates: readonly QemuProgram[] = fetched === undefined ? installed : [...installed, fetched];
  const why =
    "No QEMU here has the accelerator qtest, which 'clock_step' needs. Fetch one: 'npm run fetch -- qemu', or name one in " +
    'QTEST_QEMU_BINARY.';
  return candidates.find(hasQtest) ?? why;
}

/** `-accel help` does not list it. */
function hasQtest({ program, args, env }: QemuProgram): boolean {
  const machine = ['-machine', 'none', '-accel', 'qtest', '-nodefaults', '-display', 'none', '-qmp', 'stdio'];
  const { status } = spawnSync(program, [...args, ...machine], {
    env: { ...process.env, ...env },
    input: Quit,
    stdio: ['pipe', 'ignore', 'ignore'],
    timeout: AnswerTimeout,
  });
  return status === 0;
}
