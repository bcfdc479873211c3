// @module-tag slow
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { builtCommand } from './built-command.ts';

const fromSources = fileURLToPath(new URL('../../sdk/cli/backplane', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'backplane-launcher-'));
const command = builtCommand(folder);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (words: string[], file = command) => spawnSync(file, words, { cwd: folder, encoding: 'utf8' });

/** What a user's folder may contain, each of it wrong for the SDK's decorators. */
function hostileFolder(): string {
  const project = join(folder, 'project');
  mkdirSync(join(project, 'parts'), { recursive: true });
  writeFileSync(join(project, 'package.json'), '{ "type": "commonjs" }');
  writeFileSync(
    join(project, 'tsconfig.json'),
    '{ "compilerOptions": { "target": "ES5", "experimentalDecorators": false } }',
  );
  writeFileSync(
    join(project, 'parts/chip.ts'),
    `import { device, inject, IsaDevice, portRegion } from 'backplane';
     import { ContainerModule } from 'inversify';
     abstract class Answer { abstract readonly value: number }
     export const answers = new ContainerModule(({ bind }) => { bind(Answer).toConstantValue({ value: 0x42 }); });
     const ports = portRegion({ name: 'chip', base: 0x300, size: 1, accessSizes: [1] });
     @device({ type: 'chip', description: 'Answers 0x42' })
     export class Chip extends IsaDevice {
       constructor(@inject(Answer) private readonly known: Answer) { super(); }
       @ports.read(0) answer(): number { return this.known.value; }
     }`,
  );
  writeFileSync(
    join(project, 'guest.ts'),
    `import { defineMachine, use } from 'backplane';
import { guestProgram } from 'backplane/runtime';
     import { isapc } from 'backplane/machines';
     import { answers, Chip } from './parts/chip.js';
     export const machine = defineMachine({
       ...isapc, name: 'mine', services: [...isapc.services, answers], devices: [...isapc.devices, use(Chip)],
     });
     export default guestProgram('mine', function* (guest) {
       if ((yield* guest.in8(0x300)) !== 0x42) throw new Error('no chip');
       if (!import.meta.url) throw new Error('not a module');
     });`,
  );
  return project;
}

describe('the command, from the sources of a checkout', () => {
  it('works from any directory, and through a symbolic link', () => {
    const link = join(folder, 'linked');
    symlinkSync(fromSources, link);
    for (const file of [fromSources, link]) {
      const { status, stdout, stderr } = run(['--version'], file);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toMatch(/^backplane \d+\.\d+\.\d+\n$/);
    }
  });

  it("runs a user's file in its own dialect, whatever tsconfig and package.json lie around it", () => {
    const { status, stdout, stderr } = run(['run', join(hostileFolder(), 'guest.ts'), '--json'], fromSources);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ machine: 'mine', outcome: { reason: 'finished' } });
  });

  it("names the user's own line when their code fails", () => {
    const path = join(folder, 'fails.ts');
    writeFileSync(path, "const answer: number = 42;\n\nthrow new Error('no ' + answer);\n");
    const { stderr } = run(['run', path, '--verbose'], fromSources);
    expect(stderr).toMatch(/^backplane: .*no 42/);
    expect(stderr).toContain('fails.ts:3:7');
  });
});

// The same from what the build makes of the sources: it starts faster.
describe('the command', () => {
  it('says nothing on the way when nobody is watching, and exits with 1 when it fails', () => {
    const good = run(['replay', 'seabios-pc-tcg', '--json']);
    expect({ status: good.status, stderr: good.stderr }).toEqual({ status: 0, stderr: '' });
    const bad = run(['replay', 'seabios']);
    expect({ status: bad.status, stdout: bad.stdout }).toEqual({ status: 1, stdout: '' });
    expect(bad.stderr).toBe("backplane: there is no recording and no file 'seabios'. Did you mean 'seabios-pc-tcg'?\n");
  });

  it('is not upset when its reader leaves', () => {
    const shell = `${command} info mtree | head -n 1`;
    expect(execFileSync('sh', ['-c', `${shell}; exit 0`], { encoding: 'utf8' })).toMatch(/^address-space: /);
  });

  it('says that its results cannot be written, and that messages cannot be is no reason to end', () => {
    const shell = (text: string) => spawnSync('sh', ['-c', text], { encoding: 'utf8' });
    const full = shell(`${command} info qtree > /dev/full`);
    expect({ status: full.status, stderr: full.stderr }).toEqual({
      status: 1,
      stderr: 'backplane: the results cannot be written to standard output (the disk is full).\n',
    });
    const mute = shell(`${command} info qtree -global edu.dma_mask=1 2> /dev/full`);
    expect({ status: mute.status, shown: mute.stdout.includes('dev: mc146818rtc') }).toEqual({
      status: 0,
      shown: true,
    });
    const closed = shell(`{ ${command} -help -nonsense; echo $? >&2; } 2>&1 >/dev/null | true`);
    expect(closed.status).toBe(0);
  });

  it('names the line of a guest program that throws, and says it where nothing sensible is thrown', () => {
    const path = join(folder, 'throws.ts');
    writeFileSync(
      path,
      "import { guestProgram } from 'backplane/runtime';\n\nexport default guestProgram(function* (guest) {\n" +
        "  yield* guest.out8(0x80, 1);\n  throw new Error('out of ideas');\n});\n",
    );
    expect(run(['run', path, '-machine', 'isapc', '--verbose']).stderr).toContain('throws.ts:5:');
    writeFileSync(path, 'throw null;\n');
    expect(run(['run', path]).stderr).toContain('null');
    writeFileSync(path, 'await new Promise(() => {});\nexport {};\n');
    const { status, stderr } = run(['run', path]);
    expect({ status, said: stderr.includes('promise') }).toEqual({ status: 1, said: true });
  });
});
