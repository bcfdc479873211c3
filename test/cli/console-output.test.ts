import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { backplane } from './fake-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-console-'));
afterAll(() => rmSync(folder, { recursive: true }));

function printer(name: string, text: string): string {
  const path = join(folder, `${name}.ts`);
  const loop = `for (const letter of Buffer.from(${JSON.stringify(text)}, 'latin1')) yield* guest.out8(0x402, letter);`;
  const program = `export default guestProgram('${name}', function* (guest) {\n${loop}\n});\n`;
  writeFileSync(path, `import { guestProgram } from 'backplane/runtime';\n${program}`);
  return path;
}

const run = (file: string, ...more: string[]) =>
  backplane('run', file, '-machine', 'isapc', '-device', 'isa-debugcon,id=log,iobase=0x402', ...more);

describe('what a guest prints on a debug console', () => {
  it('is shown with the messages, line by line, the last one too', async () => {
    const { status, noted, printed } = await run(printer('words', 'hello\r\n\nworld'));
    expect({ status, noted }).toEqual({ status: 0, noted: 'log: hello\nlog: world' });
    expect(printed).not.toContain('hello');
  });

  it('cannot steer the terminal, and a line without an end is cut', async () => {
    const { noted } = await run(printer('rude', `\x1b[2J\x07${'x'.repeat(1500)}`));
    const [first = '', second = ''] = noted.split('\n');
    expect(first).toBe(`log: .[2J.${'x'.repeat(995)}`);
    expect(second).toBe(`log: ${'x'.repeat(505)}`);
  });

  it('leaves JSON alone', async () => {
    const { noted, printed } = await run(printer('data', 'hello\n'), '--json');
    expect(noted).toBe('log: hello');
    expect(JSON.parse(printed)).toMatchObject({ outcome: { reason: 'finished' } });
  });
});
