// @module-tag package
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import * as named from 'backplane';
import * as namedAssembler from 'backplane/assembler';
import * as namedBackend from 'backplane/backend';
import * as namedBus from 'backplane/bus';
import * as namedDevices from 'backplane/devices';
import * as namedI2c from 'backplane/i2c';
import * as namedMachines from 'backplane/machines';
import * as namedNode from 'backplane/node';
import * as namedPci from 'backplane/pci';
import * as namedRuntime from 'backplane/runtime';
import * as namedSpi from 'backplane/spi';
import * as namedTesting from 'backplane/testing';
import * as namedQemu from 'backplane/testing/qemu';
import * as namedVirtio from 'backplane/virtio';
import * as namedX86 from 'backplane/x86';
import { describe, expect, it } from 'vitest';
import * as devices from '../../devices/index.ts';
import * as machines from '../../machines/index.ts';
import * as assembler from '../../sdk/assembler.ts';
import * as backend from '../../sdk/backend.ts';
import * as bus from '../../sdk/bus.ts';
import * as node from '../../sdk/cli/node.ts';
import * as i2c from '../../sdk/i2c.ts';
import * as sdk from '../../sdk/index.ts';
import * as pci from '../../sdk/pci.ts';
import * as runtime from '../../sdk/runtime.ts';
import * as spi from '../../sdk/spi.ts';
import * as testing from '../../sdk/testing/index.ts';
import * as qemu from '../../sdk/testing/qemu/index.ts';
import * as virtio from '../../sdk/virtio.ts';
import * as x86 from '../../sdk/x86.ts';
import { entryFiles } from './old-sources.ts';
import { checkout } from './readme.ts';

const inPackage = (entry: string): string => entry.replace(/^backplane/, '.');

const sources = [
  'sdk/index.ts',
  'sdk/runtime.ts',
  'sdk/bus.ts',
  'sdk/pci.ts',
  'sdk/i2c.ts',
  'sdk/spi.ts',
  'sdk/x86.ts',
  'sdk/virtio.ts',
  'sdk/backend.ts',
  'sdk/assembler.ts',
  'sdk/testing/index.ts',
  'sdk/testing/qemu/index.ts',
  'sdk/cli/node.ts',
  'devices/index.ts',
  'machines/index.ts',
];

describe("in a checkout, the package's public names are the sources", () => {
  it('under vitest', () => {
    expect(named.device).toBe(sdk.device);
    expect(namedRuntime.Machine).toBe(runtime.Machine);
    expect(namedBus.Bus).toBe(bus.Bus);
    expect(namedPci.PciDevice).toBe(pci.PciDevice);
    expect(namedI2c.I2cBus).toBe(i2c.I2cBus);
    expect(namedSpi.SpiBus).toBe(spi.SpiBus);
    expect(namedX86.loadX86).toBe(x86.loadX86);
    expect(namedVirtio.VirtioPciDevice).toBe(virtio.VirtioPciDevice);
    expect(namedBackend.CharBackend).toBe(backend.CharBackend);
    expect(namedAssembler.assemble).toBe(assembler.assemble);
    expect(namedTesting.testBench).toBe(testing.testBench);
    expect(namedQemu.QmpClient).toBe(qemu.QmpClient);
    expect(namedNode.readTrace).toBe(node.readTrace);
    expect(namedDevices.Mc146818Rtc).toBe(devices.Mc146818Rtc);
    expect(namedMachines.pcI440fx).toBe(machines.pcI440fx);
  });

  it('and package.json has the same entries, with what the build makes of those files', () => {
    const { exports } = JSON.parse(readFileSync(`${checkout}package.json`, 'utf8')) as { exports: object };
    const built = sources.map((path) => {
      const file = `./dist/${path.replace(/\.ts$/, '')}`;
      return { types: `${file}.d.ts`, default: `${file}.js` };
    });
    expect(Object.values(exports).filter((entry) => typeof entry === 'object')).toEqual(expect.arrayContaining(built));
    expect(Object.keys(exports)).toEqual(expect.arrayContaining(Object.keys(entryFiles()).map(inPackage)));
    expect(Object.keys(exports).length).toBe(sources.length + 1);
  });

  it('under tsx', () => {
    const printed = execFileSync('npx', ['tsx', 'test/package/resolved-names.ts'], { cwd: checkout, encoding: 'utf8' });
    expect(JSON.parse(printed)).toEqual(sources.map((path) => new URL(`../../${path}`, import.meta.url).href));
  });

  it('under tsc', () => {
    const compiler = `${checkout}node_modules/typescript/bin/tsc`;
    const printed = execFileSync(process.execPath, [compiler, '--noEmit', '--listFilesOnly', '-p', checkout], {
      encoding: 'utf8',
    });
    const files = printed.split('\n');
    for (const path of sources) expect(files).toContain(`${checkout}${path}`);
    expect(files.filter((file) => file.startsWith(`${checkout}dist/`))).toEqual([]);
  });
});
