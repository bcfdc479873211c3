import { BackplaneError } from '../../sdk/base/errors.ts';
import {
  addCoalescedIo,
  bit,
  bits,
  containerRegion,
  contains,
  Device,
  defineOptions,
  device,
  flushCoalescedIo,
  InterruptPin,
  IsaDevice,
  indexedRegisters,
  inject,
  input,
  interruptController,
  isaIrq,
  mmioRegion,
  type OptionsOf,
  option,
  options,
  portRegion,
  type Register,
  type RegisterSpec,
  ramRegion,
  romRegion,
  state,
  subDevice,
  VirtualClock,
} from '../../sdk/index.ts';
import { constructDevice, metadataOf, saveDevice } from '../../sdk/runtime.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { goldenMessages } from '../golden-messages.ts';
import { DeviceBench } from './device-bench.ts';

const chip = { type: 'chip', description: 'A chip' };
const ports = portRegion({ name: 'ports', base: 0x70, size: 4, accessSizes: [1] });
const data = portRegion({ name: 'data', base: 0x80, size: 4 });
const bank = mmioRegion({ name: 'bank', base: 0x1000, size: 0x40, implements: { max: 4 } });
const words = mmioRegion({ name: 'words', size: 0x40, accessSizes: [4] });
const eights = mmioRegion({ name: 'eights', size: 0x40, accessSizes: [8] });
const widened = mmioRegion({
  name: 'widened',
  size: 0x40,
  accepts: { min: 1, max: 4 },
  implements: { min: 4, max: 4 },
});

type Member = (target: object, member: string, descriptor?: object) => void;
const on = (decorator: unknown) => decorator as Member;

/** Defines a class with these registers, in fields `first` and `second`. */
function define(...places: (readonly [offset: number, spec: RegisterSpec, region?: typeof bank])[]): new () => Device {
  class Chip extends IsaDevice {}
  places.forEach(([offset, spec, region = bank], index) => {
    on(region.register(offset, spec as never))(Chip.prototype, ['first', 'second'][index] as string);
  });
  device(chip)(Chip);
  return Chip;
}

const memory = ramRegion({ name: 'memory', size: 0x40 });
const box = containerRegion({ name: 'box', base: 0, size: 0x40 });

@device({ type: 'part', description: 'A part of a chip' })
@contains(memory)
class Part extends IsaDevice {}

/** Makes a device with these fields. */
const outer = (fields: (inside: typeof box) => object | undefined) => () => {
  @device(chip)
  @contains(box)
  class Outer extends IsaDevice {
    readonly made = Object.assign(this, fields(box));
  }
  return constructDevice(() => new Outer());
};

/** Defines a class with a handler, and a register if given. */
function handled(handler: unknown, body: unknown = () => {}, register?: unknown): unknown {
  class Chip extends IsaDevice {}
  Object.defineProperty(Chip.prototype, 'access', { value: body });
  on(handler)(Chip.prototype, 'access', { value: body });
  if (register !== undefined) on(register)(Chip.prototype, 'first');
  return device(chip)(Chip);
}

/** Defines a class with a register and a hook of it. */
function hooked(
  spec: RegisterSpec,
  hooks: (register: Register<RegisterSpec>) => readonly unknown[],
  isThere = true,
): void {
  class Chip extends IsaDevice {}
  const register = bank.register(8, spec as never) as unknown as Register<RegisterSpec>;
  if (isThere) on(register)(Chip.prototype, 'status');
  hooks(register).forEach((hook, index) => {
    on(hook)(Chip.prototype, `hook${index}`, {});
  });
  device(chip)(Chip);
}

const index = ports.register(0, { width: 8 });
/** Defines a class with an index register and these behind it. */
function indexed(...registers: readonly unknown[]): void {
  class Chip extends IsaDevice {}
  on(index)(Chip.prototype, 'index');
  registers.forEach((register, number) => {
    on(register)(Chip.prototype, ['first', 'second'][number] as string);
  });
  device(chip)(Chip);
}

const coalescing = (range: object) => addCoalescedIo(ports, { offset: 0, size: 1, ...range });
const writing = () => {
  class Chip extends IsaDevice {
    @ports.write(0) writeIndex(): void {}
  }
  return Chip;
};

@device(chip)
class Chip extends IsaDevice {
  get early(): unknown {
    return this.topology;
  }
}

const speed = defineOptions({ speed: option.integer({ range: [1, 9], description: 'its speed' }) });

