import {
  CoalescedZone,
  ExitReason,
  IoDirection,
  IoExit,
  IoeventfdFlag,
  IoeventfdLayout,
  KvmRun,
  MemoryRegionFlag,
  MmioExit,
  SystemRequest,
  UserspaceMemoryRegion,
  VcpuRequest,
  VmRequest,
} from '../../../sdk/accelerator/kvm/abi.ts';
import { RingConsumer } from '../../../sdk/accelerator/kvm/coalesced-ring.ts';
import type { KvmKernel } from '../../../sdk/accelerator/kvm/kernel.ts';
import type { RamBlock } from '../../../sdk/memory/ram-block.ts';
import type { ScriptGuest } from './guests.ts';
import { readSizes } from './machine-code.ts';
import { chunksOf, Eventfds, Layout, type Script, type UserspaceStep } from './script.ts';

const Slot = { ram: 0, readonly: 1, movable: 2 };
const PageBytes = 0x1000;
const MostExits = 20_000;

/** The userspace of scripts on one VM of one kernel: runs them one after the other, and writes down what is seen. */
export class ScriptBench {
  readonly #kernel: KvmKernel;
  readonly #guest: ScriptGuest;
  readonly #vmFd: number;
  readonly #vcpuFd: number;
  readonly #run: DataView;
  readonly #portData: DataView;
  readonly #ringPage: DataView;
  readonly #ring: RingConsumer;
  readonly #ram: RamBlock;
  readonly #readonly: RamBlock;
  readonly #movable: RamBlock;
  readonly #eventfds: readonly number[];
  /** What has to be taken away when the script ends. */
  readonly #zones = new Map<string, DataView>();
  readonly #assigned: DataView[] = [];
  #isPresent = false;
  #exits = 0;
  #events: string[] = [];

  constructor(kernel: KvmKernel, guestOf: (vcpuFd: number, ram: RamBlock) => ScriptGuest) {
    this.#kernel = kernel;
    this.#vmFd = this.#must(kernel.ioctl(kernel.open('/dev/kvm'), SystemRequest.CreateVm, 0));
    this.#ram = kernel.allocateGuestMemory(Layout.ramEnd);
    this.#readonly = kernel.allocateGuestMemory(PageBytes);
    this.#movable = kernel.allocateGuestMemory(Layout.movableSize);
    this.#must(this.#setSlot(Slot.ram, 0, Layout.ramEnd, this.#ram, 0));
    this.#must(this.#setSlot(Slot.readonly, Layout.readonlyPage, PageBytes, this.#readonly, MemoryRegionFlag.Readonly));
    this.#vcpuFd = this.#must(kernel.ioctl(this.#vmFd, VmRequest.CreateVcpu, 0));
    this.#run = kernel.mapVcpuPage(this.#vcpuFd, 0);
    this.#portData = kernel.mapVcpuPage(this.#vcpuFd, 1);
    this.#ringPage = kernel.mapVcpuPage(this.#vcpuFd, 2);
    this.#ring = new RingConsumer(this.#ringPage);
    this.#eventfds = Array.from({ length: Eventfds }, () => kernel.eventfd());
    this.#guest = guestOf(this.#vcpuFd, this.#ram);
  }

