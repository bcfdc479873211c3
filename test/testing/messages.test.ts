import type { Socket } from 'node:net';
import { afterAll, vi } from 'vitest';
import { CharBackend } from '../../sdk/backend.ts';
import { Bus } from '../../sdk/bus.ts';
import {
  bits,
  Device,
  defineOptions,
  device,
  IsaDevice,
  type OptionsOf,
  option,
  options,
  place,
  portRegion,
  reserved,
} from '../../sdk/index.ts';
import { ConformanceError, checkDevice, deviceConformance, testBench } from '../../sdk/testing/index.ts';
import { LinuxKernel } from '../../sdk/testing/qemu/debian/linux-kernel.ts';
import type { PackageCache } from '../../sdk/testing/qemu/debian/package-cache.ts';
import { PrivateApt } from '../../sdk/testing/qemu/debian/private-apt.ts';
import { runProgram } from '../../sdk/testing/qemu/host-program.ts';
import {
  GuestCommandError,
  kernelModule,
  linuxGuest,
  QemuProcess,
  QmpClient,
  type QmpValue,
  QtestClient,
} from '../../sdk/testing/qemu/index.ts';
import { refuseUnbound } from '../../sdk/testing/qemu/linux/driver-binding.ts';
import { deviceThrew } from '../../sdk/testing/qemu/linux/guest-failure.ts';
import { GuestPciFunction } from '../../sdk/testing/qemu/linux/pci-function.ts';
import { rootFileSystem } from '../../sdk/testing/qemu/linux/root-files.ts';
import { checkLine } from '../../sdk/testing/qemu/linux/shell.ts';
import { goldenMessages } from '../golden-messages.ts';
import { CountingBell } from '../machine/toy-bus.ts';
import { answerLines, socketPair } from './qemu/fake-emulator.ts';

const ports = portRegion({ name: 'lamp', base: 0x300, size: 4, accessSizes: [1] });
const others = portRegion({ name: 'others', base: 0x310, size: 4, accessSizes: [1] });
const level = ports.register(0, {
  width: 8,
  fields: { high: bits(0, 1, 'read-write', { values: { Off: 0, On: 1 } }), rest: reserved([2, 7]) },
});
const taken = ports.register(1, { width: 8, access: 'read-only' });
const given = ports.register(1, { width: 8, access: 'write-only' });

@device({ type: 'lamp', description: 'A lamp to test messages with' })
class Lamp extends IsaDevice {
  @level level = 0;
  @taken taken = 0;
  @given given = 0;
}

/** The other checks find nothing, and soon. */
const recordedGuest = (header: string) => {
  const bytes = new TextEncoder().encode(`# iotrace v1\n${header}\n0 PR 300 1 0\n`);
  return { recordings: [{ name: 'boot.iotrace', bytes }], runs: 1, length: 5, hostileAccesses: 10 };
};

const talkerOptions = defineOptions({
  chardev: option.backend(CharBackend, { description: 'where it talks' }),
});

/** Writes again whenever there is room. */
@device({ type: 'talker', description: 'Never stops' })
class Talker extends IsaDevice {
  constructor(@options(talkerOptions) { chardev }: OptionsOf<typeof talkerOptions>) {
    super();
    chardev.connect({
      onReceive: () => this.talk(chardev),
      onWritable: () => this.talk(chardev),
    });
  }

  private talk(chardev: CharBackend): void {
    while (chardev.write(0x61));
  }
}

class LostBus extends Bus {
  static readonly kind = 'lost';

  constructor(readonly length: number) {
    super();
    if (length === undefined) throw new RangeError('no length');
  }

  attach() {
    return () => {};
  }
}

@device({ type: 'lost', description: 'On a bus that needs to know its length' })
class Lost extends Device {
  static readonly plugsInto = LostBus;
}

/** Keeps what was written over a reset: the suite finds that first. */
@device({ type: 'stays-on', description: 'Forgets to reset itself' })
class StaysOn extends IsaDevice {
  private on = 0;

  @ports.write(0)
  write(value: number): void {
    this.on = value;
  }

