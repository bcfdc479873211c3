import { device, mmioRegion } from '../../../../sdk/index.ts';
import { bar, PciDevice, pci } from '../../../../sdk/pci.ts';
import type { LinuxGuest } from '../../../../sdk/testing/qemu/index.ts';

const registers = mmioRegion({ name: 'registers', size: 0x1000, accessSizes: [4] });
const good = registers.register(0, { width: 32, name: 'good' });

export const Register = { Good: 0, Faulty: 4, Slow: 8 } as const;

/** A card whose author has made a mistake. */
@device({ type: 'faulty-card', description: 'throws' })
@pci({ vendorId: 0x1234, deviceId: 0x11eb, classCode: 0xff00 })
@bar(0, registers)
export class FaultyCard extends PciDevice {
  @good good = 0;

  @registers.read(Register.Faulty)
  readFaulty(): number {
    throw new Error('not today');
  }

  @registers.write(Register.Faulty)
  writeFaulty(value: number): void {
    throw new Error(`not ${value} either`);
  }

  /** Longer than the server is silent about. */
  @registers.read(Register.Slow)
  readSlow(): number {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1100);
    return 1;
  }
}

/** Has the guest run a line, behind its calls, as soon as the test sets `good`: no call of the guest's waits meanwhile. */
export async function whenGood(guest: LinuxGuest<FaultyCard>, line: string): Promise<void> {
  await guest.bar(0).read32(Register.Good);
  const [first] = (await guest.read(`/sys/bus/pci/devices/${guest.address}/resource`)).split(' ');
  const isGood = `[ $(devmem $((bar + ${Register.Good})) 32) != 0x00000000 ]`;
  await guest.run(`(bar=${first}; until ${isGood}; do sleep 0.02; done; ${line}) >/dev/null 2>&1 &`);
}
