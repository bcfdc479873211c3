// @module-tag slow
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { backplane, expectRefused } from './fake-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-plugins-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

const latch = (type = 'latch', value = '0x5a') => `
import { device, inject, IsaDevice, portRegion, VirtualClock } from 'backplane';
const ports = portRegion({ name: 'latch', base: 0x300, size: 1, accessSizes: [1] });
@device({ type: '${type}', description: 'A latch' })
export class Latch extends IsaDevice {
  constructor(@inject(VirtualClock) readonly clock: VirtualClock) { super(); }
  @ports.read(0) answer(): number { return ${value}; }
}
`;

/** A guest that fails unless port 0x300 answers so. */
const guestExpecting = (value: string) =>
  file(
    `expects-${value}.ts`,
    `import { guestProgram } from 'backplane/runtime';
     export default guestProgram(function* (guest) {
       const value = yield* guest.in8(0x300);
       if (value !== ${value}) throw new Error('port 0x300 answered ' + value);
     });`,
  );

/** Refused with this code, in a message that names these things. */
async function refused(plugin: string, code: string | undefined, ...named: string[]): Promise<string> {
  return expectRefused(await backplane('-plugin', plugin), code, ...named);
}

async function contents(plugin: string): Promise<string[]> {
  const { status, printed, noted } = await backplane('-plugin', plugin, '--json');
  expect({ status, noted }).toEqual({ status: 0, noted: '' });
  return (JSON.parse(printed) as { name: string }[]).map(({ name }) => name);
}

