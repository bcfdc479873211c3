import { describe, expect, it } from 'vitest';
import { circlesOf, importsOf } from './rooms.ts';
import {
  brokenDeviceHabits,
  brokenImportRules,
  HostTimeFile,
  hostTimeReads,
  namedBuses,
  nodeGlobals,
  roomOf,
  skipsWithoutReason,
  tooLong,
} from './rules.ts';
import { parseSource, type SourceFile, sourceFiles } from './source-files.ts';

const files = ['sdk', 'devices', 'machines', 'examples', 'test'].flatMap(sourceFiles);

describe('the house', () => {
  it('is read as a whole', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(files.flatMap((file) => file.imports).length).toBeGreaterThan(100);
  });

  it('keeps to the table of who may import whom', () => {
    expect(files.flatMap(brokenImportRules)).toEqual([]);
  });

  it('knows no bus by its name in the machine room', () => {
    expect(files.flatMap(namedBuses)).toEqual([]);
    const said = (text: string) => namedBuses(parseSource('sdk/machine/x.ts', text)).length;
    expect([
      said('// a PCI function'),
      said('isaIrq(5);'),
      said('Array.isArray(disabled)'),
      said('let PciBus;'),
    ]).toEqual([1, 1, 0, 1]);
  });

  it('imports nothing that is not there', () => {
    const known = new Set(files.map((file) => file.path));
    const missing = files
      .filter(({ path }) => !path.startsWith('test/architecture/'))
      .flatMap(({ path, imports }) =>
        imports.filter(({ file }) => file?.endsWith('.ts') && !known.has(file)).map(({ file }) => `${path}: ${file}`),
      );
    expect(missing).toEqual([]);
  });

  it('reads the time of the host in exactly one file', () => {
    const watched = files.filter(({ path }) => /^(sdk|devices|machines)\//.test(path));
    expect(watched.flatMap(hostTimeReads)).toEqual([]);
    expect(
      hostTimeReads({ ...(files.find(({ path }) => path === HostTimeFile) as SourceFile), path: 'x' }),
    ).not.toEqual([]);
  });

  it('has rooms that a page can run: they use nothing that only Node has', () => {
    expect(files.flatMap(nodeGlobals)).toEqual([]);
    const decoded = (path: string) => nodeGlobals(parseSource(path, "const bytes = Buffer.from(text, 'hex');"));
    expect([decoded('sdk/base/x.ts').length, decoded('sdk/testing/qemu/x.ts').length]).toEqual([1, 0]);
    expect(nodeGlobals(parseSource('sdk/base/x.ts', 'const bytes = new ArrayBuffer(4); // Buffer.from'))).toEqual([]);
  });

  it('gives each test that is skipped a reason', () => {
    const tests = files.filter(({ path }) => path.startsWith('test/') && path !== 'test/architecture/imports.test.ts');
    expect(tests.flatMap(skipsWithoutReason)).toEqual([]);
    const skip = parseSource('test/x.test.ts', "it.skipIf(missing)('asks QEMU', () => {});");
    expect(skipsWithoutReason(skip)).toHaveLength(1);
  });

  it('has no room that leads back to itself', () => {
    const edges = new Map<string, string[]>();
    for (const { path, imports } of files) {
      const room = roomOf(path);
      if (room === undefined) continue;
      const targets = imports.flatMap(({ file }) => roomOf(file ?? '') ?? []).filter((target) => target !== room);
      edges.set(room, [...(edges.get(room) ?? []), ...targets]);
    }
    expect(edges.size).toBeGreaterThan(10);
    expect(circlesOf(edges)).toEqual([]);
  });

  it('has no file that needs itself to be loaded', () => {
    expect(circlesOf(importsOf(files, 'value'))).toEqual([]);
  });

  it('has files that can be read in one sitting', () => {
    expect(files.flatMap(tooLong)).toEqual([]);
  });
});

