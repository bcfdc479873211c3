import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SECOND } from '../../../sdk/index.ts';
import { findQemu, QemuProcess, whyNoQemu } from '../../../sdk/testing/qemu/process.ts';
import { steppedQemu } from '../../conformance/stepped-qemu.ts';
import { needs } from '../../needs.ts';
import { expectRefusal } from '../../refusal.ts';
import { ownTemporaryFolder } from './own-temporary-folder.ts';

const missing = whyNoQemu();
const stepped = steppedQemu();

const folder = ownTemporaryFolder();

describe('an installed QEMU', () => {
  it('is looked for where QTEST_QEMU_BINARY says, then on PATH; and its absence has a reason', () => {
    expect(findQemu({ QTEST_QEMU_BINARY: process.execPath, PATH: '' })).toBe(process.execPath);
    expect(findQemu({ PATH: '/nowhere' })).toBeUndefined();
    expect(whyNoQemu({ PATH: '/nowhere' })).toContain("'qemu-system-x86_64'");
    expect(whyNoQemu({ QTEST_QEMU_BINARY: '/nowhere/qemu' })).toContain("QTEST_QEMU_BINARY names '/nowhere/qemu'");
    expect(whyNoQemu({ QTEST_QEMU_BINARY: process.execPath })).toBeUndefined();
    const arm = { QTEST_QEMU_BINARY: process.execPath, PATH: '/nowhere' };
    expect(whyNoQemu(arm, 'qemu-system-arm')).toContain("'qemu-system-arm' is not on PATH (Debian: apt-get install");
  });

  it('that ends before it connects is reported with what it said, and leaves nothing behind', async () => {
    await expectRefusal(
      () => QemuProcess.start({ binary: '/bin/false' }),
      'emulator-ended',
      "'/bin/false'",
      'status 1',
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['is not there', 'nowhere', 'ENOENT'],
    ['has a long name', 'x'.repeat(120), '107'],
  ])('is not started where the folder for its sockets %s, and that is said', async (_, name, why) => {
    process.env['TMPDIR'] = join(folder, name);
    try {
      await expectRefusal(() => QemuProcess.start({ binary: '/bin/false' }), 'socket-folder', name, why, 'TMPDIR');
    } finally {
      process.env['TMPDIR'] = folder;
    }
  });

  it('that does not know its machine is quoted', needs('qemu', missing), async () => {
    await expectRefusal(() => QemuProcess.start({ machine: 'no-such' }), 'emulator-ended', 'unsupported machine type');
  });

  it('that never connects is given up and killed', async () => {
    const binary = new URL('./fixtures/hangs', import.meta.url).pathname;
    await expectRefusal(() => QemuProcess.start({ binary, startTimeout: 100 }), 'emulator-silent', 'qtest');
    expect(readdirSync(folder)).toEqual([]);
  });

  it(
    'answers port reads through qtest, and stands still: the RTC does not advance',
    needs('qemu', missing),
    async () => {
      await QemuProcess.with({ rtcBase: '2024-02-28T21:43:50' }, async ({ qtest, qmp, version }) => {
        expect(version).toMatch(/^\d+\.\d+\.\d+$/);
        expect(await qtest.in32(0xcfc)).toBe(0xffff_ffff);
        const seconds = async () => {
          await qtest.out8(0x70, 0x00);
          return qtest.in8(0x71);
        };
        expect(await seconds()).toBe(0x50);
        await new Promise((resolve) => setTimeout(resolve, 1100));
        await qmp.reset();
        expect(await seconds()).toBe(0x50);
      });
    },
  );

  it(
    'moves its clock by clock_step alone with the accelerator qtest: so many seconds, and the RTC has them',
    needs('qemu', typeof stepped === 'string' ? stepped : undefined),
    async () => {
      const options = { accelerator: 'qtest', binary: stepped, rtcBase: '2024-02-28T21:43:50' } as const;
      await QemuProcess.with(options, async ({ qtest }) => {
        await qtest.out8(0x70, 0x00);
        expect(await qtest.in8(0x71)).toBe(0x50);
        expect(Number(await qtest.command(`clock_step ${3 * SECOND}`))).toBe(3 * SECOND);
        expect(await qtest.in8(0x71)).toBe(0x53);
      });
    },
  );

  it('is gone when the body throws', needs('qemu', missing), async () => {
    let asked: Promise<number> | undefined;
    const body = QemuProcess.with({}, async ({ qtest }) => {
      await qtest.in8(0x70);
      asked = qtest.in8(0x71);
      asked.catch(() => undefined);
      throw new Error('the body failed');
    });
    await expect(body).rejects.toThrow('the body failed');
    await expectRefusal(() => asked, 'connection-closed', 'qtest');
  });

  it('dies with the process that started it, however that one ends', needs('qemu', missing), async () => {
    const script = new URL('./fixtures/start-qemu.ts', import.meta.url).pathname;
    const owner = spawn(process.execPath, ['--import', 'tsx', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(owner.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    expect(isRunning(pid)).toBe(true);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    for (let wait = 0; wait < 6000 && isRunning(pid); wait++) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(isRunning(pid)).toBe(false);
  });
});

/** A process that has ended and that nobody has waited for yet counts as ended. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