goldenMessages('device', {
  'asynchronous-handler': () => handled(ports.read(0), async () => 1),
  'bad-option': () => speed.parse('speed', '10', 'chip'),
  'coalesced-range-not-written': () => device(chip)(mark(writing(), coalescing({ offset: 1 }))),
  'controller-without-vector': () => interruptController()(Chip as never),
  'data-port-mismatch': () => {
    const behind = indexedRegisters({ index, data: 1 });
    indexed(behind.register(3, { width: 8 }), behind.register(5, { width: 16 }));
  },
  'decorator-above-device': () => coalescing({})(Chip),
  'decorator-twice': () => mark(writing(), flushCoalescedIo(data), flushCoalescedIo(data), device(chip)),
  'derived-pin-set': () => new InterruptPin(() => true).set(true),
  'device-made-with-new': () => saveDevice(new Chip()),
  'device-not-realized': () => new Chip().early,
  'device-realized-twice': () => {
    const bench = new DeviceBench();
    bench.realize(bench.realize(new Chip(), 'chip0'));
  },
  'device-without-bus': () => {
    class Chip extends Device {}
    device(chip)(Chip);
  },
  'handler-needs-64-bit': () => handled(eights.read(0)),
  'handler-size-not-implemented': () => handled(ports.read(0, { size: 2 })),
  'independent-region-unknown': () => device(chip)(mark(writing(), coalescing({ independent: [data] }))),
  'invalid-access-sizes': () => portRegion({ name: 'r', size: 4, accessSizes: [1, 4] }),
  'invalid-input': () => handled(input({ count: 8 } as never), (_level: boolean) => {}),
  'invalid-device-type': () => device({ ...chip, type: '8259' })(class Chip extends IsaDevice {}),
  'invalid-field-value': () =>
    define([0, { width: 8, fields: { rate: bits(0, 7, 'read-write', { values: { Fast: 256 } }) } }]),
  'invalid-derived-register': () => {
    class Chip extends IsaDevice {}
    on(bank.register(0, { width: 8 }))(Chip.prototype, 'status', { get: () => 1 });
    device(chip)(Chip);
  },
  'invalid-index-register': () =>
    indexedRegisters({ index: ports.register(0, { width: 8, count: 2 }) as never, data: 3 }),
  'invalid-option-declaration': () => defineOptions({ base_year: option.integer({ description: '' }) }),
  'invalid-region-base': () => portRegion({ name: 'r', size: 4, base: 0xfffe }),
  'invalid-region-size': () => mmioRegion({ name: 'r', size: 1.5 }),
  'invalid-register-count': () => define([0, { width: 32, count: 2, stride: 2 }]),
  'invalid-register-field': () => define([0, { width: 8, fields: { count: bits(7, 0) } }]),
  'invalid-register-width': () => define([0, { width: 24 as 32 }]),
  'invalid-reset-value': () => define([0, { width: 8, reset: 256 }]),
  'invalid-rom-image': () => romRegion({ name: 'boot', size: 2, image: new Uint8Array(3) }),
  'late-pin': () => {
    @device(chip)
    class Chip extends IsaDevice {
      pin: InterruptPin | undefined;
    }
    const { device: made } = testBench(Chip);
    made.pin = new InterruptPin();
    saveDevice(made);
  },
  'invalid-trigger': () => define([0, { width: 8, reads: 1 }]),
  'missing-description': () => (device as unknown as () => (of: unknown) => void)()(class Chip extends IsaDevice {}),
  'missing-device-decorator': () => metadataOf(writing()),
  'missing-flush': () => {
    @device(chip)
    @addCoalescedIo(ports, { offset: 0, size: 1 })
    class Chip extends IsaDevice {
      @ports.write(0) writeIndex(): void {}
      @data.read(0) readData(): number {
        return 0;
      }
    }
    return Chip;
  },
  'missing-index-register': () => {
    class Chip extends IsaDevice {}
    on(indexedRegisters({ index, data: 1 }).register(3, { width: 8 }))(Chip.prototype, 'third');
    device(chip)(Chip);
  },
  'narrow-access-unsupported': () => handled(widened.write(0)),
  'no-such-option': () => speed.parse('sped', '1', 'chip'),
  'not-a-device': () => device(chip)(class Thing {} as never),
  'option-not-live': () => {
    const { code, message } = speed.liveProblem('speed', 2, "Device 'chip'")!;
    throw new BackplaneError(code, message);
  },
  'option-wires-unknown-pin': () => {
    const wiring = defineOptions({
      irq: option.integer({ default: 3, description: '', wires: { pin: 'irqs', to: isaIrq } }),
    });
    @device(chip)
    class Chip extends IsaDevice {
      readonly irq = new InterruptPin();
      constructor(@options(wiring) readonly config: OptionsOf<typeof wiring>) {
        super();
      }
    }
    testBench(Chip);
  },
  'parameter-not-injected': () => {
    class Chip extends IsaDevice {
      constructor(readonly speed: number) {
        super();
      }
    }
    device(chip)(Chip);
  },
  'region-not-in-device': () => new DeviceBench().realize(new Chip(), 'chip0').region(ports),
  'region-without-name': () => mmioRegion({ name: '', size: 4 }),
  'register-access-and-fields': () => define([0, { width: 8, access: 'read-only', fields: { all: bits(0, 7) } }]),
  'register-access-reaches-handler': () => handled(bank.write(1), () => {}, bank.register(0, { width: 8 })),
  'register-bits-unassigned': () => define([0, { width: 8, fields: { ready: bit(0), error: bits(4, 7) } }]),
  'register-field-mismatch': () =>
    new DeviceBench().realize(Object.assign(new (define([0, { width: 32, reset: 16 }]))(), { first: 1 })),
  'register-fields-overlap': () => define([0, { width: 8, fields: { mode: bits(0, 3), rest: bits(3, 7) } }]),
  'register-hook-never-called': () => hooked({ width: 8, access: 'read-only' }, (register) => [register.onWrite()]),
  'register-hook-twice': () => hooked({ width: 8 }, (register) => [register.onWrite(), register.onWrite()]),
  'register-hook-unknown-field': () => hooked({ width: 8 }, (register) => [register.onRead('mode' as never)]),
  'register-hook-without-register': () => hooked({ width: 8 }, (register) => [register.onWrite()], false),
  'register-index-out-of-reach': () => indexed(indexedRegisters({ index, data: 1 }).register(256, { width: 8 })),
  'register-name-taken': () => define([0, { width: 8, name: 'status' }], [4, { width: 8, name: 'status' }]),
  'register-narrower-than-access': () => define([0, { width: 8 }, words]),
  'register-not-on-field': () => {
    class Chip extends IsaDevice {}
    on(bank.register(0, { width: 8 }))(Chip.prototype, 'status', { value: () => 1 });
  },
  'register-overlap': () => define([0x10, { width: 32 }], [0x12, { width: 16 }]),
  'register-redeclared': () => {
    const Base = define([0, { width: 8 }]);
    class Chip extends Base {}
    on(bank.register(4, { width: 8 }))(Chip.prototype, 'first');
    device(chip)(Chip as never);
  },
  'reserved-member': () => {
    class Chip extends IsaDevice {}
    on(bank.register(0, { width: 8 }))(Chip.prototype, 'id');
    device(chip)(Chip);
  },
  'reserved-option-name': () => {
    const taken = defineOptions({ addr: option.integer({ description: '' }) });
    class Chip extends IsaDevice {
      constructor(@options(taken) readonly config: OptionsOf<typeof taken>) {
        super();
      }
    }
    device(chip)(Chip);
  },
  'retired-state-present': () => {
    class Chip extends IsaDevice {
      @state one = 1;
    }
    device({ ...chip, retired: ['one'] })(Chip);
  },
  'state-since-later-version': () => {
    class Chip extends IsaDevice {
      @state({ since: 2 }) one = 1;
    }
    device(chip)(Chip);
  },
  'stray-sub-device': () => subDevice(() => new Part()),
  'sub-device-misplaced': outer((inside) => ({ part: subDevice(() => new Part(), { inside, offset: 0x20 }) })),
  'sub-device-without-name': outer(() => void subDevice(() => new Part())),
  'timer-name-taken': () => {
    @device(chip)
    class Chip extends IsaDevice {
      constructor(@inject(VirtualClock) clock: VirtualClock) {
        super();
        for (let round = 0; round < 2; round++) clock.timer('tick', () => {});
      }
    }
    testBench(Chip);
  },
  'two-copies': 'it takes a second copy of the package; its places differ from host to host',
  'zero-extended-misplaced': () => define([2, { width: 32, narrow: 'zero-extended' }]),
});

/** The class, decorated from the bottom up, as they stand here. */
function mark<C>(of: C, ...decorators: readonly ((of: never) => void)[]): C {
  for (const decorate of decorators) decorate(of as never);
  return of;
}
