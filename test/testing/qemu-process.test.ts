import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { findQemu, QemuProcess, whyNoQemu } from '../../sdk/testing/qemu-process.ts';

const missing = whyNoQemu();
if (missing) console.log(`Nothing is asked of QEMU: ${missing}`);

const socketFolders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('backplane-qemu-'));

describe('an installed QEMU', () => {
  it('is looked for where QTEST_QEMU_BINARY says, then on PATH; and its absence has a reason', () => {
    expect(findQemu({ QTEST_QEMU_BINARY: process.execPath, PATH: '' })).toBe(process.execPath);
    expect(findQemu({ PATH: '/nowhere' })).toBeUndefined();
    expect(whyNoQemu({ PATH: '/nowhere' })).toBe(
      "'qemu-system-x86_64' is not on PATH (Debian: apt-get install qemu-system-x86).",
    );
    expect(whyNoQemu({ QTEST_QEMU_BINARY: '/nowhere/qemu' })).toBe(
      "QTEST_QEMU_BINARY names '/nowhere/qemu', which is no executable file.",
    );
    expect(whyNoQemu({ QTEST_QEMU_BINARY: process.execPath })).toBeUndefined();
  });

  it('that ends before it connects is reported with what it said, and leaves nothing behind', async () => {
    await expect(QemuProcess.start({ binary: '/bin/false' })).rejects.toThrow(/'\/bin\/false' ended with status 1/);
    expect(socketFolders()).toEqual([]);
  });

  it.skipIf(missing)('that does not know its machine is quoted', async () => {
    await expect(QemuProcess.start({ machine: 'no-such' })).rejects.toThrow('unsupported machine type');
  });

  it('that never connects is given up and killed', async () => {
    const binary = new URL('./fixtures/hangs', import.meta.url).pathname;
    await expect(QemuProcess.start({ binary, startTimeout: 100 })).rejects.toThrow('it did not connect');
    expect(socketFolders()).toEqual([]);
  });

  it.skipIf(missing)('answers port reads through qtest, and stands still: the RTC does not advance', async () => {
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
  });

  it.skipIf(missing)('is gone when the body throws', async () => {
    let asked: Promise<number> | undefined;
    const body = QemuProcess.with({}, async ({ qtest }) => {
      await qtest.in8(0x70);
      asked = qtest.in8(0x71);
      asked.catch(() => undefined);
      throw new Error('the body failed');
    });
    await expect(body).rejects.toThrow('the body failed');
    await expect(asked).rejects.toThrow('qtest: the client closed the connection.');
  });
});
