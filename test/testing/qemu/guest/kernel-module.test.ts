import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { KernelHeaders, relocateHeaders } from '../../../../sdk/testing/qemu/debian/relocation.ts';
import { kernelModule, linuxGuest, whyNoKernelModule } from '../../../../sdk/testing/qemu/index.ts';
import { needs } from '../../../needs.ts';
import { expectRefusal } from '../../../refusal.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'backplane-module-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function put(path: string, ...lines: string[]): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

describe('what describes a kernel module', () => {
  const unchecked = (value: object) => value as never;

  it('is checked before anything is built', async () => {
    const [one, two] = [put('one.c'), put('two.c')];
    const refused = (options: object, ...named: string[]) =>
      expectRefusal(() => kernelModule(unchecked(options)), 'kernel-module-option', ...named);
    await expectRefusal(() => kernelModule(unchecked({ source: one })), 'unknown-word', "'source'", "'sources'");
    await refused({ sources: one, kernel: 'cloud' }, "'cloud'", "'full'");
    await refused({ sources: join(folder, 'none.c') }, 'none.c', 'does not exist');
    await refused({ sources: [put('only.h')] }, "'.c'");
    await refused({ sources: [one, two] }, 'needs a name');
    await refused({ sources: [one, two], name: 'one' }, "'one.c'");
    await refused({ sources: one, name: 'a b' }, "'a b'");
  });
});

describe('the headers of a kernel', () => {
  it('are made independent of the place where they would be installed, and know their compiler', () => {
    const own = 'headers/usr/src/linux-headers-6.1-amd64';
    const makefile = put(`${own}/Makefile`, 'include /usr/src/linux-headers-6.1-common/Makefile');
    const common = put('headers/usr/src/linux-headers-6.1-common/Makefile', 'all:');
    put(`${own}/.kernelvariables`, 'CC = $(if $(X),$(CCACHE)) $(CROSS_COMPILE)gcc-12');
    relocateHeaders(join(folder, 'headers'));
    expect(readFileSync(makefile, 'utf8')).toBe('include ../linux-headers-6.1-common/Makefile\n');
    expect(readFileSync(common, 'utf8')).toBe('all:\n');
    const headers = new KernelHeaders({
      name: 'linux-headers-6.1-amd64',
      version: '6.1-1',
      folder: join(folder, 'headers'),
    });
    expect(headers.compiler).toBe('gcc-12');
  });

  it('are missing with a reason', () => {
    expect(whyNoKernelModule({ PATH: process.env['PATH'], XDG_CACHE_HOME: folder })).toMatch(
      /backplane fetch headers|on Debian/,
    );
  });
});

