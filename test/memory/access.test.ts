import { describe, expect, it } from 'vitest';
import {
  AddressSpace,
  MemoryRegion,
  MemoryTopology,
  MemTxAttributes,
  MemTxResult,
  RegionOps,
  requesterOf,
  withRequester,
} from '../../sdk/memory/index.ts';
import { expectRefusal } from '../refusal.ts';
import { device, machine, RecordingDevice } from './support.ts';

function portMachine() {
  const topology = new MemoryTopology();
  const io = MemoryRegion.unassignedPorts(topology, 'io');
  return { topology, io, space: new AddressSpace(topology, 'I/O', io) };
}

describe('where nothing is mapped', () => {
  it('memory reads zeros and reports a decode error', () => {
    const { space } = machine();
    expect([space.read(0x100, 4), space.result]).toEqual([0, MemTxResult.DecodeError]);
    expect(space.write(0x100, 1, 4)).toBe(MemTxResult.DecodeError);
    expect(space.read64(0x100)).toBe(0n);
    expect(space.read(2 ** 53, 1)).toBe(0);
    expect(space.read(2 ** 45, 1)).toBe(0);
  });

  it('ports read all ones at any width, and accept writes', () => {
    const { space } = portMachine();
    expect([1, 2, 4].map((size) => space.read(0x123, size))).toEqual([0xff, 0xffff, 0xffff_ffff]);
    expect(space.result).toBe(MemTxResult.Ok);
    expect(space.write(0x123, 1, 4)).toBe(MemTxResult.Ok);
  });

  it('a wide access that begins at a free port is split by alignment, so that the device behind gets its part', () => {
    const { topology, io, space } = portMachine();
    const rtc = new RecordingDevice();
    rtc.answer = (offset) => (offset === 0 ? 0xff : 0x02);
    io.addSubregion(0x70, MemoryRegion.io(topology, 'rtc', 2, rtc.ops({ impl: { max: 1 } })));
    // Measured on QEMU 7.2: one byte at 0x6f, a word at 0x70, one byte at 0x72.
    expect(space.read(0x6f, 4)).toBe(0xff02_ffff);
    expect(space.read(0x6e, 4)).toBe(0x02ff_ffff);
  });

  it('a port beyond 64 Ki is not a port', () => {
    const { space } = portMachine();
    expect([space.read(0x1_0000, 1), space.result]).toEqual([0, MemTxResult.DecodeError]);
  });

  it('a reservation hides what lies behind it and decodes nothing', () => {
    const { topology, root, space } = machine();
    root.addSubregion(0, MemoryRegion.ram(topology, 'ram', 0x1000));
    root.addSubregion(0x10, MemoryRegion.reservation(topology, 'taken', 0x10), 1);
    space.write(0x0c, 0x11223344, 4);
    expect([space.read(0x10, 4), space.result]).toEqual([0, MemTxResult.DecodeError]);
    expect([space.read(0x0c, 4), space.result]).toEqual([0x11223344, MemTxResult.Ok]);
  });
});

describe('an access that runs over the end of a range', () => {
  it('belongs whole to the device that owns its first byte', () => {
    const { topology, io, space } = portMachine();
    const rtc = new RecordingDevice();
    const ops = rtc.ops({ impl: { min: 1, max: 1 } });
    const data = MemoryRegion.io(topology, 'rtc', 2, ops);
    data.addSubregion(0, MemoryRegion.io(topology, 'rtc-index', 1, ops));
    io.addSubregion(0x70, data);
    space.write(0x70, 0x5a40, 2);
    expect(rtc.calls).toEqual([
      { kind: 'write', offset: 0, size: 1, value: 0x40 },
      { kind: 'write', offset: 1, size: 1, value: 0x5a },
    ]);
  });

  it('skips another device that overlays its tail', () => {
    const { topology, io, space } = portMachine();
    const bridge = new RecordingDevice();
    const reset = new RecordingDevice();
    io.addSubregion(0xcf8, MemoryRegion.io(topology, 'pci-conf-idx', 4, bridge.ops()));
    io.addSubregion(0xcf9, MemoryRegion.io(topology, 'reset', 1, reset.ops()), 1);
    space.write(0xcf8, 0x80000000, 4);
    expect(bridge.calls).toEqual([{ kind: 'write', offset: 0, size: 4, value: 0x80000000 }]);
    expect(reset.calls).toEqual([]);
  });

  it('is cut at the end of RAM and goes on with what follows', () => {
    const { topology, root, space } = machine();
    const beside = new RecordingDevice();
    root.addSubregion(0, MemoryRegion.ram(topology, 'ram', 0x10));
    root.addSubregion(0x10, MemoryRegion.io(topology, 'device', 4, beside.ops()));
    space.write(0x0e, 0xaabbccdd, 4);
    expect(space.read(0x0e, 2)).toBe(0xccdd);
    expect(beside.calls).toEqual([{ kind: 'write', offset: 0, size: 2, value: 0xaabb }]);
  });
});

