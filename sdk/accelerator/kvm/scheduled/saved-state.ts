import { toHex } from '../../../base/bytes.ts';
import { BackplaneError } from '../../../base/errors.ts';
import { describeJson, isJsonObject, type Json, type JsonReader } from '../../../base/json-reader.ts';
import { hex } from '../../../base/text.ts';
import { type GuestImage, isProgramImage } from '../../accelerator.ts';
import { type ExitStatistics, UserspaceCounters } from '../../exit-statistics.ts';
import { isGuestCode } from '../../guest/code.ts';
import { GuestOperation } from '../../guest/operation.ts';
import { type ResumedGuest, readCodeGuest, readGuest, saveCodeGuest, saveGuest } from '../../guest/saved-guest.ts';
import { CoalescedRingLayout, KvmRun, Registers, Rflags, SpecialRegisters, StructSize, VcpuRequest } from '../abi.ts';
import { RingConsumer } from '../coalesced-ring.ts';
import type { EventConsumers, SavedEventfd } from '../event-consumers.ts';
import type { KvmVcpu, KvmVm } from '../vm.ts';
import type { ScheduledKernel } from './kernel.ts';
import { KernelCounters, type KernelExitStatistics } from './kernel-exit-statistics.ts';
import { isAtItsEnd, type ScheduledVcpu, type VcpuSchedule } from './vcpu-schedule.ts';

/** What of an accelerator is state. The machine is settled: the ring is empty, no instruction is half done. */
export interface SavedParts {
  readonly kernel: ScheduledKernel;
  readonly vm: KvmVm;
  readonly schedule: VcpuSchedule;
  readonly consumers: EventConsumers;
  readonly statistics: ExitStatistics;
}

const LargestSeed = 0xffff_ffff;
const MostEventfds = 65_536;

/** Everything that the guest, or a count of what it did, could tell. The zones and slots follow from the memory map. */
export function saveAccelerator(parts: SavedParts): Json {
  const { kernel, vm, schedule, consumers, statistics } = parts;
  const ring = new RingConsumer((vm.vcpus[0] as KvmVcpu).ring);
  if (!ring.isEmpty)
    throw new BackplaneError(
      'machine-not-settled',
      `Writes that are still queued: ${ring.pending}. Settle the machine before it is saved.`,
    );
  const processors = schedule.vcpus.map((state) => saveProcessor(parts, state));
  return {
    guestTime: kernel.now,
    ring: { first: ring.first, last: ring.last },
    // No write waits, so nothing has to be delivered by a certain time.
    drainDeadline: null,
    turns: schedule.seed,
    eventfds: consumers.save(),
    processors,
    statistics: saveStatistics(kernel.counts, statistics),
  };
}

/** Reads and checks all of it, and answers how to put it in force. */
export function readAccelerator(reader: JsonReader, parts: SavedParts, images: readonly GuestImage[]): () => void {
  const { kernel, vm, schedule, consumers, statistics } = parts;
  reader.only('guestTime', 'ring', 'drainDeadline', 'turns', 'eventfds', 'processors', 'statistics');
  const guestTime = reader.member('guestTime').integer(0);
  const slot = readRing(reader.member('ring'));
  if (reader.member('drainDeadline').data !== null)
    reader.member('drainDeadline').refuse('expected null: the ring is empty');
  const seed = reader.member('turns').integer(0, LargestSeed);
  const eventfds = readEventfds(reader.member('eventfds'));
  const count = readStatistics(reader.member('statistics'), kernel.counts, statistics);
  // What is no list was refused already, and so were more than there may be.
  const processors = reader.member('processors');
  const found = Array.isArray(processors.data) ? processors.data.length : 0;
  if (found !== schedule.vcpus.length)
    processors.refuse(`expected ${schedule.vcpus.length} processors, found ${found}`);
  const resume = schedule.vcpus
    .slice(0, found)
    .map((vcpu, index) => readProcessor(processors.item(index), parts, vcpu, images[index]));
  return () => {
    kernel.sleepUntil(guestTime);
    new RingConsumer((vm.vcpus[0] as KvmVcpu).ring).restartAt(slot);
    schedule.seed = seed;
    consumers.restore(eventfds);
    for (const one of resume) one();
    count();
  };
}