describe('a plugin is a TypeScript file anywhere', () => {
  it('whose device a guest finds, whatever tsconfig and package.json lie around it', async () => {
    file('odd/package.json', '{ "type": "commonjs" }');
    file('odd/tsconfig.json', '{ "compilerOptions": { "target": "ES5", "experimentalDecorators": false } }');
    const plugin = file('odd/latch.ts', latch());
    const words = ['-machine', 'isapc', '-plugin', plugin, '-device', 'latch'];
    expect(await backplane('run', guestExpecting('0x5a'), ...words)).toMatchObject({ status: 0, noted: '' });
  });

  it('or a directory, by its package.json or by the usual names, or a package', async () => {
    file('by-exports/package.json', '{ "name": "by-exports", "exports": { ".": { "import": "./lib/chip.ts" } } }');
    file('by-exports/lib/chip.ts', latch());
    file('by-name/src/index.ts', latch());
    expect(await contents(join(folder, 'by-exports'))).toEqual(['device latch']);
    expect(await contents(join(folder, 'by-name'))).toEqual(['device latch']);
    const command = fileURLToPath(new URL('../../sdk/cli/backplane', import.meta.url));
    file(
      'user/node_modules/@chips/latch/package.json',
      '{ "name": "@chips/latch", "main": "chip.js", "type": "module" }',
    );
    file('user/node_modules/@chips/latch/chip.js', "export * from './latch.ts';");
    file('user/node_modules/@chips/latch/latch.ts', latch());
    const printed = execFileSync(command, ['-plugin', '@chips/latch'], { cwd: join(folder, 'user'), encoding: 'utf8' });
    expect(printed).toContain('device latch');
  });

  it('that brings devices, machines and observers, each known at once', async () => {
    const plugin = file(
      'all.ts',
      `${latch()}
       import { defineMachine, use } from 'backplane';
import { defineObserver } from 'backplane/runtime';
       import { isapc } from 'backplane/machines';
       export const board = defineMachine({ ...isapc, name: 'my-board', aliases: [], description: 'Mine', devices: [...isapc.devices, use(Latch)] });
       export const watcher = defineObserver({ name: 'watcher', start: () => ({ observe() {} }) });
       export const helper = 7;
       export { Latch as Again };`,
    );
    expect(await contents(plugin)).toEqual(['device latch', 'machine my-board', 'observer watcher']);
    const words = ['-plugin', plugin, '-machine', 'my-board'];
    expect(await backplane('run', guestExpecting('0x5a'), ...words)).toMatchObject({ status: 0, noted: '' });
    const list = await backplane('-device', 'help', '-plugin', plugin, '--json');
    expect(list.printed).toContain('"latch"');
  });

  it('that exports base classes too: of the devices of its bus, and of its own devices', async () => {
    const source = `
      import { Device, device } from 'backplane'; import { Bus } from 'backplane/bus';
      export class Wire extends Bus { static kind = 'wire'; attach() { return () => {}; } }
      export abstract class WireDevice extends Device { static readonly plugsInto = Wire; }
      export abstract class Bead extends WireDevice {}
      @device({ type: 'red', description: 'A bead' }) export class Red extends Bead {}`;
    expect(await contents(file('beads.ts', source))).toEqual(['device red']);
    const plain = "import { IsaDevice } from 'backplane'; export class Plain extends IsaDevice {}";
    await refused(file('plain.ts', plain), 'plugin-load-failed', 'Plain', '@device');
  });

  it('that awaits at its top level, and knows where it is', async () => {
    const plugin = file(
      'awaits.ts',
      `const type = await Promise.resolve('patient');
       if (!import.meta.url.endsWith('/awaits.ts') || !import.meta.filename || 'other' in import.meta) throw new Error('lost');
       ${latch('x').replace("type: 'x'", 'type')}`,
    );
    expect(await contents(plugin)).toEqual(['device patient']);
  });

  it('or JavaScript in the old way of writing modules', async () => {
    file('old/package.json', '{ "main": "./chip.cjs" }');
    const observer = "{ name: 'old', start: () => ({ observe() {} }) }";
    file(
      'old/chip.cjs',
      `const { defineObserver } = require('backplane/runtime'); module.exports = { old: defineObserver(${observer}) };`,
    );
    expect(await contents(join(folder, 'old'))).toEqual(['observer old']);
  });

  it("whose device has the type of one of the package's is used where that is asked for, and this is said", async () => {
    const plugin = file('own-debug.ts', latch('isa-debugcon', '0x77'));
    const words = ['-machine', 'isapc', '-plugin', plugin];
    const asked = await backplane('run', guestExpecting('0x77'), ...words, '-device', 'isa-debugcon');
    expect(asked.status).toBe(0);
    expect(asked.noted).toMatch(/^warning: .*'isa-debugcon'.*own-debug\.ts'/);
    expect(await backplane('info', 'qtree', ...words)).toMatchObject({ status: 0, noted: '' });
  });

  it("whose machine has the name of one of the package's is refused; inherited aliases stay the package's", async () => {
    const machine = (name: string) => `
      import { defineMachine } from 'backplane';
      import { pcI440fx } from 'backplane/machines';
      export const mine = defineMachine({ ...pcI440fx, name: '${name}', description: 'Mine' });`;
    for (const name of ['q35', 'pc', 'isapc']) {
      await refused(file(`as-${name}.ts`, machine(name)), 'duplicate-name', `'${name}'`, 'backplane');
    }
    const plugin = file('a-board.ts', machine('a-board'));
    const json = async (name: string) =>
      JSON.parse(
        (await backplane('run', guestExpecting('0xff'), '-machine', name, '-plugin', plugin, '--json')).printed,
      );
    expect(await json('pc')).toMatchObject({ machine: 'pc-i440fx' });
    expect(await json('a-board')).toMatchObject({ machine: 'a-board' });
    const both = /^warning: 'pc' is machine 'pc-i440fx', and machine 'a-board' .*aliases: \[\]/;
    for (const words of [['info', 'qtree', '-machine', 'pc'], ['-machine', 'help'], []])
      expect((await backplane(...words, '-plugin', plugin)).noted).toMatch(both);
    expect(await backplane('info', 'qtree', '-machine', 'a-board', '-plugin', plugin)).toMatchObject({ noted: '' });
  });

  it("may pass on the package's own", async () => {
    const plugin = file(
      'passes-on.ts',
      "export { Edu } from 'backplane/devices'; export { isapc } from 'backplane/machines';",
    );
    expect(await contents(plugin)).toEqual(['device edu', 'machine isapc']);
    const { status, noted } = await backplane('info', 'qtree', '-plugin', plugin, '-device', 'edu');
    expect({ status, noted }).toEqual({ status: 0, noted: '' });
  });
});

describe('there is one SDK', () => {
  const copy = (at: string, version = '9.9.9') => {
    file(
      `${at}/package.json`,
      `{ "name": "backplane", "version": "${version}", "type": "module", "exports": "./index.js" }`,
    );
    file(`${at}/index.js`, 'export const device = () => () => {}; export class IsaDevice {}');
  };

  it("and a plugin's own second copy is refused by name, with both places", async () => {
    copy('twice/node_modules/backplane');
    const copies = ["'backplane' (9.9.9)", 'twice/node_modules/backplane'];
    const said = await refused(file('twice/latch.ts', latch()), 'compilation-failed', ...copies);
    expect(said).toMatch(/latch\.ts:2:\d+/);
  });

  it('also when it is reached by path, or through a package that builds on it', async () => {
    copy('by-path/copy');
    await refused(file('by-path/a.ts', "export * from './copy/index.js';"), 'compilation-failed', '(9.9.9)');
    copy('through/node_modules/backplane');
    file(
      'through/node_modules/chips/package.json',
      '{ "name": "chips", "main": "i.js", "dependencies": { "backplane": "*" } }',
    );
    file('through/node_modules/chips/i.js', "export { device } from 'backplane';");
    await refused(file('through/a.ts', "export * from 'chips';"), 'compilation-failed', '(9.9.9)');
  });

  it('which a file of its own tree shares when it is loaded as a plugin', async () => {
    const rtc = fileURLToPath(new URL('../../devices/mc146818-rtc.ts', import.meta.url));
    expect(await contents(rtc)).toEqual(['device mc146818rtc']);
  });

  it('has no subpath but its own', async () => {
    const subpath = file('subpath.ts', "export * from 'backplane/device';");
    await refused(subpath, 'compilation-failed', "'backplane/device'", "'backplane/devices'");
  });
});

describe('what is wrong with a plugin is said with file and line', () => {
  it.each([
    ['syntax', 'export const a = 1;\nexport class {', 'compilation-failed', /syntax\.ts:2:\d+/],
    [
      'missing',
      "import { portRegoin } from 'backplane';\nexport const r = portRegoin;",
      'compilation-failed',
      /missing\.ts:1:\d+: .*portRegoin/,
    ],
    ['nowhere', "\n\nimport './nothing.ts';", 'compilation-failed', /nowhere\.ts:3:\d+/],
    [
      'throws',
      '\nfunction f(): never {\n  throw new Error("no good");\n}\nexport const a = f();',
      'plugin-load-failed',
      /no good \(.*throws\.ts:3\)/,
    ],
    [
      'undecorated',
      "import { IsaDevice } from 'backplane';\nexport class A extends IsaDevice {}",
      'plugin-load-failed',
      /\bA\b.*@device/,
    ],
    [
      'mistaken',
      "import { device, IsaDevice, portRegion } from 'backplane';\nconst p = portRegion({ name: 'p', size: 1 });\n@device({ type: 'a', description: 'a' })\nexport class A extends IsaDevice {\n  @p.read(4) r(): number { return 0; }\n}",
      'plugin-load-failed',
      /mistaken\.ts:\d+\)/,
    ],
    ['empty', 'export const a = 1;', 'plugin-without-exports', /\ba\./],
    ['blank', '', 'plugin-without-exports', /blank\.ts'/],
    ['default', 'export default 3;', 'plugin-without-exports', /\bdefault\./],
    [
      'cycle',
      "import './cycle.ts';\nexport const a = late();\nconst late = () => 1;",
      'plugin-load-failed',
      /late.* \(.*cycle\.ts:2\)/,
    ],
    ['needy', "import 'no-such-package';", 'compilation-failed', /needy\.ts:1:\d+: .*'no-such-package'/],
    ['binary', '\u0014\u0000\u0001\u0002', 'compilation-failed', /binary\.ts:1:1: .*UTF-8/],
    ['odd', 'throw { code: 7 };', 'plugin-load-failed', /\{"code":7\}/],
    [
      'twins',
      `${latch('a')}\n${latch('a')
        .replace(/^import.*$/m, '')
        .replaceAll('ports', 'more')
        .replace('class Latch', 'class Other')}`,
      'duplicate-name',
      /'a'/,
    ],
  ])('%s', async (name, text, code, named) => {
    expect(await refused(file(`${name}.ts`, text), code)).toMatch(named);
  });

  it('when a handler throws, too', async () => {
    const plugin = file('late.ts', latch('late', "((): number => { throw new Error('late'); })()"));
    const words = ['-machine', 'isapc', '-plugin', plugin, '-device', 'late'];
    const { status, noted } = await backplane('run', guestExpecting('0'), ...words);
    expect(status).toBe(1);
    expect(noted).toMatch(/Device 'late'.*late.*late\.ts:7\)/);
  });

  it('and every line of the stack that --verbose shows is a line of its files', async () => {
    const plugin = file('late.ts', latch('late', "((): number => { throw new Error('late'); })()"));
    const words = ['-machine', 'isapc', '-plugin', plugin, '-device', 'late', '--verbose'];
    const { noted } = await backplane('run', guestExpecting('0'), ...words);
    expect(noted).toMatch(/at .*late\.ts:7/);
    expect(noted).not.toContain('.bundle.cjs');
  });

  it('one that is given twice, however it is called, is named', async () => {
    const a = file('again.ts', latch('again'));
    symlinkSync(a, join(folder, 'alias-of-again.ts'));
    const said = await backplane('-plugin', a, '-plugin', join(folder, 'alias-of-again.ts'));
    expectRefused(said, 'repeated-argument', '/alias-of-again.ts', `'${a}'`);
  });

  it('two plugins with the same device are refused', async () => {
    const [a, b] = [file('one.ts', latch('same')), file('two.ts', latch('same'))];
    const said = await backplane('info', 'qtree', '-plugin', a, '-plugin', b);
    expectRefused(said, 'duplicate-name', `'${a}'`, `'${b}'`, "'same'");
  });
});

