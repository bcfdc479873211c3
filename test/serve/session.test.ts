import { describe, expect, it, vi } from 'vitest';
import { Edu } from '../../devices/edu.ts';
import { device, MILLISECOND, mmioRegion, SECOND, use } from '../../sdk/index.ts';
import type { DmaObserver } from '../../sdk/memory/index.ts';
import { bar, PciDevice, pci } from '../../sdk/pci.ts';
import { refuseUnusable } from '../../sdk/serve/servable.ts';
import { traceFunction } from '../../sdk/serve/trace.ts';
import { ActingCard, TableCard } from './cards.ts';
import * as client from './client.ts';
import { ScriptedClient } from './scripted-client.ts';

const Config = 7;
const Rom = 6;
const Command = 4;

const attached = () => new ScriptedClient(use(Edu)).attach();

/** Memory decoding and bus mastering, as firmware allows them. */
const allow = (one: ScriptedClient) => one.ask(client.write(Config, Command, 0x6, 2));

const observer = (read: DmaObserver['read']): DmaObserver => ({ read, wrote() {} });

describe('a session', () => {
  it('agrees on a version with a text no longer than the proposal, in which nothing is that was not proposed', () => {
    const one = new ScriptedClient(use(Edu));
    const proposal = client.version();
    const reply = one.ask(proposal);
    expect(reply.errno).toBe(0);
    expect(reply.view.byteLength).toBeLessThanOrEqual(proposal.byteLength);
    expect(reply.text.endsWith('\0')).toBe(true);
    expect(JSON.parse(reply.text.slice(0, -1))).toEqual({
      capabilities: {
        write_multiple: true,
        max_msg_fds: 16,
        max_dma_maps: 1024,
        max_data_xfer_size: 1048576,
        pgsizes: 4096,
      },
    });
    const modest = new ScriptedClient(use(Edu)).ask(client.version({ capabilities: { max_msg_fds: 4 } }));
    expect(JSON.parse(modest.text.slice(0, -1))).toEqual({ capabilities: { max_msg_fds: 4 } });
  });

  it('ends when anything comes before the version, and leaves the device as it is', () => {
    const one = new ScriptedClient(use(Edu));
    expect(one.tell(client.read(Config, 0, 4))).toEqual([]);
    expect(one.end).toContain('RegionRead, and Version comes first');
    one.connect();
    expect(one.attach().ask(client.read(Config, 0, 4)).value).toBe(0x11e81234n);
  });

  it('refuses another major version in a sentence that names the QEMU that is needed', () => {
    const one = new ScriptedClient(use(Edu));
    expect(one.ask(client.version(client.qemuVersion, 1)).errno).toBe(22);
    expect(one.end).toContain('Use QEMU 10.1 or later');
  });

  it('tells of regions, and of interrupts: an error for the error interrupt, of which QEMU warns otherwise', () => {
    const one = attached();
    const device = one.ask(client.info());
    expect([device.u32(4), device.u32(8), device.u32(12)]).toEqual([3, 9, 5]);
    const sizes = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((index) => one.ask(client.regionInfo(index)).u64(16));
    expect(sizes).toEqual([0x10_0000n, 0n, 0n, 0n, 0n, 0n, 0n, 256n, 0n]);
    expect(one.ask(client.regionInfo(9)).errno).toBe(22);
    const interrupts = [0, 1, 2].map((index) => {
      const reply = one.ask(client.irqInfo(index));
      return [reply.u32(4), reply.u32(12)];
    });
    expect(interrupts).toEqual([
      [7, 1],
      [9, 1],
      [1, 0],
    ]);
    expect(one.ask(client.irqInfo(3)).errno).toBe(22);
  });

  it('hands over the power-on state: no base address register has an address', () => {
    const all = attached().ask(client.read(Config, 0, 256));
    expect(all.view.byteLength).toBe(32 + 256);
    expect(all.view.getUint32(32, true)).toBe(0x11e81234);
    expect(all.view.getUint32(32 + 0x10, true)).toBe(0);
    expect(all.view.getUint8(32 + 0x3d)).toBe(1);
  });

  it('reads and writes registers in words of the width that they are asked in', () => {
    const one = attached();
    expect(one.ask(client.read(0, 0, 4)).value).toBe(0x0100_00edn);
    one.ask(client.write(0, 4, 0x1234_5678, 4));
    expect(one.ask(client.read(0, 4, 4)).value).toBe(0xedcb_a987n);
    one.ask(client.write(0, 0x80, 0x1_0000_0002n, 8));
    expect(one.ask(client.read(0, 0x80, 8)).value).toBe(0x1_0000_0002n);
    // The card answers all ones to 8-byte reads of registers of 4 bytes: it got one read, not two.
    expect(one.ask(client.read(0, 0, 8)).value).toBe(2n ** 64n - 1n);
  });

  it.each([
    ['of 3 bytes', client.read(0, 0, 3)],
    ['of 16 bytes', client.read(0, 0, 16)],
    ['of nothing', client.read(0, 0, 0)],
    ['behind the end', client.read(0, 0x10_0000, 4)],
    ['over the end', client.read(0, 0xf_fffc, 8)],
    ['of a region that is not there', client.read(1, 0, 4)],
    ['of a region that no device has', client.read(9, 0, 4)],
    ['far beyond all', client.message(9, [2n ** 63n, 0, 4])],
    ['of the ROM, by a write', client.write(Rom, 0, 0, 4)],
    ['of 8 bytes of configuration, by a write', client.write(Config, 0, 0n, 8)],
    ['of fewer bytes than it says', client.message(10, [0n, 0, 4], new Uint8Array(3))],
  ])('refuses an access %s', (_, wrong) => {
    const one = attached();
    expect(one.ask(wrong).errno).toBe(22);
    expect(one.ask(client.read(0, 0, 4)).value).toBe(0x0100_00edn);
  });

  it('answers no posted write, also a wrong one: an answer would make QEMU lose its place', () => {
    const one = attached();
    expect(one.tell(client.write(0, 4, 1, 4, client.NoReply))).toEqual([]);
    expect(one.tell(client.write(0, 0x10_0000, 1, 4, client.NoReply))).toEqual([]);
    expect(one.ask(client.read(0, 4, 4)).value).toBe(0xffff_fffen);
    expect(one.machine.guestErrors.map(({ message }) => message)).toEqual([
      'write of 4 bytes to BAR 0 at 0x100000, where no register is',
    ]);
    expect(one.counts).toMatchObject({ postedWrites: 1, writes: 1, errors: 0 });
  });

  it('carries out writes that come together in their order, without an answer, past a wrong one', () => {
    const one = attached();
    const writes = [
      { region: 0, offset: 4, value: 1, count: 4 },
      { region: 9, offset: 4, value: 1, count: 4 },
      { region: 0, offset: 4, value: 2, count: 4 },
    ];
    expect(one.tell(client.writeMany(writes))).toEqual([]);
    expect(one.ask(client.read(0, 4, 4)).value).toBe(0xffff_fffdn);
    expect(one.counts).toMatchObject({ batches: 1, batchedWrites: 3, errors: 0 });
    expect(one.machine.guestErrors).toHaveLength(1);
  });

  it('knows no migration, and says so', () => {
    const one = attached();
    for (const command of [6, 14, 16, 17, 18, 99]) expect(one.ask(client.message(command, [])).errno).toBe(95);
    expect(one.counts.errors).toBe(6);
  });

  it.each([
    ['a reply', client.message(9, [0n, 0, 4], undefined, 1)],
    ['a message of no kind', client.message(9, [0n, 0, 4], undefined, 2)],
  ])('ends at %s', (_, wrong) => {
    const one = attached();
    expect(one.tell(wrong)).toEqual([]);
    expect(one.end).toBeDefined();
    expect(one.tell(client.read(0, 0, 4))).toEqual([]);
  });

  it('refuses descriptors that a message has no use for, and closes them', () => {
    const one = attached();
    expect(one.ask(client.read(0, 0, 4), [70]).errno).toBe(0);
    expect(one.ask(client.map(0n, 0x1000n), [71, 72]).errno).toBe(22);
    expect(
      one.ask(
        client.setIrqs(0x24, 1, 0, 1),
        Array.from({ length: 17 }, (_, index) => 80 + index),
      ).errno,
    ).toBe(22);
    expect(one.link.closed).toEqual([70, 71, 72, ...Array.from({ length: 17 }, (_, index) => 80 + index)]);
  });
});

