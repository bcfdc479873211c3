import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { use } from '../../../../sdk/index.ts';
import { linuxGuest, whyNoLinuxGuest } from '../../../../sdk/testing/qemu/index.ts';
import { GuestFailure } from '../../../../sdk/testing/qemu/linux/guest-failure.ts';
import { type PluggedDevice, plugged } from '../../../../sdk/testing/qemu/linux/plugged-device.ts';
import { needs, whyNoKoffi } from '../../../needs.ts';
import { expectRefusal } from '../../../refusal.ts';
import * as client from '../../../serve/client.ts';
import { SocketClient } from '../../../serve/native-client.ts';
import { ownTemporaryFolder } from '../own-temporary-folder.ts';
import { FaultyCard, Register, whenGood } from './faulty-card.ts';

const folder = ownTemporaryFolder();
const nothingMore = { behind: [], backends: [] };

describe('a device of this process that is plugged in', needs('koffi', whyNoKoffi()), () => {
  let device: PluggedDevice | undefined;
  let qemu: SocketClient | undefined;
  afterEach(async () => {
    qemu?.close();
    await device?.close();
  });

  async function attached(): Promise<SocketClient> {
    device = await plugged(use(FaultyCard), folder, nothingMore);
    qemu = await SocketClient.connect(join(folder, 'device.sock'));
    await qemu.ask(client.version());
    return qemu;
  }

  it('fails its guest when a handler throws, with the device, the access and the cause', async () => {
    const failure = new GuestFailure();
    const link = await attached();
    failure.watch(device!.failure);
    expect((await link.ask(client.read(0, Register.Good, 4))).value).toBe(0n);
    expect(await failure.orFailure(Promise.resolve('well'))).toBe('well');
    failure.throwUnreported();
    expect((await link.ask(client.read(0, Register.Faulty, 4))).errno).toBe(5);
    const named = ["'faulty-card'", 'offset 0x4', 'not today'];
    expectRefusal(() => failure.throwUnreported(), 'guest-device-failed', ...named);
    await expectRefusal(() => failure.orFailure(new Promise(() => undefined)), 'guest-device-failed', ...named);
    failure.throwUnreported();
  });

  it('is served until QEMU has left it, which aborts where the server leaves while it unmaps memory', async () => {
    const link = await attached();
    let isClosed = false;
    const closing = device!.close().then(() => {
      isClosed = true;
    });
    for (let time = 0; time < 10; time++) expect((await link.ask(client.read(0, Register.Good, 4))).value).toBe(0n);
    expect([isClosed, link.isClosed]).toEqual([false, false]);
    link.close();
    await closing;
    expect([isClosed, device!.served!.attached]).toEqual([true, false]);
  });

  it('leaves a client that does not end its connection within a minute', async () => {
    const link = await attached();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const closing = device!.close();
      await vi.advanceTimersByTimeAsync(60_000);
      await closing;
    } finally {
      vi.useRealTimers();
    }
    await link.closed();
    expect(device!.served!.attached).toBe(false);
  });

  it('fails it for a write that nobody waits for, and keeps no more than its share of what is said', async () => {
    const link = await attached();
    for (let time = 0; time < 200; time++) link.send(client.write(0, Register.Faulty, 7, 4, client.NoReply));
    await expectRefusal(() => device!.failure, 'guest-device-failed', 'not 7 either');
    await link.ask(client.read(0, Register.Good, 4));
    expect(device!.served!.counts.failures).toBe(200);
    expect(device!.notes).toHaveLength(100);
  });
});

describe('a guest whose device throws', needs('qemu', whyNoLinuxGuest()), () => {
  it('fails the call that waits, and each later one', async () => {
    const guest = await linuxGuest({ device: use(FaultyCard) });
    await guest.bar(0).write32(Register.Good, 3);
    expect(guest.notes).toEqual([]);
    const named = ["'faulty-card'", 'offset 0x4', 'not today'];
    await expectRefusal(() => guest.bar(0).read32(Register.Faulty), 'guest-device-failed', ...named);
    await expectRefusal(() => guest.run('echo'), 'guest-device-failed', ...named);
    expect(guest.notes).toEqual([expect.stringContaining('not today')]);
    await guest.stop();
  });

  it('fails its end where no call has, and is told what else the server said', async () => {
    const guest = await linuxGuest({ device: use(FaultyCard) });
    expect(await guest.bar(0).read32(Register.Slow)).toBe(1);
    expect(guest.notes).toEqual([
      expect.stringMatching(/RegionRead \(BAR 0 at 0x8, region 'registers'\) took [1-9][0-9.]* s/),
    ]);
    await whenGood(guest, `devmem $((bar + ${Register.Faulty})) 32`);
    guest.device.device.good = 1;
    while (guest.device.counts.failures === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await expectRefusal(() => guest.stop(), 'guest-device-failed', 'not today');
  });
});
