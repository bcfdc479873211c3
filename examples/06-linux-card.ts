// A Linux of 32 bits boots on our processor, and its shell drives the card of this file. Its files: npx backplane fetch linux-i386
import { device, KiB, MiB, mmioRegion, use } from 'backplane';
import { ringBuffer } from 'backplane/backend';
import { pcFirmware, pcI440fx } from 'backplane/machines';
import { x86MachineCode } from 'backplane/node';
import { bar, PciDevice, pci } from 'backplane/pci';
import { Machine, simulatedAccelerator } from 'backplane/runtime';
import { linuxI386, whyNoLinuxI386 } from 'backplane/testing/qemu';
import { linuxKernel } from 'backplane/x86';

const registers = mmioRegion({ name: 'multiplier', size: 4 * KiB, accessSizes: [4] });
const product = registers.register(8, { width: 32, access: 'read-only' });

/** Multiplies. A hostile guest can do no harm with it. */
@device({ type: 'multiplier', description: 'Multiplies two numbers' })
@pci({ vendorId: 0x1234, deviceId: 0x0a17, classCode: 0x00ff })
@bar(0, registers)
class Multiplier extends PciDevice {
  @registers.register(0, { width: 32 }) first = 0;
  @registers.register(4, { width: 32 }) second = 0;
  @product product = 0;

  @product.onRead()
  multiply(): number {
    return Math.imul(this.first, this.second) >>> 0;
  }
}

/** Linux gives the card an address, and the shell asks where it is. The end is printed without being typed. */
const script = `cd /sys/bus/pci/devices/0000:00:05.0; echo 1 >enable; read -r at end flags <resource
devmem $at 32 6; devmem $((at + 4)) 32 7; echo "at $at: $(devmem $((at + 8)) 32)"; uname -sr; echo D'ONE'
`;

async function main(): Promise<void> {
  const linux = linuxI386();
  if (linux === undefined) return console.log(`Skipped. ${whyNoLinuxI386()}`);
  const serial = ringBuffer({ id: 'serial0' });
  const pc = { ...pcI440fx, devices: [...pcI440fx.devices, use(Multiplier, { id: 'card', addr: '05.0' })] };
  const machine = Machine.create(pc, {
    ...{ ram: 48 * MiB, options: { chips: 'all' }, firmware: pcFirmware(), backends: [serial] },
    ...{ deviceOptions: { 'isa-serial': { instant: true } } },
    accelerator: simulatedAccelerator({ machineCode: await x86MachineCode() }),
  });
  const commandLine = 'console=ttyS0 tsc=reliable cryptomgr.notests quiet';
  machine.load(linuxKernel({ name: 'linux', ...linux, commandLine, ramSize: 48 * MiB }), {});
  const goOnUntil = (text: string) => {
    for (let steps = 0; steps < 300 && !serial.text.includes(text); steps++)
      machine.resume({ operationLimit: 3_000_000 });
  };
  goOnUntil('/ # ');
  serial.send(script);
  goOnUntil('DONE');
  for (const [line] of serial.text.matchAll(/^(at 0x|Linux ).*$/gm)) console.log(`The shell: ${line.trim()}`);
  const { first, second } = machine.device(Multiplier);
  console.log(`The card: ${first} and ${second}`);
}

await main();