describe('guest memory of a session', () => {
  const withFile = () => {
    const one = attached();
    one.link.files.set(50, new Uint8Array(0x4000));
    return one;
  };

  it('is what transfers of the device reach, while the guest lets it be a bus master', () => {
    const one = withFile();
    expect(one.ask(client.map(0x10_0000n, 0x2000n, 0x1000n), [50]).errno).toBe(0);
    expect(one.link.closed).toEqual([50]);
    const { busMaster } = one.served.device;
    expect(busMaster.write(0x10_0010, Uint8Array.of(1, 2, 3))).not.toBe(0);
    allow(one);
    expect(busMaster.write(0x10_0010, Uint8Array.of(1, 2, 3))).toBe(0);
    expect([...(one.link.files.get(50) as Uint8Array).subarray(0x1010, 0x1013)]).toEqual([1, 2, 3]);
  });

  it('that the client shares read-only is not written', () => {
    const one = withFile();
    one.ask(client.map(0n, 0x1000n, 0n, 1), [50]);
    allow(one);
    const target = new Uint8Array(4);
    (one.link.files.get(50) as Uint8Array).set([7, 7, 7, 7]);
    expect(one.served.device.busMaster.read(0, target)).toBe(0);
    expect([...target]).toEqual([7, 7, 7, 7]);
    one.served.device.busMaster.write(0, Uint8Array.of(1));
    expect((one.link.files.get(50) as Uint8Array)[0]).toBe(7);
  });

  it('has the indexes of rings, which are read and written in one piece while it is mapped, and a recording sees them', () => {
    const one = withFile();
    one.ask(client.map(0n, 0x2000n), [50]);
    allow(one);
    const { busMaster } = one.served.device;
    const seen: [number, number[]][] = [];
    one.served.machine.topology.dmaObserver = observer((address, bytes) => seen.push([address, [...bytes]]));
    const [load, store] = [vi.spyOn(Atomics, 'load'), vi.spyOn(Atomics, 'store')];
    expect(busMaster.storeIndex(0x10, 0x1234)).toBe(0);
    expect(busMaster.loadIndex(0x10)).toBe(0x1234);
    expect([store.mock.calls.length, load.mock.calls.length]).toEqual([1, 1]);
    expect(busMaster.loadIndex(0x2000)).toBe(-1);
    expect(seen).toEqual([[0x10, [0x34, 0x12]]]);
    vi.restoreAllMocks();
  });

  it('without a descriptor is not reached, and no transfer is asked of the client: both would wait for each other', () => {
    const one = attached();
    expect(one.ask(client.map(0n, 0x1000n)).errno).toBe(0);
    expect(one.notes).toEqual([]);
    allow(one);
    expect(one.notes[0]).toContain('QEMU shares no memory');
    expect(one.notes[0]).toContain('memory-backend-memfd');
    const before = one.link.sent.length;
    expect(one.served.device.busMaster.write(0, Uint8Array.of(1))).not.toBe(0);
    expect(one.link.sent.length).toBe(before);
    allow(one);
    expect(one.notes).toHaveLength(1);
  });

  const withUnmappedFile = () => {
    const one = withFile();
    one.link.unmapped.add(50);
    one.ask(client.map(0n, 0x1000n), [50]);
    one.ask(client.map(0x1000n, 0x1000n, 0x2000n), [50]);
    allow(one);
    return { one, bytes: one.link.files.get(50) as Uint8Array, busMaster: one.served.device.busMaster };
  };

  it('that is reached as a file is read and written over the border of two pieces', () => {
    const { one, bytes, busMaster } = withUnmappedFile();
    expect(busMaster.write(0xffe, Uint8Array.of(1, 2, 3, 4))).toBe(0);
    expect([...bytes.subarray(0xffe, 0x1001), ...bytes.subarray(0x2000, 0x2003)]).toEqual([1, 2, 0, 3, 4, 0]);
    const target = new Uint8Array(4);
    expect(busMaster.read(0xffe, target)).toBe(0);
    expect([...target]).toEqual([1, 2, 3, 4]);
    expect(busMaster.read(0x1ffe, target)).not.toBe(0);
    expect(busMaster.write(0x1ffe, target)).not.toBe(0);
    one.session.close();
    expect(one.link.released).toHaveLength(2);
  });

  it('that is reached as a file has indexes of rings read in whole words, and that of a used ring written in one', () => {
    const { one, bytes, busMaster } = withUnmappedFile();
    const seen: [number, number[]][] = [];
    one.served.machine.topology.dmaObserver = observer((address, read) => seen.push([address, [...read]]));
    bytes.set([1, 2, 3, 4, 5, 6, 7, 8], 0x100);
    expect([busMaster.loadIndex(0x102), busMaster.loadIndex(0x106), busMaster.loadIndex(0x101)]).toEqual([
      0x0403, 0x0807, 0x0302,
    ]);
    expect(seen).toEqual([
      [0x102, [3, 4]],
      [0x106, [7, 8]],
      [0x101, [2, 3]],
    ]);
    expect(one.link.transfers).toEqual([
      [0x100, 8],
      [0x100, 8],
      [0x101, 2],
    ]);
    one.link.transfers.length = 0;
    expect([busMaster.storeIndex(0x102, 0xabcd), busMaster.storeIndex(0x104, 0x1234)]).toEqual([0, 0]);
    expect([...bytes.subarray(0x100, 0x108)]).toEqual([1, 2, 0xcd, 0xab, 0x34, 0x12, 7, 8]);
    expect(one.link.transfers).toEqual([
      [0x100, 8],
      [0x100, 8],
      [0x104, 2],
    ]);
    expect(busMaster.loadIndex(0x2002)).toBe(-1);
  });

  it('in huge pages whose size is not sealed is refused, with one sentence for a client', () => {
    const one = withFile();
    one.link.refused.add(50);
    for (let times = 0; times < 3; times++) expect(one.ask(client.map(0n, 0x1000n), [50]).errno).toBe(95);
    allow(one);
    expect(one.notes).toHaveLength(1);
    expect(one.notes[0]).toContain('hugetlb=on');
  });

  it.each([
    ['overlaps another one', client.map(0x1000n, 0x2000n), 17],
    ['is there already', client.map(0n, 0x2000n), 17],
    ['outruns its file', client.map(0x10_0000n, 0x2000n, 0x3000n), 22],
    ['has no size', client.map(0x10_0000n, 0n), 22],
    ['is no whole page', client.map(0x10_0000n, 0x800n), 22],
    ['begins inside a page', client.map(0x10_0800n, 0x1000n), 22],
    ['runs over the last address', client.map(2n ** 64n - 0x1000n, 0x2000n), 22],
    ['may not be touched', client.map(0x10_0000n, 0x1000n, 0n, 0), 22],
    ['has flags that do not exist', client.map(0x10_0000n, 0x1000n, 0n, 7), 22],
    ['is said in too few bytes', client.message(2, [16, 3, 0n, 0n]), 22],
    ['has an argsz of less than itself', client.message(2, [8, 3, 0n, 0x10_0000n, 0x1000n]), 22],
  ])('is refused where it %s', (_, wrong, errno) => {
    const one = withFile();
    one.ask(client.map(0n, 0x2000n), [50]);
    expect(one.ask(wrong, [50]).errno).toBe(errno);
    expect(one.link.closed).toEqual([50, 50]);
  });

  it('has as many pieces as were agreed on, and no more', () => {
    const one = attached();
    for (let index = 0; index < 1024; index++)
      expect(one.ask(client.map(BigInt(index) * 0x1000n, 0x1000n)).errno).toBe(0);
    expect(one.ask(client.map(0x1000_0000n, 0x1000n)).errno).toBe(28);
    expect(one.ask(client.unmap(0n, 0n, 2)).errno).toBe(0);
    expect(one.ask(client.map(0x1000_0000n, 0x1000n)).errno).toBe(0);
  });

  it('is given back before the answer to UNMAP, which repeats the request', () => {
    const one = withFile();
    one.ask(client.map(0n, 0x1000n), [50]);
    one.ask(client.map(0x1000n, 0x1000n, 0x1000n), [50]);
    allow(one);
    expect(one.ask(client.unmap(0x800n, 0x1000n)).errno).toBe(22);
    expect(one.ask(client.unmap(0x4000n, 0x1000n)).errno).toBe(2);
    const reply = one.ask(client.unmap(0x1000n, 0x1000n));
    expect([reply.u32(0), reply.u64(8), reply.u64(16)]).toEqual([24, 0x1000n, 0x1000n]);
    expect(one.link.released).toHaveLength(1);
    expect(one.served.device.busMaster.write(0x1000, Uint8Array.of(1))).not.toBe(0);
    expect(one.served.device.busMaster.write(0, Uint8Array.of(1))).toBe(0);
    one.session.close();
    expect(one.link.released).toHaveLength(2);
    expect(one.served.memory.count).toBe(0);
  });
});

