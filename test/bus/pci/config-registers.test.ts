import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { I440fx, Ich9Lpc, Piix3, Q35Mch } from '../../../devices/index.ts';
import { loadDevice, saveDevice } from '../../../sdk/device/index.ts';
import { bit, bits, device, MiB, reserved } from '../../../sdk/index.ts';
import { capability, configRegisters, PciBus, PciCapabilityId, PciDevice, pci } from '../../../sdk/pci.ts';
import { describeAccess, Machine, metadataOf, registerDocument } from '../../../sdk/runtime.ts';
import { type TestBench, testBench } from '../../../sdk/testing/index.ts';
import { pcI440fx, q35 } from '../../small-machines.ts';

const control = configRegisters.register(0x44, {
  width: 16,
  reset: 0x0010,
  fields: {
    on: bit(0),
    rate: bits(4, 6),
    state: bit(8, 'read-only'),
    once: bit(9, 'write-once'),
    rest: reserved([1, 3], 7, [10, 15]),
  },
});
const limits = configRegisters.register(0x51, { width: 8, count: 3 });
const powerState = configRegisters.register(0x64, {
  width: 16,
  fields: { state: bits(0, 1, 'read-write', { values: { D0: 0, D3: 3 } }), rest: reserved([2, 15]) },
});

@device({ type: 'tuned', description: 'A card with registers of its own in its configuration space' })
@pci({ vendorId: 0x1234, deviceId: 0x0001, classCode: 0xff00 })
@capability({ id: PciCapabilityId.PowerManagement, offset: 0x60, size: 8 })
@capability({ id: PciCapabilityId.VendorSpecific, contents: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] })
class Tuned extends PciDevice {
  @control control = 0x0010;
  @limits readonly limits = new Uint8Array(3);
  @powerState powerState = 0;
  @configRegisters.register(0xf8, { width: 64 }) wide = 0n;
  readonly heard: string[] = [];

  @control.onWrite('on')
  switchOn(on: number): void {
    this.heard.push(on ? 'on' : 'off');
  }

  @limits.onWrite()
  limit(value: number, _previous: number, index: number): void {
    this.heard.push(`${index}=${value}`);
  }
}

let bench: TestBench<Tuned>;
const address = (offset: number) => (0x8000_0800 | offset) >>> 0;
const read = (offset: number, size = 4) => bench.service(PciBus).readConfig(address(offset), size);
const write = (offset: number, value: number, size = 4) =>
  bench.service(PciBus).writeConfig(address(offset), value, size);
beforeEach(() => {
  bench = testBench(Tuned);
});

