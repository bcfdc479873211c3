import { describe, expect, it } from 'vitest';
import { Edu } from '../../devices/index.ts';
import { use } from '../../sdk/index.ts';
import { PciCapabilityId } from '../../sdk/pci.ts';
import { type LinuxGuest, linuxGuest, whyNoLinuxGuest } from '../../sdk/testing/qemu/index.ts';
import { needs } from '../needs.ts';
import { GuestConfigSpace } from './config-space.ts';

/** RAM that Linux leaves alone, so that `/dev/mem` reaches it. */
const OwnRam = 0x0600_0000;
const kernelArguments = `memmap=64K$0x${OwnRam.toString(16)}`;
const Register = { Liveness: 0x04, Factorial: 0x08, Status: 0x20, Raise: 0x60, Acknowledge: 0x64 } as const;
const Dma = { Source: 0x80, Destination: 0x88, Count: 0x90, Command: 0x98 } as const;
const CardBuffer = 0x4_0000;
/** Memory and bus master of the command register; its high byte has interrupt disable. */
const Command = { Offset: 0x04, Enabled: 0x06, HighByte: 0x05 } as const;

const uio = async (guest: LinuxGuest): Promise<number> => (await guest.interrupts('uio_pci_generic'))[0]?.count ?? -1;

async function interruptedTimes(guest: LinuxGuest, times: number): Promise<void> {
  await guest.run(`until grep -q ' ${times} .*uio_pci_generic' /proc/interrupts; do sleep 0.02; done`);
}

async function load(guest: LinuxGuest, address: number): Promise<number> {
  return Number((await guest.run(`devmem 0x${address.toString(16)} 32`)).output);
}

describe.each(['pc', 'q35'] as const)('edu under Linux on %s', needs('qemu', whyNoLinuxGuest()), (machine) => {
  const options = { machine, device: use(Edu), modules: ['uio_pci_generic'], kernelArguments };

  it('inverts, computes, and interrupts uio_pci_generic by its pin, once for each cause', async () => {
    await using guest = await linuxGuest(options);
    const [bar, config] = [guest.bar(0), new GuestConfigSpace(guest)];
    await guest.run('echo 1234 11e8 >/sys/bus/pci/drivers/uio_pci_generic/new_id');
    await bar.write32(Register.Liveness, 0x12345678);
    expect(await bar.read32(Register.Liveness)).toBe(0xedcba987);
    await bar.write32(Register.Status, 0x80);
    await bar.write32(Register.Factorial, 12);
    await interruptedTimes(guest, 1);
    expect(await bar.read32(Register.Factorial)).toBe(479_001_600);
    expect(await uio(guest)).toBe(1);
    for (let time = 2; time <= 5; time++) {
      await bar.write32(Register.Acknowledge, 0xffff_ffff);
      // The driver sets interrupt disable at each interrupt.
      await config.write(Command.HighByte, 0);
      await bar.write32(Register.Raise, 1);
      await interruptedTimes(guest, time);
    }
    expect(await uio(guest)).toBe(5);
    expect(guest.device.device).toBeInstanceOf(Edu);
    expect(guest.device.guestErrors).toEqual([]);
  });

  it('copies from RAM and into it, and sends its message into RAM', async () => {
    await using guest = await linuxGuest(options);
    const [bar, config] = [guest.bar(0), new GuestConfigSpace(guest)];
    const transfer = async (from: number, to: number, command: number): Promise<void> => {
      await bar.write64(Dma.Source, BigInt(from));
      await bar.write64(Dma.Destination, BigInt(to));
      await bar.write64(Dma.Count, 8n);
      await bar.write64(Dma.Command, BigInt(command));
      while (((await bar.read64(Dma.Command)) & 1n) !== 0n);
    };
    expect(await bar.read32(Register.Liveness)).toBe(0);
    await config.write(Command.Offset, Command.Enabled, 0x04);
    const [source, copy, message] = [OwnRam, OwnRam + 0x100, OwnRam + 0x200];
    await guest.run(`devmem ${source} 64 0x0123456789abcdef; devmem ${copy} 64 0; devmem ${message} 32 0`);
    await transfer(source, CardBuffer, 0b01);
    await transfer(CardBuffer, copy, 0b11);
    expect([await load(guest, copy), await load(guest, copy + 4)]).toEqual([0x89abcdef, 0x01234567]);
    const msi = await config.capability(PciCapabilityId.Msi);
    await config.write(msi + 4, 0, 2, 0, 6);
    await config.write(msi + 8, 0, 0, 0, 0);
    await config.write(msi + 12, 0xcd, 0xab);
    await config.write(msi + 2, 0x81, 0);
    await bar.write32(Register.Raise, 1);
    await bar.read32(Register.Liveness);
    expect(await load(guest, message)).toBe(0xabcd);
    expect(guest.device.guestErrors).toEqual([]);
  });

  it('is plugged in and taken out ten times, with a driver that has it', async () => {
    await using guest = await linuxGuest(options);
    await guest.run('echo 1234 11e8 >/sys/bus/pci/drivers/uio_pci_generic/new_id');
    for (let time = 0; time < 10; time++) {
      await guest.bar(0).write32(Register.Liveness, time);
      const before = guest.device;
      await guest.replug();
      expect(guest.device).not.toBe(before);
      expect(await guest.bar(0).read32(Register.Liveness)).toBe(0);
      expect(await uio(guest)).toBe(0);
    }
  });
});