describe('interrupts of a session', () => {
  const raise = client.write(0, 0x60, 1, 4);
  const acknowledge = client.write(0, 0x64, 1, 4);

  it('by the pin are an edge, masked until the client unmasks, and another edge while the pin is up', () => {
    const one = attached();
    expect(one.ask(client.setIrqs(0x24, 0, 0, 1), [60]).errno).toBe(0);
    one.ask(raise);
    expect(one.link.signals).toEqual([60]);
    one.ask(raise);
    expect(one.link.signals).toEqual([60]);
    one.ask(client.setIrqs(0x11, 0, 0, 1));
    expect(one.link.signals).toEqual([60, 60]);
    one.ask(acknowledge);
    one.ask(client.setIrqs(0x11, 0, 0, 1));
    expect(one.link.signals).toEqual([60, 60]);
    expect(one.counts.interrupts).toBe(2);
  });

  it('by the pin are taken back when the guest acknowledges before the client has read the eventfd', () => {
    const one = attached();
    one.ask(client.setIrqs(0x24, 0, 0, 1), [60]);
    one.link.isSlow = true;
    one.ask(raise);
    one.ask(acknowledge);
    expect([one.link.signals, one.link.takenBack]).toEqual([[60], [60]]);
    // It is as if it had not been sent: the next one needs no unmask.
    one.ask(raise);
    expect(one.link.signals).toEqual([60, 60]);
    one.link.isSlow = false;
    one.ask(acknowledge);
    one.ask(raise);
    expect(one.link.signals).toEqual([60, 60]);
    // Masked by the client: nothing of ours waits.
    one.ask(client.setIrqs(0x09, 0, 0, 1));
    one.link.isSlow = true;
    one.ask(acknowledge);
    expect(one.link.takenBack).toEqual([60]);
  });

  it('by the pin reach a new eventfd at once if the pin is up, and none after SET_IRQS has turned them off', () => {
    const one = attached();
    one.ask(raise);
    one.ask(client.setIrqs(0x24, 0, 0, 1), [60]);
    expect(one.link.signals).toEqual([60]);
    one.ask(client.setIrqs(0x24, 0, 0, 1), [61]);
    expect([one.link.signals, one.link.closed]).toEqual([[60, 61], [60]]);
    one.ask(client.setIrqs(0x21, 0));
    one.ask(client.setIrqs(0x11, 0, 0, 1));
    expect([one.link.signals, one.link.closed]).toEqual([
      [60, 61],
      [60, 61],
    ]);
  });

  it('by the pin may be unmasked by an eventfd instead of by a message, as QEMU does it with KVM', () => {
    const one = attached();
    one.ask(client.setIrqs(0x24, 0, 0, 1), [60]);
    one.ask(client.setIrqs(0x09, 0, 0, 1));
    one.ask(raise);
    expect(one.link.signals).toEqual([]);
    one.ask(client.setIrqs(0x14, 0, 0, 1), [62]);
    one.ask(client.setIrqs(0x11, 0, 0, 1));
    expect(one.link.signals).toEqual([60]);
    one.link.watched.get(62)?.();
    expect(one.link.signals).toEqual([60, 60]);
    one.session.close();
    expect(one.link.watched.size).toBe(0);
    expect([...one.link.closed].sort()).toEqual([60, 62]);
  });

  it('by messages wait for their eventfd if they are sent between the guest’s write and SET_IRQS', () => {
    const one = attached();
    allow(one);
    const capability = one.served.device.capabilityOffset(5) as number;
    one.ask(client.write(Config, capability + 2, 1, 2));
    one.ask(raise);
    one.ask(client.setIrqs(0x24, 1, 0, 1), [63]);
    expect(one.link.signals).toEqual([63]);
    one.ask(raise);
    expect(one.link.signals).toEqual([63, 63]);
    one.ask(client.setIrqs(0x21, 1));
    one.ask(raise);
    expect([one.link.signals, one.link.closed]).toEqual([[63, 63], [63]]);
  });

  it('by messages are silent while the guest does not let the function be a bus master', () => {
    const one = attached();
    const capability = one.served.device.capabilityOffset(5) as number;
    one.ask(client.write(Config, capability + 2, 1, 2));
    one.ask(client.setIrqs(0x24, 1, 0, 1), [63]);
    one.ask(raise);
    expect(one.link.signals).toEqual([]);
  });

  it('without descriptors are writes that the client carries out, and that want no answer', () => {
    const one = new ScriptedClient(use(Edu), { passesDescriptors: false }).attach();
    allow(one);
    const capability = one.served.device.capabilityOffset(5) as number;
    one.ask(client.write(Config, capability + 4, 0xfee0_0000, 4));
    one.ask(client.write(Config, capability + 12, 0x41, 2));
    one.ask(client.write(Config, capability + 2, 1, 2));
    const [interrupt, reply] = one.tell(raise);
    expect([interrupt?.header.command, interrupt?.header.flags]).toEqual([12, 0x10]);
    expect([interrupt?.u64(0), interrupt?.u64(8), interrupt?.u32(16)]).toEqual([0xfee0_0000n, 4n, 0x41]);
    expect(reply?.errno).toBe(0);
  });

  describe('of MSI-X', () => {
    const Table = 0xe010_0000;
    const enabled = (passesDescriptors: boolean) => {
      const one = new ScriptedClient(use(TableCard), { passesDescriptors }).attach();
      one.ask(client.write(Config, 0x14, Table, 4));
      allow(one);
      const capability = one.served.device.capabilityOffset(0x11) as number;
      one.ask(client.write(Config, capability + 2, 0x8000, 2));
      return { one, capability };
    };
    const fire = (one: ScriptedClient, vector: number) => one.tell(client.write(0, 0, vector, 4, client.NoReply));
    const pending = (one: ScriptedClient) => one.ask(client.read(1, 0x800, 8)).value;

    it('go by the eventfds that there are: a vector without one is pending until it comes', () => {
      const { one } = enabled(true);
      one.ask(client.setIrqs(0x24, 2, 0, 2), [70, 71]);
      fire(one, 1);
      fire(one, 3);
      fire(one, 3);
      expect([one.link.signals, pending(one)]).toEqual([[71], 8n]);
      one.ask(client.setIrqs(0x24, 2, 3, 1), [73]);
      expect([one.link.signals, pending(one)]).toEqual([[71, 73], 0n]);
      one.ask(client.setIrqs(0x24, 2, 1, 1));
      fire(one, 1);
      expect([one.link.signals, one.link.closed, pending(one)]).toEqual([[71, 73], [71], 2n]);
    });

    it.each([true, false])(
      'are in the trace when they are sent, and not while they are pending (by descriptors: %s)',
      (native) => {
        const { one } = enabled(native);
        const lines: string[] = [];
        const end = traceFunction(one.served, (line) => lines.push(line));
        const messages = () => lines.filter((line) => line.includes('interrupt by a message')).length;
        const [question] = fire(one, 2);
        expect(messages()).toBe(0);
        if (native) one.ask(client.setIrqs(0x24, 2, 2, 1), [72]);
        else one.tell(entryReply(question?.header.id as number, [0xfee0_0000, 0, 0x52, 0]));
        expect(messages()).toBe(1);
        end();
      },
    );

    it('without descriptors are read from the client’s table first, and nothing waits for the answer', () => {
      const { one } = enabled(false);
      const [question] = fire(one, 2);
      expect([question?.header.command, question?.u64(0), question?.u64(8)]).toEqual([11, BigInt(Table + 32), 16n]);
      expect([fire(one, 2), pending(one)]).toEqual([[], 4n]);
      const id = question?.header.id as number;
      const [sent] = one.tell(entryReply(id, [0xfee0_0000, 0, 0x52, 0]));
      expect([sent?.header.command, sent?.header.flags]).toEqual([12, 0x10]);
      expect([sent?.u64(0), sent?.u32(16), pending(one)]).toEqual([0xfee0_0000n, 0x52, 0n]);
    });

    it('without descriptors stay pending while the entry is masked, until SET_IRQS says that it is not', () => {
      const { one } = enabled(false);
      const [question] = fire(one, 2);
      expect(one.tell(entryReply(question?.header.id as number, [0xfee0_0000, 0, 0x52, 1]))).toEqual([]);
      expect(pending(one)).toBe(4n);
      const [again] = one.tell(client.setIrqs(0x24, 2, 2, 1));
      const [sent] = one.tell(entryReply(again?.header.id as number, [0xfee0_0000, 0, 0x52, 0]));
      expect([sent?.u32(16), pending(one)]).toEqual([0x52, 0n]);
      expect(one.tell(entryReply(again?.header.id as number, [0xfee0_0000, 0, 0x52, 0]))).toEqual([]);
      expect(one.end).toContain('a reply to nothing');
    });

    it('without descriptors stay pending where the client cannot read its table', () => {
      const { one } = enabled(false);
      const [question] = fire(one, 0);
      const refusal = client.message(11, [], undefined, 0x21);
      refusal.setUint16(0, question?.header.id as number, true);
      expect(one.tell(refusal)).toEqual([]);
      expect([one.end, pending(one)]).toEqual([undefined, 1n]);
    });

    it('need the base address register in which the table is: QEMU would crash', () => {
      const device = Object.assign(Object.create(new ScriptedClient(use(TableCard)).served.device), {
        bars: { all: [] },
      });
      expect(() => refuseUnusable(device, true)).toThrowError(/the MSI-X table of 'table-card' is in BAR 1/);
    });
  });

  it.each([
    ['an index that is not there', client.setIrqs(0x24, 5, 0, 1)],
    ['more vectors than there are', client.setIrqs(0x24, 1, 0, 2)],
    ['four billion of them', client.setIrqs(0x24, 1, 0, 0xffff_ffff)],
    ['one behind the last', client.setIrqs(0x24, 1, 0xffff_ffff, 1)],
    ['two kinds of data', client.setIrqs(0x25, 0, 0, 1)],
    ['two actions', client.setIrqs(0x31, 0, 0, 1)],
    ['no action', client.setIrqs(0x04, 0, 0, 1)],
    ['flags beyond those', client.setIrqs(0x8000_0021, 0, 0, 1)],
    ['a mask of messages', client.setIrqs(0x09, 1, 0, 1)],
    ['the wrong number of bytes', client.setIrqs(0x22, 0, 0, 1, new Uint8Array(2))],
    ['nothing, by bytes', client.setIrqs(0x22, 0)],
  ])('refuse %s, and give the descriptor back', (_, wrong) => {
    const one = attached();
    expect(one.ask(wrong, [64]).errno).toBe(22);
    expect(one.link.closed).toEqual([64]);
  });

  it('refuse a descriptor that is no eventfd: a write to it could wait for ever', () => {
    const one = attached();
    one.link.files.set(65, new Uint8Array(8));
    expect(one.ask(client.setIrqs(0x24, 0, 0, 1), [65]).errno).toBe(22);
    expect(one.link.closed).toEqual([65]);
  });

  it('can be tried by the client', () => {
    const one = attached();
    one.ask(client.setIrqs(0x24, 0, 0, 1), [60]);
    one.ask(client.setIrqs(0x21, 0, 0, 1));
    one.ask(client.setIrqs(0x22, 0, 0, 1, Uint8Array.of(0)));
    one.ask(client.setIrqs(0x22, 0, 0, 1, Uint8Array.of(1)));
    expect(one.link.signals).toEqual([60, 60]);
  });
});