describe('devices', () => {
  it('name their registers, and set fields where they are declared', () => {
    expect(files.filter(({ path }) => path.startsWith('devices/')).flatMap(brokenDeviceHabits)).toEqual([]);
  });

  it.each([
    '@ports.write(0x71)\nwrite() {}',
    '@ports.read(4, { size: 1 })',
    '@ports.read64( 0x08)',
    'class A {\n  private timer!: Timer;\n}',
    "const Clock = Symbol('Clock');",
  ])('may not say %j', (text) => {
    expect(brokenDeviceHabits(parseSource('devices/x.ts', text))).toHaveLength(1);
  });

  it.each([
    '@ports.write(0)',
    '@ports.write()',
    '@ports.write(Port.Index)',
    '@ports.read(0, { size: 4 })',
    'if (a !== b) c: 3;',
  ])('may say %j', (text) => {
    expect(brokenDeviceHabits(parseSource('devices/x.ts', text))).toEqual([]);
  });
});

describe('the rules', () => {
  const check = (path: string, text: string) => brokenImportRules(parseSource(path, text));

  it.each([
    ['sdk/memory/x.ts', `import { y } from '../accelerator/y.ts';`],
    ['sdk/memory/x.ts', `import type { y } from '../device/y.ts';`],
    ['sdk/clock/x.ts', `import { z } from 'node:fs';`],
    ['sdk/device/x.ts', `import { injectable } from 'inversify';`],
    ['sdk/device/decorators.ts', `import { buildRegions } from './region-builder.ts';`],
    ['sdk/bus/x.ts', `import {\n  a,\n  b,\n} from '../accelerator/index.ts';`],
    ['sdk/accelerator/x.ts', `export * from '../device/index.ts';`],
    ['sdk/machine/x.ts', `import '../analysis/x.ts';`],
    ['sdk/analysis/x.ts', `const x = await import('../cli/main.ts');`],
    ['sdk/cli/x.ts', `import { Rtc } from '../../devices/rtc.ts';`],
    ['sdk/accelerator/kvm/x.ts', `import { SimulatedKernel } from './simulated-kernel/simulated-kernel.ts';`],
    ['sdk/accelerator/kvm/x.ts', `import type { GuestTime } from './simulated-kernel/guest-time.ts';`],
    ['sdk/accelerator/kvm/scheduled/x.ts', `import { Eventfd } from '../simulated-kernel/ioeventfds.ts';`],
    [
      'sdk/accelerator/exit-statistics.ts',
      `import type { PageRows } from './kvm/scheduled/kernel-exit-statistics.ts';`,
    ],
    ['sdk/accelerator/kvm/accelerator.ts', `import type { ScheduledKernel } from './scheduled/kernel.ts';`],
    ['sdk/machine/x.ts', `import { SimulatedKernel } from '../accelerator/kvm/simulated-kernel/simulated-kernel.ts';`],
    ['sdk/cli/x.ts', `import { hostKvmAccelerator } from '../host-kvm/accelerator.ts';`],
    ['sdk/processor/x.ts', `import { GuestTime } from '../accelerator/kvm/simulated-kernel/guest-time.ts';`],
    ['sdk/boot/x.ts', `import { Stop } from '../accelerator/kvm/simulated-kernel/processor.ts';`],
    ['sdk/assembler/x.ts', `import { a } from '../accelerator/index.ts';`],
    ['sdk/host-kvm/x.ts', `const koffi = require('koffi');`],
    ['sdk/host-kvm/x.ts', `import { Machine } from '../machine/index.ts';`],
    ['sdk/accelerator/x.ts', `import type { Libc } from '../host-kvm/libc.ts';`],
    ['sdk/attic/x.ts', `import { a } from '../memory/index.ts';`],
    ['devices/rtc.ts', `import { a } from '../sdk/memory/index.ts';`],
    ['devices/rtc.ts', `import { Pic } from './pic.ts';`],
    ['devices/rtc.ts', `import { readFileSync } from 'node:fs';`],
    ['machines/pc.ts', `import { a } from '../sdk/machine/index.ts';`],
    ['examples/01.ts', `import { a } from '../sdk/index.ts';`],
  ])('refuse %s when it says %s', (path, text) => {
    expect(check(path, text)).toHaveLength(1);
  });

  it.each([
    ['sdk/device/x.ts', `import { a } from '../memory/index.ts';\nimport type { b } from '../clock/index.ts';`],
    [
      'sdk/device/decorators.ts',
      `import { inject } from 'inversify';\nimport { recorderOf } from './class-recorder.ts';`,
    ],
    ['sdk/device/decorators.ts', `import type { A } from './options.ts';\nimport { type B } from './device.ts';`],
    ['sdk/native/koffi.ts', `import { createRequire } from 'node:module';\nconst koffi = require('koffi');`],
    ['sdk/cli/x.ts', `const { hostKvmAccelerator } = await import('../host-kvm/accelerator.ts');`],
    ['sdk/cli/x.ts', `const { a } = await import('../../machines/index.ts');`],
    ['sdk/accelerator/simulated-accelerator.ts', `import { a } from './kvm/simulated-kernel/simulated-kernel.ts';`],
    ['sdk/accelerator/kvm/simulated-kernel/x.ts', `import { Interruption } from '../scheduled/kernel.ts';`],
    ['sdk/accelerator/kvm/scheduled/x.ts', `import type { KvmKernel } from '../kernel.ts';`],
    [
      'sdk/processor/x.ts',
      `import { Stop } from '../accelerator/kvm/simulated-kernel/processor.ts';\nimport { Segment } from '../accelerator/kvm/abi.ts';`,
    ],
    ['devices/rtc.ts', `import { a } from '../sdk/index.ts';\nimport { b } from './rtc/alarm.ts';`],
    ['devices/rtc/alarm.ts', `import { b } from './calendar.ts';`],
    ['devices/index.ts', `export * from './rtc.ts';`],
    ['machines/pc.ts', `import { ContainerModule } from 'inversify';\nimport { Rtc } from '../devices/rtc.ts';`],
    ['examples/01.ts', `import { a } from 'backplane';\nimport { b } from 'backplane/testing';`],
    ['sdk/memory/x.ts', `// import { y } from '../accelerator/y.ts';`],
  ])('let %s say %s', (path, text) => {
    expect(check(path, text)).toEqual([]);
  });

  it('find a clock read anywhere but in its file, comments aside', () => {
    const reads = (text: string) => hostTimeReads(parseSource('sdk/cli/x.ts', text)).length;
    expect([reads('const t = Date.now();'), reads('new Date()'), reads('Math.random()')]).toEqual([1, 1, 1]);
    expect([reads('// Date.now()'), reads('new Date(0)'), reads('function f(): Date;')]).toEqual([0, 0, 0]);
    const hidden = ['new Date;', 'Date()', 'const { now } = Date;', 'randomUUID()'];
    expect(hidden.map(reads)).toEqual(hidden.map(() => 1));
  });

  it('sees an import however it is written', () => {
    const imported = (text: string) => parseSource('sdk/memory/x.ts', text).imports.map(({ specifier }) => specifier);
    expect(imported('const m = import(`../cli/main.ts`);')).toEqual(['../cli/main.ts']);
    expect(imported("import fs = require('node:fs');")).toEqual(['node:fs']);
    expect(imported("process.getBuiltinModule('node:fs');")).toEqual(['node:fs']);
    expect(imported("f(); import { a } from './a.ts';")).toEqual(['./a.ts']);
    expect(imported("const a = '/*';\nimport { b } from './b.ts';\nconst c = '*/';")).toEqual(['./b.ts']);
    expect(imported("// import { a } from './a.ts';")).toEqual([]);
  });

  it('find a file that is too long unless it says why', () => {
    const lines = (count: number, first: string) =>
      parseSource('devices/x.ts', `${first}\n${'x;\n'.repeat(count - 1)}`);
    expect(tooLong(lines(250, ''))).toEqual([]);
    expect(tooLong(lines(251, ''))).toEqual(['devices/x.ts has 251 lines, more than 250: split it']);
    expect(tooLong(lines(251, '// Longer than 250 lines: one table of the datasheet.'))).toEqual([]);
  });
});