describe('a machine that a plugin brings is looked at before anything is built of it', () => {
  it.each([
    ["name: 'a b,c'", ["machine 'a b,c'", '-machine']],
    ['aliases: 5', ["machine 'mine'", 'aliases is 5']],
    ['description: undefined', ["machine 'mine'", 'description is undefined']],
    ['devices: [null]', ['devices[0] is null', 'use(DeviceClass']],
    ['devices: [{ device: 3 }]', ['devices[0]', '3', 'use(DeviceClass']],
    ['devices: [{ device: class Odd {} }]', ['devices[0]', 'Odd']],
    ['devices: [use(class Bare extends IsaDevice {})]', ['devices[0]', 'Bare', '@device']],
    ['services: [3]', ['services[0] is 3', 'new ContainerModule']],
    ['options: {}', ['options is', 'defineOptions']],
    ['prepare: 3', ['prepare is 3', 'prepare(machine)']],
    ["defaultRam: 'lots'", ['defaultRam is lots', '16 * MiB']],
  ])('%s', async (member, named) => {
    const text = `import { IsaDevice, use } from 'backplane';
      import { isapc } from 'backplane/machines';
      export const machine = { ...isapc, name: 'mine', aliases: [], ${member} };`;
    const path = file('mine.ts', text);
    await refused(path, 'invalid-machine-definition', ...named);
    writeFileSync(path, `${text}\nexport default { name: 'idle', start: () => ({ next: () => false }) };`);
    expectRefused(await backplane('run', path), 'invalid-machine-definition', ...named);
  });

  it('and what its prepare() throws names it and the line', async () => {
    const path = file(
      'prepares.ts',
      `import { isapc } from 'backplane/machines';
       export const machine = { ...isapc, name: 'mine', aliases: [], prepare() { throw new Error('no CMOS'); } };`,
    );
    const { noted } = await backplane('info', 'qtree', '-machine', 'mine', '-plugin', path);
    expect(noted).toMatch(/^backplane: Machine 'mine': prepare\(\) threw: no CMOS \(.*prepares\.ts:2\)$/);
  });
});

