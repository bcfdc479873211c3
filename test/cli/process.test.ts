// @module-tag slow
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isThorough } from '../depth.ts';
import { builtCommand } from './built-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane process (odd) '));
const command = builtCommand(folder);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Said {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Line 3 is the plugin's own, line 7 in a handler, line 8 in its reset. */
const plugin = ({ top = '', handler = '', reset = '' }) => `
import { device, IsaDevice, portRegion } from 'backplane';
${top}
const ports = portRegion({ name: 'latch', base: 0x300, size: 1, accessSizes: [1] });
@device({ type: 'latch', description: 'A latch' })
export class Latch extends IsaDevice {
  @ports.read() read(): number { ${handler} return 0x5a; }
  override reset(): void { ${reset} }
}
`;

beforeAll(() => {
  writeFileSync(
    join(folder, 'guest.ts'),
    "import { guestProgram } from 'backplane/runtime';\nexport default guestProgram(function* (guest) { yield* guest.in8(0x300); });",
  );
});

let plugins = 0;

function run(text: string, ...more: string[]): Promise<Said & { readonly file: string }> {
  const file = join(folder, `plugin-${++plugins}.ts`);
  writeFileSync(file, text);
  const words = ['run', 'guest.ts', '-machine', 'isapc', '-plugin', file, '-device', 'latch', ...more];
  return new Promise((resolve) => {
    execFile(command, words, { cwd: folder }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr, file });
    });
  });
}

/** One message that names the file and the line, and no stack. */
async function expectOneMessage(text: string, line: number | undefined, message: RegExp): Promise<Said> {
  const { file, ...said } = await run(text);
  expect(said.status).toBe(1);
  expect(said.stderr).toMatch(/^backplane: [^\n]*\n$/);
  expect(said.stderr).toMatch(message);
  expect(said.stderr).toContain(line === undefined ? file : `${file}:${line}`);
  return said;
}

const boom = "throw new Error('boom');";

describe('what plugins do to the process that they share is said in one message with file and line, status 1', {
  timeout: 90_000,
}, () => {
  it.concurrent('a host timer that throws', async () => {
    const { stdout } = await expectOneMessage(plugin({ handler: `setTimeout(() => { ${boom} }, 1);` }), 7, /boom/);
    expect(stdout).toContain('The guest has finished.');
  });

  it.concurrent('a promise that is rejected, with an Error or with something else', async () => {
    await expectOneMessage(plugin({ handler: "Promise.reject(new Error('boom'));" }), 7, /boom/);
    if (isThorough)
      await expectOneMessage(plugin({ handler: 'Promise.reject({ code: 7 });' }), undefined, /\{"code":7\}/);
  });

  it.concurrent('process.exit() while it is loaded, and in a handler, whatever status it asks for', async () => {
    const ended = /process\.exit\(\)/;
    const { stdout } = await expectOneMessage(plugin({ top: 'process.exit(0);' }), 3, ended);
    expect(stdout).toBe('');
    await expectOneMessage(plugin({ handler: 'process.exit(0);' }), 7, ended);
    if (isThorough) await expectOneMessage(plugin({ reset: 'process.exit();' }), 8, ended);
  });

  it.concurrent('an await that never ends', async () => {
    const { status, stderr } = await run(plugin({ top: 'await new Promise(() => {});' }));
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/^backplane: .*promise[^\n]*\n$/) });
  });

  it.concurrent('what its own code throws, with every line of the stack a line of its files', async () => {
    await expectOneMessage(plugin({ reset: 'throw { code: 7 };' }), undefined, /reset\(\).*\{"code":7\}/);
    const { stderr, file } = await run(plugin({ handler: boom }), '--verbose');
    expect(stderr).toMatch(/^backplane: Device 'latch', region 'latch', offset 0x0.*boom/);
    expect(stderr).toContain(`${file}:7`);
    expect(stderr).not.toContain('.bundle.cjs');
  });

  it.concurrent('somebody who reads slowly gets every line', async () => {
    writeFileSync(
      join(folder, 'long.ts'),
      "import { guestProgram } from 'backplane/runtime';\n" +
        'export default guestProgram(function* (guest) { for (let n = 0; n < 5000; n++) yield* guest.in8(0x300); });',
    );
    const child = spawn(command, ['run', 'long.ts', '-machine', 'isapc', '--trace'], { cwd: folder });
    const status = new Promise<number | null>((resolve) => child.once('exit', resolve));
    let stderr = '';
    child.stderr.on('data', (part) => {
      stderr += part;
    });
    // Longer than what lingers may live.
    await Promise.race([status, new Promise((resolve) => setTimeout(resolve, 5000))]);
    let stdout = '';
    for await (const part of child.stdout) stdout += part;
    expect(stdout.split('\n').filter((line) => line.includes('in8 at 0x300'))).toHaveLength(5000);
    expect([await status, stderr]).toEqual([0, '']);
  });

  it.concurrent('an interval that nobody stops does not keep a command that is done from ending', async () => {
    const { status, stdout, stderr } = await run(plugin({ top: 'setInterval(() => {}, 100);' }));
    expect({ status, finished: stdout.includes('The guest has finished.') }).toEqual({ status: 0, finished: true });
    expect(stderr).toMatch(/^backplane: .*plugin.*interval[^\n]*\n$/);
  });
});