describe('a region that refuses a width', () => {
  it('answers zeros, not ones, even on a port, and says so to the observer', () => {
    const { topology, io, space } = portMachine();
    const select = new RecordingDevice();
    const refused: string[] = [];
    topology.observer = {
      accessRefused: (region, offset, size) => void refused.push(`${region.name}+${offset}/${size}`),
    };
    const accepts = (_offset: number, size: number, isWrite: boolean) => isWrite || size === 1;
    io.addSubregion(0x510, MemoryRegion.io(topology, 'fwcfg', 2, select.ops({ valid: { accepts } })));
    expect([space.read(0x510, 2), space.result]).toEqual([0, MemTxResult.DecodeError]);
    expect(space.write(0x510, 0x19, 2)).toBe(MemTxResult.Ok);
    expect(select.calls).toEqual([{ kind: 'write', offset: 0, size: 2, value: 0x19 }]);
    expect(refused).toEqual(['fwcfg+0/2']);
  });
});

describe('handlers', () => {
  it('are found by the first byte and the width; the narrowest range wins', () => {
    const { topology, root, space } = machine();
    const calls: string[] = [];
    const note = (name: string) => (offset: number, size: number) => calls.push(`${name} ${offset}/${size}`);
    const ops = new RegionOps({
      device: null,
      routes: [
        { offset: 0, size: Number.POSITIVE_INFINITY, read: note('any') },
        { offset: 4, size: 4, accessSize: 4, read: note('status') },
        { offset: 4, size: 4, accessSize: [1, 2], read: note('narrow') },
        { offset: 8, size: 1, read: note('byte') },
      ],
    });
    root.addSubregion(0, MemoryRegion.io(topology, 'card', 0x10, ops));
    for (const [at, size] of [
      [0, 4],
      [4, 4],
      [4, 1],
      [6, 2],
      [8, 1],
      [8, 4],
      [9, 1],
    ] as const)
      space.read(at, size);
    expect(calls).toEqual(['any 0/4', 'status 4/4', 'narrow 4/1', 'narrow 6/2', 'byte 8/1', 'byte 8/4', 'any 9/1']);
  });

  it('that are missing answer zeros or ones, end well, and may be reported', () => {
    const { topology, root, space } = machine();
    const missing: string[] = [];
    const onMissing = (offset: number, size: number, isWrite: boolean) =>
      void missing.push(`${offset}/${size} ${isWrite}`);
    const one = { offset: 0, size: 4, read: () => 1 };
    const card = (extra: object) => new RegionOps({ device: null, routes: [one], missing: extra });
    root.addSubregion(0, MemoryRegion.io(topology, 'zeros', 0x10, card({ onMissing })));
    root.addSubregion(0x10, MemoryRegion.io(topology, 'ones', 0x10, card({ read: 'ones' })));
    expect([space.read(4, 2), space.read(0x14, 2), space.result]).toEqual([0, 0xffff, MemTxResult.Ok]);
    expect(space.write(0, 1, 4)).toBe(MemTxResult.Ok);
    expect(missing).toEqual(['4/2 false', '0/4 true']);
  });

  it('of a large region with several routes are found as well', () => {
    const { topology, root, space } = machine(0x2_0000);
    const routes = [0, 0x8000, 0x1_0000].map((offset) => ({ offset, size: 4, read: () => offset >> 8 }));
    root.addSubregion(0, MemoryRegion.io(topology, 'card', 0x2_0000, new RegionOps({ device: null, routes })));
    expect([0, 2, 4, 0x8002, 0x1_0000, 0x1_8000].map((at) => space.read(at, 1))).toEqual([0, 0, 0, 0x80, 0, 0]);
    expect(space.read(0x1_0000, 2)).toBe(0x100);
  });

  it('in their second form get the attributes and may fail', () => {
    const { topology, root, space } = machine();
    const seen: number[] = [];
    const ops = new RegionOps({
      device: null,
      routes: [
        {
          offset: 0,
          size: 4,
          withAttributes: true,
          read: (_offset, _size, attributes) => {
            seen.push(attributes);
            return attributes & MemTxAttributes.Secure ? 0x77 : -MemTxResult.Error;
          },
          write: (value) => (value === 1 ? MemTxResult.Ok : MemTxResult.Error),
        },
      ],
    });
    root.addSubregion(0, MemoryRegion.io(topology, 'secrets', 4, ops));
    expect([space.read(0, 1), space.result]).toEqual([0, MemTxResult.Error]);
    expect([space.read(0, 1, MemTxAttributes.Secure), space.result]).toEqual([0x77, MemTxResult.Ok]);
    expect([space.write(0, 1, 1), space.write(0, 2, 1)]).toEqual([MemTxResult.Ok, MemTxResult.Error]);
    expect(seen).toEqual([MemTxAttributes.Unspecified, MemTxAttributes.Secure]);
  });

  it('are not called for an access that is meant for memory only', () => {
    const { topology, root, space } = machine();
    const card = new RecordingDevice();
    root.addSubregion(0, MemoryRegion.io(topology, 'card', 4, card.ops()));
    root.addSubregion(8, MemoryRegion.ram(topology, 'ram', 8));
    expect(space.write(0, 1, 4, MemTxAttributes.Memory)).toBe(MemTxResult.AccessError);
    expect([space.read(0, 4, MemTxAttributes.Memory), space.result]).toEqual([0, MemTxResult.AccessError]);
    expect(space.write(8, 1, 4, MemTxAttributes.Memory)).toBe(MemTxResult.Ok);
    expect(card.calls).toEqual([]);
  });

  it('without a 64-bit form never see a bigint', () => {
    const { topology, root, space } = machine();
    const card = new RecordingDevice();
    root.addSubregion(0, MemoryRegion.io(topology, 'card', 8, card.ops({ valid: { max: 8 }, impl: { max: 8 } })));
    space.write64(0, 0x1122334455667788n);
    card.answer = (offset) => 0x8000_0000 + offset;
    expect(space.read64(0)).toBe(0x8000000480000000n);
    expect(card.calls.slice(0, 2)).toEqual([
      { kind: 'write', offset: 0, size: 4, value: 0x55667788 },
      { kind: 'write', offset: 4, size: 4, value: 0x11223344 },
    ]);
  });
});