describe('an observer that a plugin brings', () => {
  it.each(['{}', '{ name: 5, start() {} }', "{ name: 'x' }"])('and that is %s is refused', async (given) => {
    const text = `import { defineObserver } from 'backplane/runtime';\nexport const o = defineObserver(${given});`;
    await refused(file('no-observer.ts', text), 'plugin-load-failed', 'no-observer.ts:2)');
  });

  const observer = (body: string) => `
import { defineObserver, type MachineEvent } from 'backplane/runtime';
export const watcher = defineObserver({
  name: 'watcher',
  start() {
    let accesses = 0;
    return {
      observe(event: MachineEvent) {
        ${body}
        if (event.kind === 'access') accesses++;
      },
      end() { throw new Error('saw ' + accesses); },
    };
  },
});`;

  it('watches the guest of run, and the recording of replay', async () => {
    const plugin = file('watcher.ts', `${latch()}${observer('')}`);
    const words = ['-machine', 'isapc', '-plugin', plugin, '-device', 'latch'];
    const run = await backplane('run', guestExpecting('0x5a'), ...words);
    expect(run).toMatchObject({ status: 0, noted: expect.stringContaining('saw 1 (') });
    const replay = await backplane('replay', 'seabios-pc-tcg', '-plugin', plugin);
    expect(replay.noted).toMatch(/saw 4\d,?\d\d\d/);
  });

  it('and throws, is taken off, its line is named, and the guest goes on to its end', async () => {
    const plugin = file(
      'thrower.ts',
      `${latch()}${observer("if (event.kind === 'access') throw new Error('too much');")}`,
    );
    const words = ['-machine', 'isapc', '-plugin', plugin, '-device', 'latch'];
    const { status, printed, noted } = await backplane('run', guestExpecting('0x5a'), ...words);
    expect(status).toBe(0);
    expect(printed).toContain('The guest has finished.');
    expect(noted).toMatch(/^observer 'watcher'.*too much \(.*thrower\.ts:\d+\)$/);
  });
});

