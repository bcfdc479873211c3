import { describe, expect, it } from 'vitest';
import type { KernelMemorySlot } from '../../sdk/accelerator/kvm/simulated-kernel/processor.ts';
import { Stop } from '../../sdk/accelerator/kvm/simulated-kernel/processor.ts';
import { type Json, JsonReader } from '../../sdk/base/json-reader.ts';
import { needs, whyNoX86 } from '../needs.ts';
import { BareProcessor, code, slot, x86 } from './bare-processor.ts';

const Readonly = 2;
const Rom = 0xf_0000;

class Pc extends BareProcessor {
  readonly rom = new DataView(new ArrayBuffer(0x1_0000));

  /** RAM everywhere, but for the ROM at 0xf0000 and a hole at 0xe0000. */
  showRom(): readonly KernelMemorySlot[] {
    return [
      this.ramSlot(0, 0xa_0000),
      this.ramSlot(0xc_0000, 0x2_0000),
      slot(Rom, this.rom, Readonly),
      this.ramSlot(0x10_0000),
    ];
  }

  showRam(): readonly KernelMemorySlot[] {
    return [this.ramSlot(0, 0xa_0000), this.ramSlot(0xc_0000)];
  }

  /** Whatever is there, stored by the guest, or read by it. */
  guestStore(address: number, value: number): void {
    this.ram.set(code('a2 00 00 00 00 f4'), 0x1000);
    new DataView(this.ram.buffer, this.ram.byteOffset).setUint32(0x1001, address, true);
    expect(this.begin(32, 0x1000, { eax: value }).run()).toBe(Stop.Halt);
  }

  guestLoad(address: number): number {
    this.ram.set(code('a0 00 00 00 00 f4'), 0x1000);
    new DataView(this.ram.buffer, this.ram.byteOffset).setUint32(0x1001, address, true);
    expect(this.begin(32, 0x1000).run()).toBe(Stop.Halt);
    return this.get('eax') & 0xff;
  }

  change(slots: readonly KernelMemorySlot[]): number {
    const overwritten = this.vm.memory.findOverwritten();
    this.vm.memory.slotsChanged(slots);
    return overwritten;
  }
}

async function pc(): Promise<Pc> {
  const made = new Pc(await x86());
  new Uint8Array(made.rom.buffer).fill(0x5a);
  made.ram[Rom + 0x100] = 0x11;
  return made;
}