describe('time and life of a served device', () => {
  it('timers expire as the host’s time passes, also between messages', () => {
    const one = attached();
    one.ask(client.setIrqs(0x24, 0, 0, 1), [60]);
    one.ask(client.write(0, 0x20, 0x80, 4));
    one.ask(client.write(0, 0x08, 5, 4));
    expect(one.ask(client.read(0, 0x20, 4)).value).toBe(0x81n);
    one.advance(2 * MILLISECOND);
    expect(one.link.signals).toEqual([60]);
    expect(one.ask(client.read(0, 0x08, 4)).value).toBe(120n);
  });

  it('a timer that throws costs the next message nothing, and the author is told', () => {
    const one = attached();
    one.link.files.set(50, new Uint8Array(0x1000));
    const timer = one.machine.clock.timer('of the test', () => {
      throw new Error('not today');
    });
    const expire = () => {
      timer.arm(one.machine.clock.now + MILLISECOND);
      one.now += 2 * MILLISECOND;
    };
    expire();
    expect(one.ask(client.map(0n, 0x1000n), [50]).errno).toBe(0);
    expect([one.served.memory.count, one.link.closed]).toEqual([1, [50]]);
    expire();
    one.tell(client.write(0, 4, 5, 4, client.NoReply));
    expect(one.ask(client.read(0, 4, 4)).value).toBe(0xffff_fffan);
    expect(one.counts).toMatchObject({ failures: 2, errors: 0 });
    expect(one.notes.join()).toContain('not today');
  });

  it('a process that was stopped for a minute makes up for a second of timers', () => {
    const one = attached();
    const periodic = one.machine.clock.timer('of the test', () => {
      expired++;
      periodic.arm(one.machine.clock.now + 10 * MILLISECOND);
    });
    let expired = 0;
    periodic.arm(10 * MILLISECOND);
    one.advance(60 * SECOND);
    expect(expired).toBeGreaterThanOrEqual(100);
    expect(expired).toBeLessThan(110);
  });

  it('a reset by the client is one of the device and of its configuration', () => {
    const one = attached();
    allow(one);
    one.ask(client.write(0, 0x60, 1, 4));
    expect(one.ask(client.reset()).errno).toBe(0);
    expect(one.ask(client.read(0, 0x24, 4)).value).toBe(0n);
    expect(one.ask(client.read(Config, Command, 2)).value).toBe(0n);
    expect(one.counts.resets).toBe(1);
  });

  it('the device keeps its state when its client goes, and its interrupts are off', () => {
    const one = attached();
    one.ask(client.setIrqs(0x24, 0, 0, 1), [60]);
    one.ask(client.write(0, 4, 0x77, 4));
    const before = one.link;
    one.connect();
    expect(before.closed).toEqual([60]);
    one.attach();
    expect(one.ask(client.read(0, 4, 4)).value).toBe(0xffff_ff88n);
    one.ask(client.write(0, 0x60, 1, 4));
    expect([before.signals, one.link.signals]).toEqual([[], []]);
  });

  it('a handler that blocks is named once, with the time that it took, and the answer is the right one', () => {
    const one = new ScriptedClient(use(ActingCard)).attach();
    ActingCard.act = () => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1010);
      return 7;
    };
    for (let times = 1; times <= 2; times++) {
      expect(one.ask(client.read(0, 0, 4)).value).toBe(7n);
      expect([one.counts.slowAnswers, one.notes.length]).toEqual([times, 1]);
    }
    expect(one.notes[0]).toMatch(/^the answer to RegionRead \(BAR 0 at 0x0, region 'acting'\) took [1-9]\.\d{3} s\./);
    expect(one.notes[0]).toContain('raise x-msg-timeout of vfio-user-pci');
  });

  it('a handler that throws does not stop the writes that came with it', () => {
    const one = new ScriptedClient(use(Faulty)).attach();
    const writes = [0, 8, 0, 8].map((offset, value) => ({ region: 0, offset, value, count: 4 }));
    expect(one.tell(client.writeMany(writes))).toEqual([]);
    expect(one.ask(client.read(0, 8, 4)).value).toBe(3n);
    expect(one.counts).toMatchObject({ writes: 4, batchedWrites: 4, failures: 2 });
    expect(one.notes[0]).toContain("Device 'faulty', region 'registers', offset 0x0");
  });

  it('a handler that throws costs the client an errno, and the author is told', () => {
    const one = new ScriptedClient(use(Faulty)).attach();
    expect(one.ask(client.read(0, 0, 4)).errno).toBe(5);
    expect(one.notes[0]).toContain("Device 'faulty', region 'registers', offset 0x0");
    expect(one.tell(client.write(0, 0, 0, 4, client.NoReply))).toEqual([]);
    expect(one.counts.failures).toBe(2);
    expect(one.ask(client.read(Config, 0, 2)).value).toBe(0x1234n);
  });
});

/** The client's answer to a read of one entry of its table. */
function entryReply(id: number, words: readonly number[]): DataView {
  const reply = client.message(11, [0n, 16n, ...words], undefined, 1);
  reply.setUint16(0, id, true);
  return reply;
}

const registers = mmioRegion({ name: 'registers', size: 0x1000, accessSizes: [4] });
const sound = registers.register(8, { width: 32, name: 'sound' });
@device({ type: 'faulty', description: 'throws' })
@pci({ vendorId: 0x1234, deviceId: 0x1, classCode: 0xff00 })
@bar(0, registers)
class Faulty extends PciDevice {
  @sound sound = 0;

  @registers.read(0)
  fail(): number {
    throw new Error('not today');
  }

  @registers.write(0)
  failToo(): void {
    throw new Error('not today');
  }
}