describe('what is no plugin is refused before anything is read into it', () => {
  it('a file of fifty megabytes, and one that imports it', async () => {
    const huge = file('huge.ts', '//');
    truncateSync(huge, 50 * 1024 * 1024);
    for (const plugin of [huge, file('imports-huge.ts', "import './huge.ts';")]) {
      await refused(plugin, 'compilation-failed', "/huge.ts'", '52428800 bytes');
    }
  });

  it('a device node, a named pipe, a folder without an entry, and an entry that leads out', async () => {
    await refused('/dev/zero', 'not-a-file', '/dev/zero');
    execFileSync('mkfifo', [join(folder, 'pipe.ts')]);
    await refused(join(folder, 'pipe.ts'), 'not-a-file', '/pipe.ts');
    mkdirSync(join(folder, 'hollow'));
    await refused(join(folder, 'hollow'), 'invalid-package', 'index.ts');
    file('secret.ts', latch());
    file('leads-out/package.json', '{ "exports": "../secret.ts" }');
    await refused(join(folder, 'leads-out'), 'invalid-package', "'../secret.ts'");
    mkdirSync(join(folder, 'links-out'));
    symlinkSync(join(folder, 'secret.ts'), join(folder, 'links-out/index.ts'));
    await refused(join(folder, 'links-out'), 'invalid-package', '/links-out');
  });

  it.each([
    ['', 'invalid-file-name'],
    ['http://example.com/a.ts', 'invalid-file-name'],
    ['data:text/javascript,1', 'invalid-file-name'],
    ['file:///etc/passwd', 'invalid-file-name'],
    ['../../etc', undefined],
    ['./nothing.ts', 'file-not-found'],
    ['no-such-package', 'file-not-found'],
    ['UPPER CASE', 'invalid-file-name'],
    ['@a/../../b', 'invalid-file-name'],
    ['/etc/passwd', 'not-a-source-file'],
  ])('%j', async (name, code) => {
    await refused(name, code, `-plugin ${name}`);
  });

  it('data, a link that leads nowhere or to itself, and a name without its ending, which is guessed', async () => {
    await refused(file('data.json', '{}'), 'not-a-source-file', '/data.json');
    symlinkSync('not-there.ts', join(folder, 'dangling.ts'));
    symlinkSync('itself', join(folder, 'itself'));
    await refused(join(folder, 'dangling.ts'), 'file-not-found', '/dangling.ts');
    await refused(join(folder, 'itself'), 'file-not-readable', '/itself');
    const path = file('ending.ts', latch()).replace('.ts', '');
    for (const name of [path, `${path}.js`]) await refused(name, 'file-not-found', `'${path}.ts'`);
  });

  it('a package.json that names a folder, nothing, or what no file is called', async () => {
    for (const [name, main] of [
      ['names-folder', './lib'],
      ['names-passwd', '/etc/passwd'],
      ['names-nul', './a\\u0000.ts'],
    ] as const) {
      file(`${name}/package.json`, `{ "main": "${main}" }`);
      file(`${name}/lib/index.ts`, latch());
      await refused(join(folder, name), 'invalid-package', `/${name}`, 'package.json');
    }
  });

  it('a package.json that is no description, or too large to be one', async () => {
    file('broken/package.json', '{ "main": ');
    await refused(join(folder, 'broken'), 'invalid-package', 'package.json');
    file('cyclic/package.json', `{ "exports": ${'{ ".": '.repeat(40)}"./a.ts"${'}'.repeat(40)} }`);
    await refused(join(folder, 'cyclic'), 'invalid-package', 'index.ts');
    truncateSync(file('vast/package.json', '{}'), 10 * 1024 * 1024);
    await refused(join(folder, 'vast'), 'invalid-package', 'package.json');
  });
});