  @ports.read(0)
  read(): number {
    return this.on;
  }
}

const open: { close(): void }[] = [];
afterAll(() => {
  for (const one of open.splice(0)) one.close();
  vi.unstubAllEnvs();
});

async function qtestAnswering(line: string, options = {}): Promise<{ qtest: QtestClient; emulator: Socket }> {
  const { client, emulator } = await socketPair();
  const qtest = new QtestClient(client, options);
  open.push(qtest, { close: () => emulator.destroy() });
  answerLines(emulator, () => line);
  return { qtest, emulator };
}

async function qmpAnswering(value: QmpValue): Promise<QmpClient> {
  const { client, emulator } = await socketPair();
  open.push({ close: () => emulator.destroy() });
  emulator.write('{"QMP": {}}\n');
  answerLines(emulator, (line) => `${JSON.stringify({ return: line.includes('capabilities') ? {} : value })}\n`);
  const qmp = await QmpClient.over(client);
  open.push(qmp);
  return qmp;
}

function conformanceOf(deviceClass: typeof StaysOn): void {
  let failure: unknown;
  const it = (_: string, body: () => void) => {
    try {
      body();
    } catch (error) {
      failure ??= error;
    }
  };
  deviceConformance(deviceClass, { describe: (_, body) => body(), it, runs: 2, length: 50, hostileAccesses: 100 });
  if (failure instanceof ConformanceError) throw failure;
}

const archive = { suite: 'trixie', folder: '/no/such/folder', keyring: '/no/such/keyring' };

/** No package has files in it: only what is asked for fails. */
const noRoot = { busybox: { name: 'busybox-static', version: '1', folder: '/no/such/folder' }, modules: [] };

