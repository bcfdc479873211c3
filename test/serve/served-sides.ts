import { type Backend, CharBackend } from '../../sdk/backend/index.ts';
import { metadataOf } from '../../sdk/device/index.ts';
import { backendsOf } from '../../sdk/device/part.ts';
import type { UsedDevice } from '../../sdk/index.ts';
import type { Served } from '../../sdk/serve/node/served.ts';
import { type BenchBackends, limitLine } from '../../sdk/testing/bench/backends.ts';
import {
  type TestBackend,
  TestBlockBackend,
  TestCharBackend,
  type TestImage,
} from '../../sdk/testing/bench/test-backends.ts';
import { type BackendStep, performOnSide } from '../../sdk/testing/conformance/backend-steps.ts';

/** Rounds of what arrives and of its consequences, for one step. */
const MostRounds = 1000;

/** The other sides of a served device's back ends. They do what those of a bench do. */
export class ServedSides {
  /** By the names of the device's options. */
  private readonly byOption = new Map<string, TestBackend>();
  private served: Served | undefined;

  constructor(used: UsedDevice, images: Readonly<Record<string, TestImage>>) {
    for (const [name, { backend }] of Object.entries(metadataOf(used.device).options.declarations)) {
      if (backend === undefined) continue;
      this.byOption.set(
        name,
        backend.backendType === 'char'
          ? new TestCharBackend(
              name,
              () => this.settle(),
              (room) => this.limit(name, room),
            )
          : new TestBlockBackend(name, images[name]),
      );
    }
  }

  /** For `serve`. The options of the device name them. */
  get backends(): readonly Backend[] {
    return [...this.byOption.values()].map(({ backend }) => backend);
  }

  connect(served: Served): void {
    this.served = served;
  }

  perform(step: BackendStep): void {
    performOnSide(this.byOption.get(step.backend), step);
  }

  /** What has arrived reaches the device, and what it writes leaves, until neither has consequences. */
  settle(): void {
    const { served } = this;
    let rounds = 0;
    do served?.catchUp();
    while (served?.machine.inbox.due === 0 && ++rounds < MostRounds);
  }

  /** In what the sides of a bench have, and what these have. What the device has written is forgotten then. */
  difference(bench: BenchBackends, device: object): string | undefined {
    const parts = { here: backendsOf(device), there: backendsOf(this.served?.device ?? {}) };
    for (const [name, one] of this.byOption) {
      const [here, there] = [parts.here.get(name), parts.there.get(name)];
      const waiting = [here, there].map((part) => (part instanceof CharBackend ? part.contents : ''));
      if (waiting[0] !== waiting[1]) return `'${name}': here ${waiting[0]} waits, through QEMU ${waiting[1]}`;
      const [ours, theirs] = [bench.find(name).bytes, one.bytes];
      if (Buffer.compare(ours, theirs) !== 0) return `'${name}': here ${shown(ours)}, through QEMU ${shown(theirs)}`;
      for (const side of [bench.find(name), one]) if (side instanceof TestCharBackend) side.clear();
    }
    return undefined;
  }

  private limit(name: string, room: number | undefined): void {
    if (this.served !== undefined) limitLine(this.served.machine.backends, name, room);
  }
}

const shown = (bytes: Uint8Array): string =>
  `${bytes.length} bytes, at the end ${Buffer.from(bytes.subarray(-16)).toString('hex')}`;
