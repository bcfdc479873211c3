import { spawn } from 'node:child_process';
import { closeSync, ftruncateSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import type { DmaPort } from '../../../sdk/bus/dma-port.ts';
import { MemoryDmaPort } from '../../../sdk/bus/dma-port.ts';
import { SplitQueue } from '../../../sdk/bus/virtio/split-queue.ts';
import { MemoryRegion, use } from '../../../sdk/index.ts';
import { loadKoffi } from '../../../sdk/native/koffi.ts';
import { basicLibc, mapFile } from '../../../sdk/native/libc.ts';
import { AddressSpace, MemoryTopology } from '../../../sdk/runtime.ts';
import { memoryFile } from '../../../sdk/serve/node/memory-file.ts';
import { times } from '../../depth.ts';
import { needs, whyNoKoffi } from '../../needs.ts';
import { WideCard } from '../../serve/cards.ts';
import * as client from '../../serve/client.ts';
import { clientLibc } from '../../serve/native-client.ts';
import { ScriptedClient } from '../../serve/scripted-client.ts';

const Size = 16;
/** Descriptors, available ring, used ring, the buffer of all requests, and words by which the two sides wake each other. */
const Place = { Available: 0x1000, Used: 0x2000, Buffer: 0x3000, Words: 0x4000, End: 0x5000 } as const;
const Word = { Kicks: 0, Interrupts: 1, Fence: 2, Failed: 3, Count: 4 } as const;
/** A side that waits so long waits for ever. */
const Patience = 20_000;
/** How often the device looks for a notification before it sleeps. */
const Awake = 5_000;
const setup = { size: Size, place: Place, word: Word, patience: Patience };

/** A driver of its own, with event indexes: it waits for an interrupt when it can do nothing else. Needs `ram`, `wake`, `sleep`, `tell`. */
const driver = (requests: number): string => `
const requests = ${requests};
const { size, place, word, patience } = ${JSON.stringify(setup)};
const [ring, bytes, control] = [new Uint16Array(ram), new DataView(ram), new Int32Array(ram, place.Words, word.Count)];
const [available, used] = [place.Available / 2, place.Used / 2];
const usedEvent = available + 2 + size;
const availableEvent = used + 2 + 4 * size;
const needs = (event, now, old) => ((now - event - 1) & 0xffff) < ((now - old) & 0xffff);
const fence = () => Atomics.add(control, word.Fence, 1);
let [offered, answered, kicks, waits, seed] = [0, 0, 0, 0, 1];
while (answered < requests) {
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
  // Few requests at a time, mostly: a notification that is lost is not made up for by the next one.
  const depth = (seed >>> 28) === 0 ? size : 1 + ((seed >>> 24) & 3);
  const batch = Math.max(0, Math.min(depth - (offered - answered), 1 + ((seed >>> 16) & 1), requests - offered));
  for (let pause = (seed >>> 20) & 127; pause > 0; pause--) Atomics.load(control, word.Failed);
  const old = offered;
  for (let one = 0; one < batch; one++, offered++) ring[available + 2 + (offered % size)] = offered % size;
  if (batch > 0) {
    Atomics.store(ring, available + 1, offered & 0xffff);
    fence();
    if (needs(Atomics.load(ring, availableEvent), offered & 0xffff, old & 0xffff)) {
      kicks++;
      Atomics.add(control, word.Kicks, 1);
      wake(control, word.Kicks);
    }
  }
  const seen = Atomics.load(control, word.Interrupts);
  if (batch === 0) {
    Atomics.store(ring, usedEvent, answered & 0xffff);
    fence();
    if (Atomics.load(ring, used + 1) === (answered & 0xffff)) {
      waits++;
      if (!sleep(control, word.Interrupts, seen, patience)) break;
    }
  }
  for (const end = Atomics.load(ring, used + 1); (answered & 0xffff) !== end; answered++) {
    if (bytes.getUint32(place.Used + 4 + 8 * (answered % size), true) !== answered % size) Atomics.store(control, word.Failed, 1);
  }
}
tell({ answered, kicks, waits });
`;

const inThread = (requests: number): string => `
const { workerData: ram, parentPort } = require('node:worker_threads');
const wake = (control, word) => Atomics.notify(control, word);
const sleep = (control, word, seen, patience) => Atomics.wait(control, word, seen, patience) !== 'timed-out';
const tell = (outcome) => parentPort.postMessage(outcome);
${driver(requests)}`;

/** Descriptor 3 is the memory, 4 wakes the device, and 5 wakes the driver. */
const inProcess = (requests: number): string => `
const koffi = require('koffi');
const { readSync, writeSync } = require('node:fs');
const library = koffi.load(null);
const mmap = library.func('void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)');
const poll = library.func('int poll(void *fds, unsigned long count, int timeout)');
const ram = koffi.view(mmap(0n, ${Place.End}, 3, 1, 3, 0), ${Place.End});
const [one, counter] = [Buffer.from(BigUint64Array.of(1n).buffer), Buffer.alloc(8)];
const wake = () => writeSync(4, one);
const sleep = (control, word, seen, patience) => {
  while (Atomics.load(control, word) === seen) {
    if (poll(Int32Array.of(5, 1), 1, patience) === 0) return false;
    readSync(5, counter);
  }
  return true;
};
const tell = (outcome) => console.log(JSON.stringify(outcome));
${driver(requests)}`;

interface Outcome {
  readonly answered: number;
  readonly kicks: number;
  readonly waits: number;
}

/** The device's end of what is between the two. */
interface Side {
  readonly ram: ArrayBufferLike;
  readonly port: DmaPort;
  readonly ended: Promise<Outcome>;
  wake(): void;
  /** Until the word of the notifications is another one; false: in vain. */
  sleep(control: Int32Array, seen: number): boolean;
  close(): void;
}

function otherThread(requests: number): Side {
  const ram = new SharedArrayBuffer(Place.End);
  const topology = new MemoryTopology();
  topology.allocateRam = () => ({ bytes: new Uint8Array(ram), view: new DataView(ram), hostAddress: 0x1000 });
  const space = new AddressSpace(topology, 'memory', MemoryRegion.ram(topology, 'ram', Place.End));
  const control = new Int32Array(ram, Place.Words, Word.Count);
  const worker = new Worker(inThread(requests), { eval: true, workerData: ram });
  const ended = new Promise<Outcome>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  return {
    ram,
    ended,
    port: new MemoryDmaPort(space),
    wake: () => Atomics.notify(control, Word.Interrupts),
    sleep: (words, seen) => Atomics.wait(words, Word.Kicks, seen, Patience) !== 'timed-out',
    close: () => void worker.terminate(),
  };
}

/** The driver is another process, and the device reaches the memory that it shares as a served device does: by a mapping, or as a file. */
function otherProcess(requests: number, isMapped: boolean): Side {
  const libc = { ...basicLibc(loadKoffi('test')), ...clientLibc() };
  const memory = libc.memfd('ram');
  ftruncateSync(memory, Place.End);
  const [kicks, interrupts] = [libc.eventfd(), libc.eventfd()];
  const blocks = mapFile(libc, memory, 0, Place.End, true) ?? [];
  const guest = new ScriptedClient(use(WideCard)).attach();
  const request = { address: 0, size: Place.End, offset: 0, isWritable: true };
  const release = () => blocks.forEach((block) => void block.unmap());
  guest.served.memory.add(request, isMapped ? { blocks, release } : memoryFile(memory, 0, release));
  guest.ask(client.write(7, 4, 0x6, 2));
  const child = spawn(process.execPath, ['-e', inProcess(requests)], {
    stdio: ['ignore', 'pipe', 'inherit', memory, kicks, interrupts],
  });
  let output = '';
  child.stdout?.on('data', (text) => {
    output += text;
  });
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(JSON.parse(output)));
  });
  const one = Buffer.from(BigUint64Array.of(1n).buffer);
  const counter = Buffer.alloc(8);
  return {
    ram: (blocks[0] as { bytes: Uint8Array }).bytes.buffer,
    ended,
    port: guest.served.device.busMaster,
    wake: () => void writeSync(interrupts, one),
    sleep(control, seen) {
      while (Atomics.load(control, Word.Kicks) === seen) {
        if (libc.poll(Int32Array.of(kicks, 1), 1, Patience) === 0) return false;
        libc.read(kicks, counter, counter.length);
      }
      return true;
    },
    close() {
      child.kill();
      guest.session.close();
      for (const fd of [memory, kicks, interrupts]) closeSync(fd);
    },
  };
}