  /** Everything that this userspace sees, in order; undefined if the script does not fit. */
  run(script: Script): string[] | undefined {
    const chunks = chunksOf(script.steps);
    this.#reset();
    if (!this.#guest.load(chunks)) return undefined;
    try {
      for (const { before, guest, atExits } of chunks) {
        for (const step of before) this.#perform(step);
        if (!this.#untilHalt(script.drain, atExits)) break;
        this.#look(readSizes(guest).length);
      }
    } catch (cause) {
      // A kernel of ours that throws differs from a real one.
      this.#events.push(`threw: ${(cause as Error).message}`);
    } finally {
      this.#takeAway();
    }
    return this.#events;
  }

  /** KVM_RUN until the guest halts; false if it does anything that a script has not. */
  #untilHalt(drain: Script['drain'], atExits: readonly UserspaceStep[]): boolean {
    const waiting = [...atExits];
    for (let exits = 0; exits < MostExits; exits++) {
      if (this.#kernel.ioctl(this.#vcpuFd, VcpuRequest.Run, 0) !== 0) {
        this.#events.push(`KVM_RUN: errno ${this.#kernel.errno}`);
        return false;
      }
      const reason = this.#run.getUint32(KvmRun.exitReason, true);
      const isHalt = reason === ExitReason.Hlt;
      if (drain === 'exit' || (drain === 'halt' && isHalt)) this.#drain();
      if (isHalt) {
        for (const step of waiting) this.#perform(step);
        this.#events.push('hlt');
        return true;
      }
      if (reason === ExitReason.Io) this.#serveIo();
      else if (reason === ExitReason.Mmio) this.#serveMmio();
      else {
        this.#events.push(`exit reason ${reason}`);
        return false;
      }
      const step = waiting.shift();
      if (step !== undefined) this.#perform(step);
    }
    this.#events.push('no end');
    return false;
  }

  #serveIo(): void {
    const run = this.#run;
    const size = run.getUint8(IoExit.size);
    const count = run.getUint32(IoExit.count, true);
    const where = `port ${hex(run.getUint16(IoExit.port, true))}, ${size} x ${count}`;
    const data = new Uint8Array(this.#portData.buffer, this.#portData.byteOffset, size * count);
    if (run.getUint8(IoExit.direction) === IoDirection.Out) this.#events.push(`out ${where}: ${bytesText(data)}`);
    else {
      this.#events.push(`in ${where}`);
      this.#answer(data);
    }
    this.#exits++;
  }

  #serveMmio(): void {
    const run = this.#run;
    const length = run.getUint32(MmioExit.length, true);
    const where = `${hex(run.getBigUint64(MmioExit.address, true))}, ${length}`;
    const data = new Uint8Array(run.buffer, run.byteOffset + MmioExit.data, length);
    if (run.getUint8(MmioExit.isWrite) === 1) this.#events.push(`store ${where}: ${bytesText(data)}`);
    else {
      this.#events.push(`load ${where}`);
      this.#answer(data);
    }
    this.#exits++;
  }