describe('memory below 1 MiB', needs('host', whyNoX86()), () => {
  it('shows the ROM over the RAM, and the RAM again, as PAM says', async () => {
    const guest = await pc();
    expect(guest.guestLoad(Rom + 0x100)).toBe(0x11);
    expect(guest.change(guest.showRom())).toBe(-1);
    expect([guest.guestLoad(Rom + 0x100), guest.guestLoad(0xe_0000)]).toEqual([0x5a, 0xff]);
    expect(guest.change(guest.showRam())).toBe(-1);
    expect(guest.guestLoad(Rom + 0x100)).toBe(0x11);
    guest.guestStore(Rom + 0x100, 0x22);
    expect(guest.change(guest.showRom())).toBe(-1);
    expect(guest.guestLoad(Rom + 0x100)).toBe(0x5a);
    expect(guest.change(guest.showRam())).toBe(-1);
    expect(guest.guestLoad(Rom + 0x100)).toBe(0x22);
    expect(guest.seen).toEqual([]);
  });

  it('finds the first byte of the ROM that a guest has changed, puts it back, and leaves the machine its ROM', async () => {
    const guest = await pc();
    guest.change(guest.showRom());
    guest.guestStore(Rom + 0x2345, 1);
    guest.guestStore(Rom + 0x345, 2);
    expect(guest.guestLoad(Rom + 0x345)).toBe(2);
    expect(guest.vm.memory.findOverwritten()).toBe(Rom + 0x345);
    expect(guest.vm.memory.findOverwritten()).toBe(-1);
    expect([guest.guestLoad(Rom + 0x345), guest.guestLoad(Rom + 0x2345), guest.rom.getUint8(0x345)]).toEqual([
      0x5a, 0x5a, 0x5a,
    ]);
  });

  it('has nothing where no slot has come yet, and then its RAM as it was', async () => {
    const { memory } = (await x86()).create();
    const { bytes, view } = memory.allocate(0x20_0000, 'ram');
    bytes[0x1000] = 0x11;
    memory.slotsChanged([slot(Rom, new DataView(new ArrayBuffer(0x1_0000)), Readonly)]);
    expect([bytes[0x1000], bytes[Rom]]).toEqual([0xff, 0]);
    memory.slotsChanged([slot(0, new DataView(view.buffer, view.byteOffset, 0xa_0000))]);
    expect([bytes[0x1000], bytes[Rom]]).toEqual([0x11, 0xff]);
  });

  it('executes the ROM that ends at 4 GiB as soon as its slot has come', async () => {
    const guest = await pc();
    for (const [byte, value] of [
      ['5a', 0x5a],
      ['66', 0x66],
    ] as const) {
      const rom = new DataView(new ArrayBuffer(0x1_0000));
      new Uint8Array(rom.buffer).set(code(`b0 ${byte} f4`), 0x100);
      guest.change([...guest.showRam(), slot(0xffff_0000, rom, Readonly)]);
      expect(guest.begin(32, 0xffff_0100).run()).toBe(Stop.Halt);
      expect(guest.get('eax') & 0xff).toBe(value);
    }
  });

  it('shows what the machine has put into its ROM since', async () => {
    const guest = await pc();
    guest.change(guest.showRom());
    guest.rom.setUint8(0x10, 0x77);
    expect(guest.vm.memory.findOverwritten()).toBe(-1);
    expect(guest.guestLoad(Rom + 0x10)).toBe(0x77);
  });

  it('gives the stores of a guest to other memory that shows there, which is no mistake', async () => {
    const guest = await pc();
    const shared = new DataView(new ArrayBuffer(0x1_0000));
    guest.change([guest.ramSlot(0, 0xa_0000), slot(0xd_0000, shared), guest.ramSlot(0x10_0000)]);
    guest.guestStore(0xd_0004, 9);
    expect(guest.vm.memory.findOverwritten()).toBe(-1);
    expect([shared.getUint8(4), guest.guestLoad(0xd_0004)]).toEqual([9, 9]);
    expect(guest.change(guest.showRam())).toBe(-1);
    expect(guest.guestLoad(0xd_0004)).toBe(0);
  });

  it('protects RAM that PAM lets nothing write, by comparison', async () => {
    const guest = await pc();
    const { buffer, byteOffset } = guest.ram;
    const closed = slot(Rom, new DataView(buffer, byteOffset + Rom, 0x1_0000), Readonly);
    guest.change([guest.ramSlot(0, 0xa_0000), closed, guest.ramSlot(0x10_0000)]);
    expect(guest.guestLoad(Rom + 0x100)).toBe(0x11);
    guest.guestStore(Rom + 0x100, 0x33);
    expect(guest.change(guest.showRam())).toBe(Rom + 0x100);
    expect(guest.guestLoad(Rom + 0x100)).toBe(0x11);
  });

  it('takes what the host writes for the RAM below the window', async () => {
    const guest = await pc();
    guest.change(guest.showRom());
    guest.ram.set([0x44, 0x45], Rom + 0xffe);
    guest.vm.memory.written(Rom + 0xffe, 2);
    expect(guest.guestLoad(Rom + 0xffe)).toBe(0x5a);
    expect(guest.vm.memory.findOverwritten()).toBe(-1);
    guest.change(guest.showRam());
    expect([guest.guestLoad(Rom + 0xffe), guest.guestLoad(Rom + 0xfff), guest.guestLoad(Rom + 0x100)]).toEqual([
      0x44, 0x45, 0x11,
    ]);
  });

  it.each(['slots', 'state'])('has the RAM below a window after a restore, the %s first', async (first) => {
    const guest = await pc();
    guest.change(guest.showRom());
    const saved = JSON.parse(JSON.stringify(guest.processor.save())) as Json;
    const ram = guest.ram.slice();
    const other = await pc();
    other.ram[Rom + 0x100] = 0x99;
    const restore = (): void => {
      other.ram.set(ram);
      other.vm.memory.written(0, ram.length);
      other.processor.read(new JsonReader(saved, '', []))();
    };
    if (first === 'state') restore();
    other.change(other.showRom());
    if (first === 'slots') restore();
    expect(other.guestLoad(Rom + 0x100)).toBe(0x5a);
    other.change(other.showRam());
    expect(other.guestLoad(Rom + 0x100)).toBe(0x11);
  });

  it('has no windows above 1 MiB: a ROM and a hole over RAM there are not seen', async () => {
    const guest = await pc();
    guest.ram.set([0x12, 0x13], 0x18_0ffe);
    guest.change([guest.ramSlot(0, 0xa_0000), guest.ramSlot(0xc_0000, 0xb_0000), slot(0x18_0000, guest.rom, Readonly)]);
    expect([guest.guestLoad(0x18_0ffe), guest.guestLoad(0x18_0fff), guest.guestLoad(0x17_0000)]).toEqual([
      0x12, 0x13, 0,
    ]);
    guest.guestStore(0x18_0ffe, 0x14);
    expect([guest.vm.memory.findOverwritten(), guest.rom.getUint8(0xffe)]).toEqual([-1, 0x5a]);
    expect(guest.seen).toEqual([]);
  });

  it('has a first MiB also where the machine has less RAM, and nothing in it', async () => {
    const guest = new BareProcessor(await x86(), 0x8_0000);
    expect(guest.ram.length).toBe(0x8_0000);
    guest.ram.set(code('a0 00 00 08 00 8a 25 00 00 0a 00 f4'), 0x1000);
    expect(guest.begin(32, 0x1000).run()).toBe(Stop.Halt);
    expect([guest.get('eax'), guest.seen]).toEqual([0x00ff, ['load8 a0000']]);
  });
});
