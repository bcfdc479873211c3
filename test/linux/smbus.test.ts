import { describe, expect, it } from 'vitest';
import { Ds1307, Eeprom, Ich9Smbus } from '../../devices/index.ts';
import { memoryImage } from '../../sdk/backend.ts';
import { use } from '../../sdk/index.ts';
import {
  kernelModule,
  type LinuxGuest,
  linuxGuest,
  whyNoKernelModule,
  whyNoLinuxGuest,
} from '../../sdk/testing/qemu/index.ts';
import { needs } from '../needs.ts';
import { ds1307Source } from './driver-source.ts';

const bytes = Uint8Array.from({ length: 256 }, (_, index) => (index * 7) & 0xff);
const controller = use(Ich9Smbus, { options: { enabled: true } });
const clockSetTo = (date: Date) => use(Ds1307, { bus: 'ICH9-SMB.smbus', addr: '0x68', options: { date } });

/** Linux's number of the bus behind our controller; q35 has one of QEMU too. */
async function adapterOf(guest: LinuxGuest): Promise<string> {
  const { output } = await guest.run(`cd /sys/bus/pci/devices/${guest.address} && echo i2c-*`);
  return /^i2c-(\d+)\n$/.exec(output)?.[1] as string;
}

describe.each(['pc', 'q35'] as const)('the SMBus controller of ICH9 under Linux on %s', (machine) => {
  it(
    'is driven by i2c-i801: a clock and an EEPROM are found and read, and at24 writes the EEPROM',
    needs('qemu', whyNoLinuxGuest({ kernel: 'full' })),
    async () => {
      const image = bytes.slice();
      const eeprom0 = { bus: 'ICH9-SMB.smbus', addr: '0x50', options: { part: '24c02', drive: 'eeprom0' } } as const;
      await using guest = await linuxGuest({
        machine,
        device: controller,
        behind: [clockSetTo(new Date('2026-11-30T12:00:00Z')), use(Eeprom, eeprom0)],
        backends: [memoryImage({ id: 'eeprom0', bytes: image })],
        kernel: 'full',
        modules: ['i2c-i801', 'i2c-dev', 'at24'],
      });
      expect(await guest.read(`/sys/bus/pci/devices/${guest.address}/uevent`)).toContain('DRIVER=i801_smbus');
      const adapter = await adapterOf(guest);
      const found = (await guest.run(`i2cdetect -y ${adapter}`)).output;
      expect(found).toMatch(/^50: 50 /m);
      expect(found).toMatch(/^60:.* 68 /m);
      // Hours and the day, in BCD: the clock runs meanwhile, and the test may not take the hour.
      for (const [register, value] of [
        [2, '0x12'],
        [4, '0x30'],
      ] as const)
        expect((await guest.run(`i2cget -y ${adapter} 0x68 ${register}`)).output.trim()).toBe(value);
      await guest.run(`echo 24c02 0x50 >/sys/class/i2c-adapter/i2c-${adapter}/new_device`);
      const eeprom = `/sys/bus/i2c/devices/${adapter}-0050/eeprom`;
      // In blocks of 32 bytes, each with as many interrupts and one for its end.
      const { output } = await guest.run(`dd if=${eeprom} bs=256 count=1 2>/dev/null | hexdump -v -e '1/1 "%02x"'`);
      expect(output).toBe(Buffer.from(bytes).toString('hex'));
      await guest.run(`printf 'written by Linux' | dd of=${eeprom} bs=1 seek=24 conv=notrunc`);
      expect(Buffer.from(image.subarray(24, 40)).toString()).toBe('written by Linux');
      expect(guest.device.guestErrors).toEqual([]);
    },
  );

  it('has a DS1307 that hwclock reads by rtc-ds1307, which is built here', {
    ...needs('qemu', whyNoKernelModule()),
    timeout: 900_000,
  }, async ({ skip, task }) => {
    const source = await ds1307Source();
    if (typeof source === 'string') {
      task.meta.skipped = source;
      return skip(source);
    }
    const driver = await kernelModule({ sources: source.path });
    await using guest = await linuxGuest({
      machine,
      device: controller,
      behind: [clockSetTo(new Date('2031-05-17T21:43:50Z'))],
      modules: ['i2c-i801', driver],
    });
    const adapter = await adapterOf(guest);
    await guest.run(`echo ds1307 0x68 >/sys/class/i2c-adapter/i2c-${adapter}/new_device`);
    expect(await guest.read('/sys/class/rtc/rtc1/name')).toBe(`rtc-ds1307 ${adapter}-0068\n`);
    // The day ends two hours later: the clock runs meanwhile.
    expect((await guest.run('hwclock -r -u -f /dev/rtc1')).output).toMatch(/^Sat May 17 2[123]:\d\d:\d\d 2031 /);
    expect(guest.device.guestErrors).toEqual([]);
  });
});