/** The queue and its driver until all is answered, or one of them waits in vain. */
async function drive({ ram, port, ended, wake, sleep }: Side, requests: number): Promise<void> {
  const control = new Int32Array(ram, Place.Words, Word.Count);
  const queue = new SplitQueue(Size, port);
  queue.hasEventIndex = true;
  [queue.descriptors, queue.available, queue.used] = [0n, BigInt(Place.Available), BigInt(Place.Used)];
  let [served, lost] = [0, false];
  for (let turns = 1; served < requests && !lost; turns++) {
    const seen = Atomics.load(control, Word.Kicks);
    const { wantsInterrupt, isDone } = queue.process(Size, () => {
      served++;
      return 0;
    });
    if (wantsInterrupt) {
      Atomics.add(control, Word.Interrupts, 1);
      wake();
    }
    // The runner of the tests has its turn too.
    if (turns % 50_000 === 0) await new Promise((resolve) => setImmediate(resolve));
    // Awake for a while, so that requests come while the ring is looked at for the last time.
    for (let look = Awake; look > 0 && isDone && Atomics.load(control, Word.Kicks) === seen; look--);
    if (isDone && served < requests) lost = !sleep(control, seen);
  }
  const { answered, kicks, waits } = await ended;
  expect([lost, served, answered, control[Word.Failed]]).toEqual([false, requests, requests, 0]);
  // Both sides have slept, and were woken.
  expect([kicks > 0, kicks < requests, waits > 0]).toEqual([true, true, true]);
}

describe.each([
  ['another thread', otherThread, undefined, times(100_000, 1_000_000)],
  [
    'another process, through the memory that it shares with a served device',
    (requests: number) => otherProcess(requests, true),
    whyNoKoffi(),
    times(100_000, 10_000_000),
  ],
  [
    'another process, through a file that a served device reads and writes',
    (requests: number) => otherProcess(requests, false),
    whyNoKoffi(),
    times(20_000, 500_000),
  ],
] as const)('a driver in %s', (_, begin, why, requests) => {
  it(`loses no notification and no interrupt in ${requests} requests`, {
    ...needs('koffi', why),
    timeout: times(60_000, 900_000),
  }, async () => {
    const side = begin(requests);
    // The rings are laid out before the first request: the driver does not look at descriptors.
    const view = new DataView(side.ram);
    for (let index = 0; index < Size; index++) {
      view.setBigUint64(16 * index, BigInt(Place.Buffer), true);
      view.setUint32(16 * index + 8, 1, true);
    }
    try {
      await drive(side, requests);
    } finally {
      side.close();
    }
  });
});
