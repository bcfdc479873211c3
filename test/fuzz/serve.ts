import { Edu } from '../../devices/edu.ts';
import { VirtioRng } from '../../devices/virtio-rng.ts';
import { hostTurn } from '../../sdk/clock/index.ts';
import { use } from '../../sdk/index.ts';
import { MessageStream } from '../../sdk/serve/message-stream.ts';
import { Random } from '../../sdk/testing/random.ts';
import { TableCard, WideCard } from '../serve/cards.ts';
import * as client from '../serve/client.ts';
import { ScriptedClient } from '../serve/scripted-client.ts';

export interface ServeFuzz {
  readonly cases: number;
  /** Messages that were answered, and sessions that were ended. */
  readonly answered: number;
  readonly ended: number;
  /** What must not be. */
  readonly problem: string | undefined;
}

export interface ServeFuzzPlan {
  readonly seed: number;
  readonly until: (cases: number) => boolean;
  readonly onProgress?: (cases: number) => void;
}

const devices = [use(Edu), use(VirtioRng), use(WideCard), use(TableCard)];
const Messages = 60;
/** Of guest time between two messages. */
const LongestWait = 200_000_000;

/**
 * Hostile clients: right messages, damaged ones and noise, in pieces, in any order, with descriptors where none belong. No error comes out of
 * the session, each descriptor is given back once, each message has one answer or none, and the device answers the next client.
 */
export async function fuzzServe({ seed, until, onProgress }: ServeFuzzPlan): Promise<ServeFuzz> {
  let [cases, answered, ended] = [0, 0, 0];
  for (; !until(cases); cases++) {
    onProgress?.(cases);
    // What a machine held is free when the job that made it has ended.
    await hostTurn();
    const caseSeed = seed + cases;
    try {
      const one = hostile(new Random(caseSeed));
      answered += one.answered;
      ended += one.ended;
    } catch (failure) {
      const why = failure instanceof Error ? failure.stack : String(failure);
      return { cases, answered, ended, problem: `--seed ${caseSeed} --cases 1: ${why}` };
    }
  }
  return { cases, answered, ended, problem: undefined };
}

function hostile(random: Random): { answered: number; ended: number } {
  const one = new ScriptedClient(random.pick(devices), { passesDescriptors: !random.oneIn(4) });
  let [nextDescriptor, answered, ended] = [100, 0, 0];
  let given: number[] = [];
  for (let clients = 0; clients < 3; clients++) {
    given = [];
    if (!random.oneIn(5)) one.attach();
    one.link.files.set(50, new Uint8Array(0x4000));
    const stream = new MessageStream((message, descriptors) => one.session.receive(message, descriptors));
    for (let count = 0; count < Messages && one.end === undefined; count++) {
      const descriptors = Array.from(
        { length: random.oneIn(3) ? random.below(random.oneIn(8) ? 40 : 3) : 0 },
        () => nextDescriptor++,
      );
      const before = one.link.sent.length;
      const bytes = damaged(random, someMessage(random));
      const isBroken = inPieces(
        random,
        bytes,
        (chunk, isLast) => stream.push(chunk, isLast ? descriptors : []) !== undefined,
      );
      answered += one.link.sent.length - before;
      if (random.oneIn(4)) one.advance(random.below(LongestWait));
      if (isBroken) break;
    }
    ended += one.end === undefined ? 0 : 1;
    one.session.close();
    for (const descriptor of stream.heldDescriptors) one.link.closeDescriptor(descriptor);
    checkDescriptors(given, one.link.closed);
    if (one.served.memory.count !== 0) throw new Error('memory of a client that is gone is mapped');
    one.connect();
  }
  one.attach();
  const identity = one.ask(client.read(7, 0, 2));
  if (identity.errno !== 0) throw new Error(`the next client gets errno ${identity.errno}`);
  if (one.notes.some((note) => /TypeError|RangeError|internal/.test(note))) throw new Error(one.notes.join('\n'));
  one.machine.dispose();
  return { answered, ended };
}

/** Each descriptor was closed, and none twice. */
function checkDescriptors(given: readonly number[], closed: readonly number[]): void {
  const own = closed.filter((descriptor) => descriptor >= 100);
  const twice = own.find((descriptor, index) => own.indexOf(descriptor) !== index);
  if (twice !== undefined) throw new Error(`descriptor ${twice} was closed twice`);
  const kept = given.find((descriptor) => !own.includes(descriptor));
  if (kept !== undefined) throw new Error(`descriptor ${kept} was never closed`);
}

function someMessage(random: Random): DataView {
  const size = () => random.pick([1, 2, 4, 8, 3, 0, 256, random.below(70_000)]);
  const offset = () => random.pick([0, 4, 8, 0x10, 0x20, 0x60, 0x98, random.below(0x2000), random.bits()]);
  const region = () => random.pick([0, 0, 0, 1, 2, 6, 7, 7, 7, 9, random.below(12)]);
  const page = () => BigInt(random.below(64)) * 0x1000n;
  const width = random.pick([1, 2, 4, 8]);
  return random.pick<() => DataView>([
    () =>
      client.version(
        random.oneIn(3)
          ? random.pick<unknown>([[], 1, null, { capabilities: [] }, { capabilities: { max_msg_fds: -1 } }])
          : undefined,
        random.below(2),
      ),
    () => client.map(page(), page(), page(), random.below(5)),
    () => client.unmap(page(), page(), random.pick([0, 0, 2, 1])),
    () => client.info(),
    () => client.regionInfo(random.below(12)),
    () => client.irqInfo(random.below(7)),
    () =>
      client.setIrqs(
        random.pick([0x24, 0x21, 0x22, 0x09, 0x11, 0x14, random.below(64)]),
        random.below(6),
        random.below(5),
        random.pick([0, 1, 2, 4, random.bits()]),
        new Uint8Array(random.below(4)),
      ),
    () => client.read(region(), offset(), size()),
    () => client.read(region(), offset(), width),
    () =>
      client.write(
        region(),
        offset(),
        random.bits64() & ((1n << BigInt(8 * width)) - 1n),
        width,
        random.oneIn(2) ? client.NoReply : 0,
      ),
    () =>
      client.writeMany(
        Array.from({ length: random.below(5) }, () => ({
          region: region(),
          offset: offset(),
          value: random.bits(),
          count: size(),
        })),
      ),
    () => client.reset(),
    () =>
      client.message(
        random.below(20),
        [random.bits(), random.bits()],
        new Uint8Array(random.below(40)),
        random.below(0x40),
      ),
  ])();
}

/** Bytes changed, left out or added, now and then. The length may lie. */
function damaged(random: Random, message: DataView): Uint8Array {
  const bytes = new Uint8Array(message.buffer).slice();
  if (!random.oneIn(4)) return bytes;
  const at = random.below(bytes.length);
  if (random.oneIn(3)) return bytes.subarray(0, at);
  bytes[at] = random.below(256);
  return bytes;
}

/** Answers whether the stream has lost its place. */
function inPieces(random: Random, bytes: Uint8Array, push: (chunk: Uint8Array, isLast: boolean) => boolean): boolean {
  for (let at = 0; at < bytes.length; ) {
    const length = random.oneIn(3) ? 1 + random.below(bytes.length) : bytes.length;
    const chunk = bytes.subarray(at, at + length);
    at += chunk.length;
    if (push(chunk, at >= bytes.length)) return true;
  }
  return bytes.length === 0;
}