goldenMessages('testing', {
  'bench-address': () => testBench(CountingBell, { addr: '10' }),
  'bench-without-bus': () => testBench(Lost),
  'bus-without-transfers': () => testBench(Lamp).transfer([1]),
  'answer-reader-threw': async () => {
    const { qtest } = await qtestAnswering('OK\n');
    const reader = () => {
      throw new Error('the reader');
    };
    await qtest.commands(['inb 1'], reader);
  },
  'archive-keyring-missing': () =>
    PrivateApt.open({ ...archive, environment: { BACKPLANE_DEBIAN_MIRROR: 'file:/archive' } }),
  'archive-package': () => LinuxKernel.fetch({ dependency: async () => undefined } as unknown as PackageCache, 'cloud'),
  'archive-unreachable': 'test/testing/qemu/linux-guest.test.ts does so, and apt has words of its own',
  'command-refused': async () => (await qtestAnswering('FAIL unknown\n')).qtest.in8(1),
  'conformance-failure': () => conformanceOf(StaysOn),
  'connection-broken': async () => {
    const { qtest, emulator } = await qtestAnswering('');
    emulator.once('data', () => emulator.destroy());
    await qtest.in8(1);
  },
  'connection-closed': async () => {
    const { qtest } = await qtestAnswering('');
    const asked = qtest.in8(1);
    qtest.close();
    await asked;
  },
  'debian-mirror': () => PrivateApt.open({ ...archive, environment: { BACKPLANE_DEBIAN_MIRROR: 'nowhere' } }),
  'emulator-ended': () => QemuProcess.start({ binary: '/bin/false' }),
  'emulator-not-found': () => {
    vi.stubEnv('QTEST_QEMU_BINARY', '/no/such/qemu');
    return QemuProcess.start();
  },
  'emulator-not-started': 'the shell that starts it is there on every host',
  'emulator-silent': async () => (await qtestAnswering('', { answerTimeout: 20 })).qtest.in8(1),
  'endless-output': () => testBench(Talker).backend('chardev').type('x'),
  'guest-bar': () => new GuestPciFunction('0000:00:10.0', async () => '0x0 0x0 0x0').bar(1).read8(0),
  'guest-boot-failed': 'test/testing/qemu/guest/own-device.test.ts does so, in QEMU',
  'guest-command-failed': () => Promise.reject(new GuestCommandError('cat /none', 1, "cat: can't open '/none'")),
  'guest-command-line': () => checkLine('echo \x03'),
  'guest-command-timeout': 'test/testing/qemu/guest/parts.test.ts does so, and waits for it',
  'guest-device-failed': () => Promise.reject(deviceThrew("Device 'lamp': reset() threw: Error: not today")),
  'guest-driver-unbound': () =>
    refuseUnbound(
      new GuestPciFunction('0000:00:10.0', async (line) => (line.startsWith('cat') ? '0x1234\n0x11e8\n' : '')),
      [],
      async () => '',
    ),
  'guest-file': () => rootFileSystem({ ...noRoot, files: { '/bin/test': '/no/such/file' } }),
  'guest-option': () => linuxGuest({ memory: '12K' }),
  'guest-output-too-large': 'test/testing/qemu/guest/parts.test.ts does so, by 20 MiB',
  'guest-panic': 'test/testing/qemu/guest/parts.test.ts does so',
  'guest-unplug-timeout': 'test/testing/qemu/guest/kernel-module.test.ts does so',
  'guest-packages-missing': 'test/testing/qemu/guest/parts.test.ts does so, without a PATH',
  'guest-restarted': 'test/testing/qemu/guest/parts.test.ts does so',
  'guest-stopped': 'test/testing/qemu/guest/own-device.test.ts does so, in QEMU',
  'guest-without-device': 'test/testing/qemu/guest/own-device.test.ts does so, in QEMU',
  'kernel-module-failed': 'test/testing/qemu/guest/kernel-module.test.ts does so, with a compiler',
  'kernel-module-option': () => kernelModule({ sources: '/no/such/driver.c' }),
  'guest-linux-timeout': 'test/testing/qemu/linux-guest.test.ts does so, and waits for it',
  'kernel-module-missing': () =>
    new LinuxKernel({ name: 'linux-image-6.9-cloud-amd64', version: '6.9-1', folder: '/no/such/folder' }).modules([
      'kvm',
    ]),
  'malformed-command': async () => (await qtestAnswering('OK\n')).qtest.command('inb  1'),
  'no-such-element': () => testBench(Lamp).register('level', 1),
  // @ts-expect-error: no such field of the register
  'no-such-field': () => testBench(Lamp).register(level).field('hihg'),
  'no-such-field-value': () => testBench(Lamp).register('level').field('high').write('Bright'),
  'no-such-input': () => testBench(StaysOn).setPin('hold' as never, true),
  // @ts-expect-error: no such field of the class
  'no-such-register': () => testBench(Lamp).register('levle'),
  'no-test-runner': () => deviceConformance(Lamp),
  'object-tree-too-large': async () => (await qmpAnswering([{ name: 'a', type: 'child<b>' }])).findObjects('x'),
  'program-failed': 'test/testing/qemu/linux-guest.test.ts does so, and each program has words of its own',
  'program-missing': () => runProgram('xz', ['-dc', 'kvm.ko.xz'], { environment: { PATH: '/no/such/folder' } }),
  'protocol-violation': async () => (await qtestAnswering('what?\n')).qtest.in8(1),
  'read-only-register': () => testBench(Lamp).register('taken').write(1),
  'recording-of-another-device': () => checkDevice(Lamp, recordedGuest('# device: edu, addr=05.0')),
  'recording-with-transfers': () => checkDevice(Lamp, recordedGuest('# device: lamp, addr=0\n# dma 5 1000 5a')),
  'region-not-on-bench': () => testBench(Lamp, { at: [place(others, 0x310)] }),
  'register-mismatch': () => testBench(Lamp).register('level').expect(3),
  'socket-folder': () => {
    vi.stubEnv('QTEST_QEMU_BINARY', '/bin/false');
    vi.stubEnv('TMPDIR', '/no/such/folder');
    return QemuProcess.start();
  },
  'value-too-wide': () => testBench(Lamp).register('level').write(0x100),
  'write-only-register': () => testBench(Lamp).register('given').read(),
});
