import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import * as authors from '../../sdk/index.ts';
import * as runtime from '../../sdk/runtime.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { toyMachine } from '../machine/toys.ts';
import { expectRefusal } from '../refusal.ts';

const sdk = { ...authors, ...runtime };
type Sdk = typeof sdk;

const elsewhere = '/elsewhere/node_modules/backplane/';

/** A second copy of the package in this process, as two versions in one tree of packages are. Built once: that is what takes time. */
function secondCopy(): Sdk {
  const [output] = buildSync({
    stdin: {
      contents: ['index', 'runtime'].map((entry) => `export * from './${entry}.ts';`).join('\n'),
      resolveDir: fileURLToPath(new URL('../../sdk', import.meta.url)),
    },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'cjs',
    write: false,
    define: { 'import.meta.url': JSON.stringify(`file://${elsewhere}sdk/device/x.ts`) },
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true, useDefineForClassFields: true } },
  }).outputFiles;
  const module = { exports: {} };
  new Function('require', 'module', 'exports', output?.text as string)(
    createRequire(import.meta.url),
    module,
    module.exports,
  );
  return module.exports as Sdk;
}

/** A device, each part of it made by one of the two. */
function chip(made: { readonly base: Sdk; readonly region: Sdk; readonly device: Sdk }) {
  const ports = made.region.portRegion({ name: 'p', base: 0x300, size: 1, accessSizes: [1] });
  class Chip extends made.base.IsaDevice {
    look(): number {
      return 7;
    }
  }
  ports.read(0)(Chip.prototype, 'look', {});
  made.device.device({ type: 'chip', description: 'a chip' })(Chip);
  return Chip;
}

describe('two copies of the package in one process', () => {
  let other: Sdk;
  beforeAll(() => {
    other = secondCopy();
  });

  it('work side by side', () => {
    expect(testBench(chip({ base: sdk, region: sdk, device: sdk })).in8(0x300)).toBe(7);
    const own = other.metadataOf(chip({ base: other, region: other, device: other }));
    expect(own.regions).toHaveLength(1);
  });

  it('are named, both, where a machine or a bench of one gets a device of the other', () => {
    const foreign = chip({ base: other, region: other, device: other }) as never;
    expectRefusal(() => sdk.metadataOf(foreign), 'two-copies', 'Chip', "'backplane'");
    expect(() => sdk.metadataOf(foreign)).toThrow(elsewhere);
    expectRefusal(() => testBench(foreign), 'two-copies', 'Chip', "'backplane'");
    const machine = () => sdk.Machine.create({ ...toyMachine, devices: [sdk.use(foreign)] });
    expectRefusal(machine, 'two-copies', 'Chip', "'backplane'");
  });

  it.each([
    ['base', () => ({ base: other, region: sdk, device: sdk })],
    ['region', () => ({ base: sdk, region: other, device: sdk })],
    ['@device', () => ({ base: sdk, region: sdk, device: other })],
  ])('are named while the class is defined, where its %s is of the other one', (_, made) => {
    expectRefusal(() => chip(made()), 'two-copies', 'Chip', "'backplane'");
  });

  it('leave a class alone that has no @device at all', () => {
    class Bare extends sdk.IsaDevice {}
    expectRefusal(() => sdk.metadataOf(Bare), 'missing-device-decorator', 'Bare', '@device');
  });
});