describe('a register of configuration space', () => {
  it('obeys its fields and calls its hooks, whatever the width of the access', () => {
    write(0x44, 0xffff_fffb);
    expect([bench.device.control, read(0x44, 2), read(0x44)]).toEqual([0x0271, 0x0271, 0xffff_0271]);
    write(0x45, 0x00, 1);
    expect([bench.device.control, bench.device.heard]).toEqual([0x0271, ['on']]);
    expect(bench.guestErrors[0]?.message).toContain("reserved bits 1 to 3 of register 'control'");
  });

  it('and bytes without one are reached by one access, each once', () => {
    write(0x50, 0x4433_2211);
    expect([...bench.device.limits]).toEqual([0x22, 0x33, 0x44]);
    expect(bench.device.heard).toEqual(['0=34', '1=51', '2=68']);
    expect([read(0x50), read(0x50, 1), bench.device.config.bytes[0x51]]).toEqual([0x4433_2211, 0x11, 0]);
    write(0xfc, 0x5566_7788);
    expect([bench.device.wide, read(0xfe, 4)]).toEqual([0x5566_7788_0000_0000n, 0x5566]);
  });

  it('goes back to its reset value where bytes without one stay', () => {
    write(0x44, 0x0001, 2);
    write(0x70, 0xdead_beef);
    bench.reset();
    expect([read(0x44, 2), read(0x70)]).toEqual([0x0010, 0xdead_beef]);
  });

  it('is one place in a snapshot', () => {
    write(0x50, 0x4433_2211);
    const saved = saveDevice(bench.device);
    expect(saved.fields['limits']).toBeDefined();
    const other = testBench(Tuned);
    loadDevice(other.device, JSON.parse(JSON.stringify(saved)));
    expect(other.device.readConfig(0x50, 4)).toBe(0x4433_2211);
  });

  it('is in the reference, and behind the bench of a register', () => {
    const text = registerDocument(metadataOf(Tuned));
    expect(text).toContain('## Registers of `PCI configuration`');
    expect(text).toContain('`limits[3]`');
    bench.register('control').write(0x0021);
    expect(bench.device.control).toBe(0x0021);
  });

  it('does with any access what a model of bytes says', () => {
    const access = fc.record({
      offset: fc.nat(0xff),
      size: fc.constantFrom(1, 2, 4),
      value: fc.integer({ min: 0, max: 0xffff_ffff }),
    });
    fc.assert(
      fc.property(fc.array(access, { maxLength: 30 }), (accesses) => {
        bench = testBench(Tuned);
        const model = Uint8Array.from({ length: 256 }, (_, at) => read(at, 1));
        const free = (at: number) => at < 0x54 || at >= 0x68;
        for (const { offset, size, value } of accesses) {
          if (offset < 0x48) continue;
          write(offset, value, size);
          for (let byte = 0; byte < size && offset + byte < 256; byte++) {
            const at = offset + byte;
            const written = (value >>> (8 * byte)) & 0xff;
            if (at === 0x64) model[at] = written & 3;
            else if (free(at)) model[at] = written;
          }
        }
        for (let at = 0x48; at < 256; at++) expect([at, read(at, 1)]).toEqual([at, model[at]]);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a capability of registers', () => {
  it('is linked into the list, and its bytes are the fields of the class', () => {
    expect(read(0x34, 1)).toBe(0x60);
    expect([read(0x60, 1), bench.device.capabilityOffset(PciCapabilityId.VendorSpecific)]).toEqual([1, read(0x61, 1)]);
    write(0x64, 3, 2);
    expect([bench.device.powerState, read(0x64, 2), read(0x62, 2)]).toEqual([3, 3, 0]);
  });

  it('leaves no room for those without a place where registers are', () => {
    expect(bench.device.capabilityOffset(PciCapabilityId.VendorSpecific)).toBe(0x54);
  });
});

describe('traces name registers behind the configuration ports and the window of Q35', () => {
  it('with their fields, or all that a wide access covers', () => {
    const machine = Machine.create(pcI440fx, { ram: 16 * MiB });
    const at = (register: number, size: number, value?: number, offset = 0) => {
      machine.io.write(0xcf8, 0x8000_0000 + register, 4);
      return describeAccess(machine, {
        isPort: true,
        address: 0xcfc + offset,
        size,
        ...(value === undefined ? {} : { value }),
      });
    };
    expect(at(0x70, 1, 0x4a, 2)).toBe('i440fx: smram baseSegment=at0xa0000 enable=1 lock=0 closed=0 open=1');
    expect(at(0x5c, 4)).toBe('i440fx: pam[3], pam[4], pam[5], pam[6]');
    expect(at(0x54, 4)).toBe('i440fx: ramSize');
    expect(at(0x50, 4)).toBe('i440fx: PCI configuration+0x50');
    expect(at(0x04, 2, 0x0107)).toBe(
      'i440fx: command io=1 memory=1 master=1 specialCycles=0 writeAndInvalidate=0 paletteSnoop=0 parityErrorResponse=0 stepping=0 serr=1 fastBackToBack=0 interruptDisable=0',
    );
    expect(at(0x0860, 1, 11)).toBe('piix3: pirqRoute[0] line=0xb disabled=0');
    expect(at(0x1000, 4)).toBe('pci-host: pci-conf-data+0x0');
  });

  it('also in memory', () => {
    const machine = Machine.create(q35, { ram: 16 * MiB });
    machine.io.write(0xcf8, 0x8000_0060, 4);
    machine.io.write(0xcfc, 0xb000_0001, 4);
    const at = (address: number, size: number) => describeAccess(machine, { isPort: false, address, size });
    expect(at(0xb000_0090, 1)).toBe('mch: pam[0]');
    expect(at(0xb000_0000 + (0x1f << 15) + 0x60, 4)).toBe(
      'ich9: pirqRouteAToD[0], pirqRouteAToD[1], pirqRouteAToD[2], pirqRouteAToD[3]',
    );
  });
});

describe('a snapshot from before the chips had registers', () => {
  /** What version 0.2.0 saved: all bytes in one place. */
  function older(machine: Machine, deviceClass: new (...args: never) => PciDevice, members: readonly string[]) {
    const present = machine.device(deviceClass);
    const saved = JSON.parse(JSON.stringify(saveDevice(present)));
    const bytes = Array.from({ length: 256 }, (_, at) => present.readConfig(at, 1));
    for (const name of members) delete saved.fields[name];
    saved.fields.config.bytes = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return { ...saved, version: 1 };
  }

  it('gives them their contents', () => {
    const machine = Machine.create(pcI440fx, { ram: 256 * MiB });
    const [controller, bridge] = [machine.device(I440fx), machine.device(Piix3)];
    controller.writeConfig(0x59, 0x30, 1);
    controller.writeConfig(0x72, 0x4a, 1);
    bridge.writeConfig(0x60, 0x0b0a_8005, 4);
    const names = metadataOf(Piix3)
      .registers.filter(({ bank }) => bank === configRegisters)
      .map(({ member }) => member);
    const saved = [older(machine, I440fx, ['ramSize', 'pam', 'smram']), older(machine, Piix3, names)];
    const fresh = Machine.create(pcI440fx, { ram: 256 * MiB });
    loadDevice(fresh.device(I440fx), saved[0]);
    loadDevice(fresh.device(Piix3), saved[1]);
    expect([fresh.device(I440fx).ramSize, fresh.device(I440fx).pam[0], fresh.device(I440fx).smram]).toEqual([
      32, 0x30, 0x4a,
    ]);
    expect(fresh.device(I440fx).config.bytes[0x72]).toBe(0);
    expect([...fresh.device(Piix3).routes]).toEqual([0x05, 0x80, 0x0a, 0x0b]);
    expect(fresh.device(I440fx).readConfig(0x70, 4)).toBe(controller.readConfig(0x70, 4));
  });

  it('of Q35 too, with the 64 bits of its window', () => {
    const machine = Machine.create(q35, { ram: 16 * MiB });
    machine.device(Q35Mch).writeConfig(0x64, 1, 4);
    machine.device(Q35Mch).writeConfig(0x60, 0xc000_0003, 4);
    const saved = older(machine, Q35Mch, ['pciexbar', 'pam', 'smram', 'extendedSmram']);
    const lpc = older(machine, Ich9Lpc, [
      'powerManagementBase',
      'acpiControl',
      'routesAToD',
      'routesEToH',
      'powerManagement1',
      'rootComplexBase',
    ]);
    const fresh = Machine.create(q35, { ram: 16 * MiB });
    loadDevice(fresh.device(Q35Mch), saved);
    loadDevice(fresh.device(Ich9Lpc), lpc);
    expect(fresh.device(Q35Mch).pciexbar).toBe(0x1_c000_0003n);
    expect(fresh.device(Ich9Lpc).powerManagementBase).toBe(1);
  });
});

describe('the reference of a chipset', () => {
  it.each([
    [I440fx, ['pam[7]', 'smram', '| `open`', '0x59 to 0x5f', '0x72']],
    [Piix3, ['pirqRoute[4]', '| `line`', '`topOfMemory`', '0x60 to 0x63']],
    [Ich9Lpc, ['powerManagementBase', 'pirqRouteEToH[4]', '`smiLock`', '0xa0']],
    [Q35Mch, ['pciexbar', 'esmramc', '`baseSegment`', '0x60']],
  ] as const)('%o has names, offsets and fields of its configuration space', (deviceClass, words) => {
    const text = registerDocument(metadataOf(deviceClass as never));
    for (const word of words) expect(text).toContain(word);
  });
});