  /** What a device would say: it differs from exit to exit. */
  #answer(data: Uint8Array): void {
    for (let byte = 0; byte < data.length; byte++) data[byte] = this.#exits * 37 + byte * 11 + 5;
  }

  #drain(): void {
    const ring = this.#ring;
    if (ring.first >= 170 || ring.last >= 170) {
      this.#events.push(`ring ${ring.first}/${ring.last} set to 0/0`);
      this.#setRing(0, 0);
      return;
    }
    for (const { last } = ring; ring.first !== last; ring.advance()) {
      const { address, length, isPort, value, valueHigh } = ring.queued;
      const bytes = Buffer.alloc(8);
      bytes.writeUInt32LE(value);
      bytes.writeUInt32LE(valueHigh, 4);
      const kind = isPort ? 'port' : 'memory';
      this.#events.push(`queued ${kind} ${hex(address)}: ${bytesText(bytes.subarray(0, length))}`);
    }
  }

  /** At a halt: the ring's indices, what was read, signals, and the RAM that strings and stores reach. */
  #look(reads: number): void {
    const { first, last } = this.#ring;
    this.#events.push(`ring ${first}/${last}`, ...this.#guest.takeReads(reads).map((bytes) => `read ${bytes}`));
    this.#eventfds.forEach((fd, index) => {
      const signals = this.#kernel.readEventfd(fd);
      if (signals !== 0n) this.#events.push(`eventfd ${index}: ${signals}`);
    });
    const { bytes } = this.#ram;
    this.#events.push(
      `RAM ${digest(bytes.subarray(Layout.strings, Layout.stringsEnd))} ${digest(bytes.subarray(Layout.ramEnd - PageBytes))}` +
        ` ${digest(this.#readonly.bytes)} ${digest(this.#movable.bytes)}`,
    );
  }

  #perform(step: UserspaceStep): void {
    if (step.op === 'register' || step.op === 'unregister') this.#changeZone(step);
    else if (step.op === 'assign' || step.op === 'deassign') this.#changeEventfd(step);
    else if (step.op === 'ring') this.#setRing(step.first, step.last);
    else if (step.op === 'drain') this.#drain();
    else if (step.op === 'ram' && step.present !== this.#isPresent) this.#answered('ram', this.#moveRam(step.present));
  }

  #changeZone({ op, address, size, pio }: Extract<UserspaceStep, { op: 'register' | 'unregister' }>): void {
    const zone = new DataView(new ArrayBuffer(CoalescedZone.size));
    zone.setBigUint64(CoalescedZone.address, BigInt(address), true);
    zone.setUint32(CoalescedZone.length, size, true);
    zone.setUint32(CoalescedZone.pio, pio, true);
    const isRegister = op === 'register';
    const request = isRegister ? VmRequest.RegisterCoalescedMmio : VmRequest.UnregisterCoalescedMmio;
    const result = this.#kernel.ioctl(this.#vmFd, request, zone);
    if (isRegister && result === 0) this.#zones.set(`${pio} ${address} ${size}`, zone);
    this.#answered(op, result);
  }

  #changeEventfd(step: Extract<UserspaceStep, { op: 'assign' | 'deassign' }>): void {
    const { op, address, size, pio, eventfd, datamatch } = step;
    const request = new DataView(new ArrayBuffer(IoeventfdLayout.size));
    const flags = (pio === 1 ? IoeventfdFlag.Pio : 0) | (datamatch === undefined ? 0 : IoeventfdFlag.Datamatch);
    request.setBigUint64(IoeventfdLayout.datamatch, BigInt(datamatch ?? 0), true);
    request.setBigUint64(IoeventfdLayout.address, BigInt(address), true);
    request.setUint32(IoeventfdLayout.length, size, true);
    request.setInt32(IoeventfdLayout.fd, this.#eventfds[eventfd] as number, true);
    request.setUint32(IoeventfdLayout.flags, op === 'assign' ? flags : flags | IoeventfdFlag.Deassign, true);
    const result = this.#kernel.ioctl(this.#vmFd, VmRequest.Ioeventfd, request);
    if (op === 'assign' && result === 0) this.#assigned.push(request);
    this.#answered(op, result);
  }

  #answered(what: string, result: number): void {
    this.#events.push(result === 0 ? `${what}: 0` : `${what}: errno ${this.#kernel.errno}`);
  }

  #setRing(first: number, last: number): void {
    this.#ringPage.setUint32(0, first, true);
    this.#ringPage.setUint32(4, last, true);
  }

  #moveRam(present: boolean): number {
    this.#isPresent = present;
    return this.#setSlot(Slot.movable, Layout.movable, present ? Layout.movableSize : 0, this.#movable, 0);
  }

  #setSlot(slot: number, address: number, size: number, block: RamBlock, flags: number): number {
    const region = new DataView(new ArrayBuffer(UserspaceMemoryRegion.size));
    region.setUint32(UserspaceMemoryRegion.slot, slot, true);
    region.setUint32(UserspaceMemoryRegion.flags, flags, true);
    region.setBigUint64(UserspaceMemoryRegion.guestAddress, BigInt(address), true);
    region.setBigUint64(UserspaceMemoryRegion.memorySize, BigInt(size), true);
    region.setBigUint64(UserspaceMemoryRegion.userspaceAddress, BigInt(block.hostAddress), true);
    return this.#kernel.ioctl(this.#vmFd, VmRequest.SetUserMemoryRegion, region);
  }

  #reset(): void {
    this.#setRing(0, 0);
    this.#events = [];
    this.#exits = 0;
    this.#ram.bytes.fill(0, Layout.strings, Layout.stringsEnd);
    this.#ram.bytes.fill(0, Layout.ramEnd - PageBytes);
    this.#readonly.bytes.fill(0xa5);
    this.#movable.bytes.fill(0x3c);
  }

  /** The next script begins without zones, eventfds and the RAM that moves. */
  #takeAway(): void {
    for (const zone of this.#zones.values()) this.#kernel.ioctl(this.#vmFd, VmRequest.UnregisterCoalescedMmio, zone);
    this.#zones.clear();
    for (const request of this.#assigned) {
      const flags = request.getUint32(IoeventfdLayout.flags, true) | IoeventfdFlag.Deassign;
      request.setUint32(IoeventfdLayout.flags, flags, true);
      this.#kernel.ioctl(this.#vmFd, VmRequest.Ioeventfd, request);
    }
    this.#assigned.length = 0;
    if (this.#isPresent) this.#must(this.#moveRam(false));
    for (const fd of this.#eventfds) this.#kernel.readEventfd(fd);
  }

  #must(result: number): number {
    if (result >= 0) return result;
    throw new Error(`the bench of scripts cannot set up its VM: errno ${this.#kernel.errno}`);
  }
}

const hex = (value: number | bigint): string => value.toString(16);
const bytesText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');

/** Tells contents apart: FNV-1a over words. */
function digest(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let value = 0x811c9dc5;
  for (let at = 0; at + 4 <= bytes.length; at += 4) value = Math.imul(value ^ view.getUint32(at, true), 0x01000193);
  return hex(value >>> 0);
}
