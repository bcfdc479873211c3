import { readFileSync } from 'node:fs';
import { Container, optional } from 'inversify';
import { describe, expect, it } from 'vitest';
import {
  type ConcreteDeviceClass,
  DeviceOptions,
  defineOptions,
  device,
  IsaDevice,
  inject,
  type OptionsOf,
  option,
  options,
  VirtualClock,
} from '../../sdk/index.ts';
import { ManualClock, metadataOf } from '../../sdk/runtime.ts';

const speed = defineOptions({ speed: option.integer({ default: 3, description: 'how fast' }) });
type Speed = OptionsOf<typeof speed>;

@device({ type: 'runner', description: 'Takes a clock and a speed' })
class Runner extends IsaDevice {
  constructor(
    @inject(VirtualClock) readonly clock: VirtualClock,
    @options(speed) readonly config: Speed,
  ) {
    super();
  }
}

@device({ type: 'heir', description: 'Inherits the constructor' })
class Heir extends Runner {}

@device({ type: 'rebel', description: 'Has a constructor of its own' })
class Rebel extends Runner {
  constructor(@options(speed) config: Speed) {
    super(new ManualClock(42), config);
  }
}

@device({ type: 'grandchild', description: "Inherits the rebel's" })
class Grandchild extends Rebel {}

function make<D extends IsaDevice>(deviceClass: ConcreteDeviceClass<D>): D {
  const container = new Container();
  container.bind(VirtualClock).toConstantValue(new ManualClock(7));
  container.bind(DeviceOptions).toConstantValue({ speed: 5 });
  return container.get<D>(deviceClass as new () => D, { autobind: true });
}

describe('a constructor', () => {
  it.each([
    ['its own', Runner, 7, [VirtualClock, undefined]],
    ["its base's, where it has none", Heir, 7, [VirtualClock, undefined]],
    ['its own instead', Rebel, 42, [undefined]],
    ['one inherited twice', Grandchild, 42, [undefined]],
  ])('of a device gets the services and options it names: %s', (_, deviceClass, now, tokens) => {
    const made = make<Runner>(deviceClass as ConcreteDeviceClass<Runner>);
    expect([made.clock.now, made.config.speed]).toEqual([now, 5]);
    expect(metadataOf(deviceClass).injections.map(({ token }) => token)).toEqual(tokens);
    expect(metadataOf(deviceClass).options).toBe(speed);
  });
});

/** Where the pinned version keeps `@optional()`: a new version may keep it elsewhere, and then `isOptional` is to be mended. */
const inversify = { version: '8.2.3', key: '@inversifyjs/core/classMetadataReflectKey' } as const;

describe('@optional() of inversify', () => {
  @device({ type: 'wanderer', description: 'Can do without a clock' })
  class Wanderer extends IsaDevice {
    constructor(
      @options(speed) readonly config: Speed,
      @inject(VirtualClock) @optional() readonly clock: VirtualClock | undefined,
      @inject(DeviceOptions) readonly given: unknown,
    ) {
      super();
    }
  }

  it('is seen at the parameter where it stands, and at no other', () => {
    const seen = metadataOf(Wanderer).injections.map(({ index, optional }) => [index, optional]);
    expect(seen).toEqual([
      [0, false],
      [1, true],
      [2, false],
    ]);
  });

  it(`is read from private metadata, which ${inversify.version} has under '${inversify.key}'`, () => {
    const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    const { dependencies } = JSON.parse(manifest) as { dependencies: Readonly<Record<string, string>> };
    expect(dependencies['inversify']).toBe(inversify.version);
    const { getOwnMetadata } = Reflect as unknown as { getOwnMetadata(key: string, target: object): unknown };
    expect(getOwnMetadata(inversify.key, Wanderer)).toMatchObject({
      constructorArguments: [{ optional: false }, { optional: true }, { optional: false }],
    });
    const reader = readFileSync(new URL('../../sdk/device/class-builder.ts', import.meta.url), 'utf8');
    expect(reader).toContain(`'${inversify.key}'`);
  });
});