describe('memory', () => {
  it('keeps what is written at every width, little endian', () => {
    const { topology, root, space } = machine();
    root.addSubregion(0, MemoryRegion.ram(topology, 'ram', 0x1000));
    space.write64(0x10, 0x1122334455667788n);
    expect([space.read(0x10, 1), space.read(0x11, 2), space.read(0x13, 4)]).toEqual([0x88, 0x6677, 0x22334455]);
    expect(space.read(0x10, 4)).toBe(0x55667788);
    space.write(0x14, 0xffff_ffff, 4);
    expect(space.read64(0x10)).toBe(0xffffffff55667788n);
    expect(space.read(0x14, 4)).toBe(0xffff_ffff);
  });

  it('that is read-only ignores the guest and obeys the loader', () => {
    const { topology, root, space } = machine();
    root.addSubregion(0, MemoryRegion.rom(topology, 'bios', 0x10));
    expect(space.write(0, 0xee, 1)).toBe(MemTxResult.DecodeError);
    expect(space.writeRom(0, Uint8Array.of(0xea, 0x5b))).toBe(MemTxResult.Ok);
    expect(space.read(0, 2)).toBe(0x5bea);
    expect(space.writeRom(0x0f, Uint8Array.of(1, 2))).toBe(MemTxResult.DecodeError);
    expect(space.read(0x0f, 1)).toBe(1);
  });

  it('behind a read-only alias can be written, as by DMA in QEMU: only the region itself decides', () => {
    const { topology, root, space } = machine();
    const ram = MemoryRegion.ram(topology, 'ram', 0x10);
    const alias = MemoryRegion.alias(topology, 'pam-rom', ram, 0, 0x10);
    alias.setReadOnly(true);
    root.addSubregion(0, alias);
    expect(space.lookup(0)?.readOnly).toBe(true);
    space.write(0, 0x42, 1);
    expect(space.read(0, 1)).toBe(0x42);
    ram.setReadOnly(true);
    expect(space.write(0, 0x43, 1)).toBe(MemTxResult.DecodeError);
    expect(space.read(0, 1)).toBe(0x42);
  });

  it('in flash is read directly or through the handlers, and always written through them', () => {
    const { topology, root, space } = machine();
    const chip = new RecordingDevice();
    const flash = MemoryRegion.romDevice(topology, 'flash', 0x10, chip.ops());
    root.addSubregion(0, flash);
    flash.ram!.bytes[0] = 0x99;
    expect(space.read(0, 1)).toBe(0x99);
    space.write(0, 0x70, 1);
    flash.setRomdMode(false);
    chip.answer = () => 0x80;
    expect(space.read(0, 1)).toBe(0x80);
    expect(chip.calls.map(({ kind }) => kind)).toEqual(['write', 'read']);
  });

  it('comes from whoever the topology names, in blocks of at most 4 GiB', () => {
    const topology = new MemoryTopology();
    const bytes = new Uint8Array(0x1000);
    topology.allocateRam = () => ({ bytes, view: new DataView(bytes.buffer), hostAddress: 0x1234000 });
    const ram = MemoryRegion.ram(topology, 'pc.ram', 0x1000);
    expect(ram.ram?.hostAddress).toBe(0x1234000);
    expectRefusal(() => MemoryRegion.ram(topology, 'big', 2 ** 33), 'ram-too-large', "'big'", '0x200000000');
  });
});

