import type { AccessWidth, ScriptStep } from '../../sdk/testing/conformance/script.ts';
import type { Random } from '../../sdk/testing/random.ts';
import { descriptor, word } from '../testing/conformance/device-profiles.ts';

/** Where the bench places the modern structures of a transitional device. */
const Bar = 0xe000_4000;
const Common = {
  ...{ DriverFeatureSelect: 0x08, DriverFeature: 0x0c, ConfigurationVector: 0x10, Status: 0x14, QueueSelect: 0x16 },
  ...{ QueueVector: 0x1a, QueueEnable: 0x1c, Descriptors: 0x20, Driver: 0x28, Device: 0x30, QueueReset: 0x3a },
} as const;
const [InterruptStatus, Notify] = [0x1000, 0x3000];
const MsixControl = 0x9a;
const [NextFlag, WriteFlag] = [1, 2];
/** Indirect descriptors and event indexes. */
const RingFeatures = 0x3000_0000;
const [Header, Data, Status] = [0x2_f000, 0x3_0000, 0x2_f800];

const set = (offset: number, size: AccessWidth, value: number): ScriptStep => ({
  ...{ kind: 'write', space: 'memory', address: Bar + offset, size },
  value: size === 8 ? BigInt(value) : value,
});
const get = (offset: number, size: AccessWidth): ScriptStep => {
  return { kind: 'read', space: 'memory', address: Bar + offset, size };
};
const config = (offset: number, value: number): ScriptStep => ({ kind: 'config-write', offset, size: 2, value });

/** The descriptors of one request, from `ring` on. */
type Request = (random: Random, ring: number, queue: number) => readonly ScriptStep[];

/** A driver of the modern interface: MSI-X or the pin, features, a queue, a request or two, and what came of them. */
function modernDriver(queues: number, request: Request): (random: Random) => readonly ScriptStep[] {
  return (random) => {
    const queue = random.below(queues);
    const ring = 0x2_0000 + 0x4000 * queue;
    const [available, used] = [ring + 0x1000, ring + 0x2000];
    const offer = [
      ...request(random, ring, queue),
      word(available, (1 + random.below(2)) << 16),
      set(Notify + 4 * queue, 2, queue),
    ];
    const look: ScriptStep[] = [
      { kind: 'read', space: 'memory', address: used, size: 4 },
      { kind: 'read', space: 'memory', address: used + 8, size: 4 },
      get(InterruptStatus, 1),
    ];
    return [
      ...[config(4, 7), config(MsixControl, random.oneIn(4) ? 0 : 0x8000)],
      ...[set(Common.Status, 1, 0), set(Common.Status, 1, 3)],
      ...[set(Common.DriverFeatureSelect, 4, 0), set(Common.DriverFeature, 4, random.pick([0, RingFeatures]))],
      ...[set(Common.DriverFeatureSelect, 4, 1), set(Common.DriverFeature, 4, random.pick([1, 1, 1, 0x101, 0]))],
      ...[set(Common.Status, 1, 0xb), get(Common.Status, 1), set(Common.ConfigurationVector, 2, 0)],
      ...[set(Common.QueueSelect, 2, queue), set(Common.QueueVector, 2, random.pick([0, 1, 1, 0xffff]))],
      ...[set(Common.Descriptors, 8, ring), set(Common.Driver, 8, available), set(Common.Device, 8, used)],
      ...[word(available, 0), word(available + 4, 0), word(used, 0)],
      ...[set(Common.QueueEnable, 2, 1), set(Common.Status, 1, 0xf)],
      ...[...offer, ...look, ...(random.oneIn(2) ? [...offer, ...look] : [])],
      ...(random.oneIn(6) ? [set(Common.QueueReset, 2, 1), get(Common.QueueEnable, 2)] : []),
    ];
  };
}

const buffer: Request = (random, ring, queue) =>
  descriptor(ring, Data + random.below(0x400), 1 + random.below(0x100), queue === 0 ? WriteFlag : 0);

/** Header, data and status of a disk. */
const diskRequest: Request = (random, ring) => {
  const type = random.pick([0, 0, 1, 1, 4, 8, 11]);
  const isWritten = type === 1 ? 0 : WriteFlag;
  return [
    ...[
      word(Header, type),
      word(Header + 4, 0),
      word(Header + 8, random.pick([0, 1, 126, 127, 200])),
      word(Header + 12, 0),
    ],
    ...descriptor(ring, Header, 16, NextFlag, 1),
    ...descriptor(ring + 16, Data, random.pick([512, 512, 1024, 20]), NextFlag | isWritten, 2),
    ...descriptor(ring + 32, Status, 1, WriteFlag),
  ];
};

/** By class name. */
export const modernDrivers: Readonly<Record<string, (random: Random) => readonly ScriptStep[]>> = {
  VirtioBlk: modernDriver(1, diskRequest),
  VirtioConsole: modernDriver(2, buffer),
  VirtioRng: modernDriver(1, buffer),
};