function saveProcessor({ kernel, vm }: SavedParts, state: ScheduledVcpu): Json {
  const { vcpu, image, guest, halted, finished, exitPending } = state;
  const processor = kernel.processor(vcpu.fd);
  const { operation, operations, guestFinished, interruptShadow, failed } = processor.execution;
  if (failed || exitPending) {
    throw new BackplaneError(
      'processor-stopped',
      `Processor ${vcpu.id} cannot go on: its last run ended with an error, in the middle of an instruction. It cannot be saved.`,
    );
  }
  const savedExecution = () => {
    if (image !== undefined && isGuestCode(image)) return { guest: saveCodeGuest(image), code: processor.saveCode() };
    const begun = operations > state.startedAt || !operation.finished;
    const isProgram = image !== undefined && isProgramImage(image);
    return { guest: saveGuest(guest, operation, { isProgram, atItsEnd: state.atItsEnd, begun }) };
  };
  return {
    registers: getStruct(vm, vcpu.fd, VcpuRequest.GetRegisters, StructSize.registers),
    specialRegisters: getStruct(vm, vcpu.fd, VcpuRequest.GetSpecialRegisters, StructSize.specialRegisters),
    interruptShadow,
    readyForInterrupt: vcpu.run.getUint8(KvmRun.readyForInterruptInjection) !== 0,
    interruptFlag: vcpu.run.getUint8(KvmRun.ifFlag) !== 0,
    halted,
    finished,
    guestFinished,
    operations: savedCount(operations),
    ...savedExecution(),
  };
}

function readProcessor(
  reader: JsonReader,
  { kernel, vm }: SavedParts,
  state: ScheduledVcpu,
  image: GuestImage | undefined,
): () => void {
  reader.only(
    ...['registers', 'specialRegisters', 'interruptShadow', 'readyForInterrupt', 'interruptFlag'],
    ...['halted', 'finished', 'guestFinished', 'operations', 'guest', 'code'],
  );
  const flag = (name: string) => reader.member(name).boolean();
  const registers = reader.member('registers').hex(StructSize.registers);
  const special = reader.member('specialRegisters').hex(StructSize.specialRegisters);
  checkQueuedInterrupt(reader, registers, special);
  const [ready, interruptFlag] = [flag('readyForInterrupt'), flag('interruptFlag')];
  const [halted, finished] = [flag('halted'), flag('finished')];
  if (halted && finished) reader.refuse('waits in a HLT, and has finished');
  if (reader.member('guest').data === null && !finished)
    reader.member('guest').refuse('expected what it executes, found null');
  const execution = {
    operations: readCount(reader.member('operations')),
    guestFinished: flag('guestFinished'),
    interruptShadow: flag('interruptShadow'),
    failed: false,
  };
  const { vcpu } = state;
  const atItsEnd = isAtItsEnd(vcpu.id, { halted, finished, interruptsEnabled: interruptFlag });
  const processor = kernel.processor(vcpu.fd);
  const isCode = readCodeGuest(reader.member('guest'), image);
  if (!isCode) refuseOwnState(reader.member('code'));
  const applyCode = isCode ? processor.readCode(reader.member('code')) : undefined;
  const resumed: ResumedGuest = isCode
    ? { guest: undefined, operation: new GuestOperation() }
    : readGuest(reader.member('guest'), image, atItsEnd);
  return () => {
    resumed.prepare?.();
    state.image = image;
    state.guest = resumed.guest;
    const stage = { ...execution, operation: resumed.operation };
    if (isCode) processor.resumeCode(stage);
    else processor.resume(resumed.guest, stage);
    vm.call(vcpu.fd, VcpuRequest.SetRegisters, registers, `restore the registers of vCPU ${vcpu.id}`);
    vm.call(vcpu.fd, VcpuRequest.SetSpecialRegisters, special, `restore the segments of vCPU ${vcpu.id}`);
    applyCode?.();
    vcpu.run.setUint8(KvmRun.readyForInterruptInjection, ready ? 1 : 0);
    vcpu.run.setUint8(KvmRun.ifFlag, interruptFlag ? 1 : 0);
    state.halted = halted;
    state.exitPending = false;
    state.finished = finished || (isCode ? image : resumed.guest) === undefined;
  };
}

function refuseOwnState(reader: JsonReader): void {
  if (reader.data !== undefined) reader.refuse('is the state of machine code, and this guest is none');
}

/** KVM enters no guest with a vector queued that the processor does not take: RFLAGS.IF is 0, or STI was the last instruction. */
function checkQueuedInterrupt(reader: JsonReader, registers: Uint8Array, special: Uint8Array): void {
  const bitmap = special.subarray(SpecialRegisters.interruptBitmap);
  const vectors = Array.from({ length: 256 }, (_, vector) => vector).filter(
    (vector) => (bitmap[vector >> 3]! & (1 << (vector & 7))) !== 0,
  );
  const [first] = vectors;
  if (first === undefined) return;
  const interrupts = reader.member('specialRegisters');
  const rflags = new DataView(registers.buffer).getUint32(Registers.rflags, true);
  if (vectors.length > 1) interrupts.refuse(`queues ${vectors.length} interrupts, and a processor has one at a time`);
  else if ((rflags & Rflags.InterruptEnable) === 0 || reader.member('interruptShadow').data === true)
    interrupts.refuse(`queues interrupt ${hex(first)}, and the processor takes none here`);
}