describe('an ioeventfd without a kernel', () => {
  it('signals instead of the handler when address, width and value fit', () => {
    const { topology, root, space } = machine();
    const card = new RecordingDevice();
    const signals: number[] = [];
    const region = MemoryRegion.io(topology, 'doorbell', 0x10, card.ops());
    root.addSubregion(0, region);
    space.write(0, 5, 2);
    region.addIoeventfd({ offset: 0, size: 2, match: 5, fd: 1 });
    region.addIoeventfd({ offset: 4, size: 0, fd: 2 });
    space.write(0, 5, 2);
    expect(card.calls.length).toBe(2);
    topology.signalIoeventfd = (fd) => void signals.push(fd);
    space.write(0, 5, 2);
    space.write(0, 6, 2);
    space.write(0, 5, 4);
    space.write(4, 9, 1);
    space.write64(4, 9n);
    expect(signals).toEqual([1, 2, 2]);
    expect(card.calls.length).toBe(5);
    region.removeIoeventfd({ offset: 0, size: 2, match: 5, fd: 1 });
    space.write(0, 5, 2);
    expect(card.calls.length).toBe(6);
  });
});

describe('attributes', () => {
  it('pack the requester above the flags', () => {
    const attributes = withRequester(MemTxAttributes.Secure, 0xffff);
    expect(attributes).toBe(0xffff_0002);
    expect(requesterOf(attributes)).toBe(0xffff);
  });
});

describe('the dispatch tables', () => {
  it('find ranges above 4 GiB and pages that many regions share', () => {
    const topology = new MemoryTopology();
    const root = MemoryRegion.container(topology, 'system', 2 ** 64);
    const space = new AddressSpace(topology, 'memory', root);
    const cards = Array.from({ length: 300 }, () => new RecordingDevice());
    topology.transaction(() => {
      for (const [index, card] of cards.entries()) {
        card.answer = () => index;
        root.addSubregion(0x80_0000_0000 + index * 8, MemoryRegion.io(topology, `card${index}`, 4, card.ops()));
      }
    });
    for (let round = 0; round < 2; round++) {
      for (const index of cards.keys()) {
        expect(space.read(0x80_0000_0000 + index * 8, 2)).toBe(index);
        expect([space.read(0x80_0000_0004 + index * 8, 2), space.result]).toEqual([0, MemTxResult.DecodeError]);
      }
    }
  });
});

describe('an access that a 64-bit handler makes, and that fails', () => {
  it.each([
    ['a read of 4', 4],
    ['a read of 8', 8],
  ])('leaves %s as it is', (_, size) => {
    const { topology, root, space } = machine();
    const inside: number[] = [];
    const look = (): bigint => {
      space.read(0x800, 4);
      inside.push(space.result);
      return 0x1234_5678n;
    };
    const routes = [{ offset: 0, size: 8, read64: look, write64: () => void look() }];
    const ops = new RegionOps({ device: null, routes, valid: { max: 8 }, impl: { max: 8 } });
    root.addSubregion(0, MemoryRegion.io(topology, 'wide', 8, ops));
    const answer = size === 8 ? space.read64(0) : BigInt(space.read(0, 4));
    expect([answer, space.result]).toEqual([0x1234_5678n, MemTxResult.Ok]);
    if (size === 8) space.write64(0, 5n);
    else space.write(0, 5, 4);
    expect([space.result, inside]).toEqual([MemTxResult.Ok, [MemTxResult.DecodeError, MemTxResult.DecodeError]]);
  });
});

describe('an access at what is no address', () => {
  it.each(['ports', 'memory'])('is refused in %s, before the first access and after others', (kind) => {
    const topology = new MemoryTopology();
    const root =
      kind === 'ports'
        ? MemoryRegion.unassignedPorts(topology, 'io')
        : MemoryRegion.container(topology, 'system', 2 ** 64);
    root.addSubregion(0x70, device(topology, 'rtc', 2));
    const space = new AddressSpace(topology, kind, root);
    for (let round = 0; round < 2; round++) {
      for (const address of kind === 'ports' ? [-1, -0x1000, -0.5, Number.NaN] : [-1, -0x1000, Number.NaN]) {
        expectRefusal(() => space.read(address, 1), 'address-out-of-range', String(address));
        expectRefusal(() => space.write(address, 0, 4), 'address-out-of-range', String(address));
      }
      expect(space.read(0x71, 1)).toBe(1);
    }
    if (kind === 'ports') expectRefusal(() => space.read(112.5, 1), 'address-out-of-range', '112.5');
  });
});
