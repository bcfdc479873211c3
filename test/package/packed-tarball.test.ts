// @module-tag package
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const checkout = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'backplane-package-'));
const project = join(folder, 'project');
const elsewhere = join(folder, 'elsewhere');

const device = `import { device, IsaDevice, Machine, portRegion, use } from 'backplane';
import { isapc } from 'backplane/machines';
const ports = portRegion({ name: 'latch', base: 0x300, size: 1, accessSizes: [1] });
@device({ type: 'latch', description: 'Answers with the complement of what was written' })
class Latch extends IsaDevice {
  kept = 0;
  @ports.write(0) keep(value: number): void { this.kept = value; }
  @ports.read(0) invert(): number { return ~this.kept & 0xff; }
}
const machine = Machine.create({ ...isapc, devices: [...isapc.devices, use(Latch)] });
machine.io.write(0x300, 0x5a, 1);
console.log(machine.io.read(0x300, 1).toString(16));
`;

/** A guest program in the dialect that only the SDK's own settings compile, between a tsconfig that says otherwise. */
const program = `import { inject, VirtualClock, guestProgram } from 'backplane';
import { inject as inversifyInject } from 'inversify';
class Watcher { constructor(@inject(VirtualClock) readonly clock: VirtualClock) {} }
export default guestProgram(function* (guest) {
  yield* guest.out8(0x70, 0x8d);
  if ((yield* guest.in8(0x71)) !== 0x80 || typeof inversifyInject !== 'function' || !Watcher) throw new Error('not here');
});
`;

function run(command: string, words: string[], cwd: string): string {
  return execFileSync(command, words, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

const installed = (...words: string[]) => run(join(project, 'node_modules/.bin/backplane'), words, elsewhere);

describe('the packed tarball, in an empty project', () => {
  beforeAll(() => {
    mkdirSync(project);
    mkdirSync(elsewhere);
    const [packed] = JSON.parse(run('npm', ['pack', '--json', '--silent', '--pack-destination', folder], checkout)) as [
      { filename: string; files: { path: string }[] },
    ];
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }));
    run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, packed.filename)], project);
    writeFileSync(join(project, 'device.ts'), device);
    const compilerOptions = {
      target: 'ES2022',
      module: 'NodeNext',
      strict: true,
      experimentalDecorators: true,
      types: [],
    };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['device.ts'] }));
    writeFileSync(
      join(elsewhere, 'tsconfig.json'),
      '{ "compilerOptions": { "target": "ES5", "experimentalDecorators": false } }',
    );
    writeFileSync(join(elsewhere, 'program.ts'), program);
  }, 180_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('brings types against which a ten-line device compiles, and runs it', () => {
    run(process.execPath, [join(checkout, 'node_modules/typescript/bin/tsc'), '-p', project], project);
    expect(run(process.execPath, ['device.js'], project).trim()).toBe('a5');
  });

  it('runs a guest program that lies outside of any project, in its own dialect', () => {
    expect(installed('run', 'program.ts', '-machine', 'isapc')).toContain('0x71');
  });

  it('knows its recordings by name', () => {
    const report = JSON.parse(installed('replay', 'seabios-pc-tcg', '--json')) as { accesses: number };
    expect(report.accesses).toBe(41_342);
  });

  it('explains a misspelt name without a stack', () => {
    expect(() => installed('-device', 'mc146818rct,help')).toThrow("Did you mean 'mc146818rtc'?");
  });

  it('says its version and lists its devices', () => {
    expect(installed('--version')).toMatch(/^backplane \d+\.\d+\.\d+\n$/);
    expect(installed('-device', 'help')).toContain('mc146818rtc');
  });
});