describe('a kernel module of the user', needs('qemu', whyNoKernelModule()), () => {
  const head = (...more: string[]) => ['#include <linux/module.h>', ...more, 'MODULE_LICENSE("GPL");'];

  it('is built of its sources, and inserted behind the modules that it needs', async () => {
    const sources = [
      put('parts/answer.h', 'int answer(void);'),
      put('parts/answer.c', '#include "answer.h"', 'int answer(void) { return 42; }'),
      put(
        'parts/asks.c',
        ...head(
          '#include <linux/uio_driver.h>',
          '#include "answer.h"',
          // A symbol of another module: `uio` has to come first.
          'static int __init asks(void) { pr_info("the answer is %d, %d\\n", answer(), uio_event_notify != NULL); return 0; }',
          'module_init(asks);',
        ),
      ),
    ];
    const module = await kernelModule({ name: 'asker', sources });
    await using guest = await linuxGuest({ modules: [module] });
    expect(await guest.dmesg()).toContain('the answer is 42, 1');
    expect((await guest.run('lsmod')).output).toMatch(/^asker .*\nuio /m);
    expect(await kernelModule({ name: 'asker', sources })).toEqual(module);
  });

  it('that does not compile is refused with what the compiler says', async () => {
    const source = put('broken.c', ...head('static int broken = "text" +;'));
    await expectRefusal(
      () => kernelModule({ sources: source }),
      'kernel-module-failed',
      "'broken'",
      `${source}:2`,
      'expected expression',
    );
  });

  it('is built with the warnings of the compiler printed, and fails its guest where no driver takes the device', async () => {
    const source = put(
      'misses.c',
      ...head(
        '#include <linux/pci.h>',
        'static const struct pci_device_id ids[] = { { PCI_DEVICE(0x1234, 0x11e8) }, {} };',
        'MODULE_DEVICE_TABLE(pci, ids);',
        'static int probe(struct pci_dev *dev, const struct pci_device_id *id) { int unused; return -EIO; }',
        'static struct pci_driver misses = { .name = "misses", .id_table = ids, .probe = probe };',
        'module_pci_driver(misses);',
        `// ${process.pid}, which no kept module has.`,
      ),
    );
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const modules = [await kernelModule({ sources: source })];
    expect(warn.mock.calls).toEqual([[expect.stringContaining(`${source}:5:`)]]);
    expect(warn.mock.calls[0]?.[0]).toContain('unused variable');
    warn.mockRestore();
    await expectRefusal(
      () => linuxGuest({ device: { driver: 'edu' }, modules }),
      'guest-driver-unbound',
      "'misses' is for 1234:11e8",
      'misses',
      'error -5',
    );
    await using guest = await linuxGuest({ device: { driver: 'edu' }, modules, requireDriver: false });
    expect(await guest.bar(0).read32(0)).toBe(0x010000ed);
    await expectRefusal(() => linuxGuest({ modules, kernel: 'cloud' }), 'guest-option', "'misses'", 'cloud');
  });

  it('that has an Oops fails the guest, with the place', async () => {
    const source = put(
      'oops.c',
      ...head(
        'static int set(const char *text, const struct kernel_param *of) { *(volatile int *)8 = 1; return 0; }',
        'static const struct kernel_param_ops ops = { .set = set };',
        'module_param_cb(touch, &ops, NULL, 0200);',
      ),
    );
    const guest = await linuxGuest({ modules: [await kernelModule({ sources: source })] });
    await expectRefusal(
      () => guest.run('echo 1 >/sys/module/oops/parameters/touch'),
      'guest-panic',
      'NULL pointer dereference',
      'RIP: 0010:set+0x',
      '[oops]',
    );
    await guest.stop();
  });

  it('that fails a command or waits in the kernel is quoted with what it said, and with its stack', async () => {
    const source = put(
      'waits.c',
      ...head(
        '#include <linux/delay.h>',
        'static int set(const char *text, const struct kernel_param *of) {',
        'if (text[0] == 119) msleep(200000);',
        'pr_info("it does not answer\\n"); return -EIO; }',
        'static const struct kernel_param_ops ops = { .set = set };',
        'module_param_cb(touch, &ops, NULL, 0200);',
      ),
    );
    await using guest = await linuxGuest({ modules: [await kernelModule({ sources: source })] });
    const touch = (text: string) => () =>
      guest.run(`printf ${text} >/sys/module/waits/parameters/touch`, { timeout: 1000 });
    await expectRefusal(touch('x'), 'guest-command-failed', 'it does not answer');
    await expectRefusal(touch('wait'), 'guest-command-timeout', 'nor when', 'set+0x', '[waits]');
    await expectRefusal(() => guest.run('echo'), 'guest-command-timeout', 'printf wait', 'runs still');
    await guest.reset();
    expect(await guest.run('echo well')).toEqual({ status: 0, output: 'well\n' });
  });

  it('that does not give its device up is named, and the guest goes on', async () => {
    const source = put(
      'keeps.c',
      ...head(
        '#include <linux/delay.h>',
        '#include <linux/pci.h>',
        'static const struct pci_device_id ids[] = { { PCI_DEVICE(0x1234, 0x11e8) }, {} };',
        'static int probe(struct pci_dev *dev, const struct pci_device_id *id) { return 0; }',
        'static void keeps(struct pci_dev *dev) { pr_info("it is kept\\n"); msleep(4000); }',
        'static struct pci_driver keeper = { .name = "keeps", .id_table = ids, .probe = probe, .remove = keeps };',
        'module_pci_driver(keeper);',
      ),
    );
    const modules = [await kernelModule({ sources: source })];
    await using guest = await linuxGuest({ device: { driver: 'edu' }, modules });
    await expectRefusal(() => guest.unplug({ timeout: 1000 }), 'guest-unplug-timeout', '1 s', 'remove()');
    await guest.run(`until [ ! -e /sys/bus/pci/devices/${guest.address} ]; do sleep 0.1; done`);
    expect(await guest.dmesg()).toContain('it is kept');
    // Linux was too slow for the call, and has given it up since.
    await guest.unplug();
    await guest.replug();
    const events = '/sys/firmware/acpi/interrupts/gpe01';
    const before = Number.parseInt(await guest.read(events), 10);
    await expectRefusal(() => guest.unplug({ timeout: 1000 }), 'guest-unplug-timeout');
    // A second request would eject the next device too.
    await guest.replug();
    expect(Number.parseInt(await guest.read(events), 10)).toBe(before + 2);
    expect(await guest.read(`/sys/bus/pci/devices/${guest.address}/device`)).toBe('0x11e8\n');
    // Its probe() does not enable it, and nobody else may.
    await expectRefusal(() => guest.bar(0).read32(0), 'guest-bar', '0000:00:10.0', 'pci_enable_device()');
  });
});