function readEventfds(reader: JsonReader): SavedEventfd[] {
  const eventfds = reader.list(MostEventfds).map((one) => {
    one.only('name', 'signalled');
    return { name: one.member('name').text(1024), signalled: one.member('signalled').boolean() };
  });
  if (new Set(eventfds.map(({ name }) => name)).size < eventfds.length) reader.refuse('names an eventfd twice');
  return eventfds;
}

function readRing(reader: JsonReader): number {
  const last = CoalescedRingLayout.slots - 1;
  const first = reader.only('first', 'last').member('first').integer(0, last);
  if (reader.member('last').integer(0, last) !== first)
    reader.refuse('expected an empty ring: first and last are equal');
  return first;
}

function getStruct(vm: KvmVm, fd: number, request: number, size: number): string {
  const bytes = new Uint8Array(size);
  vm.call(fd, request, bytes, 'read the registers of a vCPU');
  return toHex(bytes);
}

/**
 * A snapshot counts no further: at ten million a second, that is twenty days. The sum over all processors stays exact, with
 * room to count on. What a machine has beyond is left out when it is saved.
 */
const LargestCount = 2 ** 44;

const readCount = (reader: JsonReader): number => reader.integer(0, LargestCount);
const savedCount = (count: number): number => Math.min(count, LargestCount);

const MostRows = 200_000;
const elsewhere = 'elsewhere';

/** Every counter, and `0x70:write` with its samples and how many of them went to userspace. */
function saveStatistics(kernel: KernelExitStatistics, userspace: ExitStatistics): Json {
  const ports: Record<string, Json> = {};
  const pages: Record<string, Json> = {};
  kernel.forEachPort((port, isWrite, samples, exits) => {
    ports[rowName(port, isWrite)] = [savedCount(samples), savedCount(exits)];
  });
  kernel.forEachPage((page, isWrite, samples, exits) => {
    pages[rowName(page, isWrite)] = [savedCount(samples), savedCount(exits)];
  });
  return {
    ...Object.fromEntries(KernelCounters.map((name) => [name, savedCount(kernel[name])])),
    ...Object.fromEntries(UserspaceCounters.map((name) => [name, savedCount(userspace[name])])),
    longestWait: userspace.longestWait ?? 0,
    ports,
    pages,
  };
}

/** Answers how to put the counters in force. */
function readStatistics(reader: JsonReader, kernel: KernelExitStatistics, userspace: ExitStatistics): () => void {
  reader.only(...KernelCounters, ...UserspaceCounters, 'longestWait', 'ports', 'pages');
  const kernelCounts = KernelCounters.map((name) => [name, readCount(reader.member(name))] as const);
  const userspaceCounts = UserspaceCounters.map((name) => [name, readCount(reader.member(name))] as const);
  const longestWait = reader.member('longestWait').number(0, Number.MAX_SAFE_INTEGER);
  const rows = [...readRows(reader.member('ports'), true), ...readRows(reader.member('pages'), false)];
  return () => {
    if (kernel.vmExits > 0) kernel.reset();
    for (const [name, count] of kernelCounts) kernel[name] = count;
    for (const [name, count] of userspaceCounts) userspace[name] = count;
    userspace.restoreLongestWait(longestWait);
    for (const { isPort, address, isWrite, samples, exits } of rows) {
      kernel.addRow(isPort, address, isWrite, samples, exits);
    }
  };
}

function rowName(address: number, isWrite: boolean): string {
  return `${address < 0 ? elsewhere : hex(address)}:${isWrite ? 'write' : 'read'}`;
}

function readRows(reader: JsonReader, isPort: boolean) {
  const highest = isPort ? 0xffff : 2 ** 52;
  if (!isJsonObject(reader.data)) reader.refuse(`expected rows by address, found ${describeJson(reader.data)}`);
  return reader.entries(MostRows).map(([name, row]) => {
    const [, where = '', direction] = /^(0x[0-9a-f]{1,13}|elsewhere):(read|write)$/.exec(name) ?? [];
    const address = where === elsewhere ? -1 : Number(where);
    const [samples, exits] = row.list(2).map(readCount);
    const isPlace = direction !== undefined && address <= highest && !(isPort && address < 0);
    if (!isPlace || samples === undefined || exits === undefined) row.refuse('is no row of two counts for an address');
    return {
      isPort,
      address: isPlace ? address : 0,
      isWrite: direction === 'write',
      samples: samples ?? 0,
      exits: exits ?? 0,
    };
  });
}
