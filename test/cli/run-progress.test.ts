import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { stdio } from '../../sdk/backend/node/stdio.ts';
import { RunProgress } from '../../sdk/cli/session/run-progress.ts';
import { testFolder } from '../backend/node/fake-host.ts';
import { needs, whyNoX86 } from '../needs.ts';
import { builtCommand } from './built-command.ts';
import { screenKernel } from './display/screen-kernel.ts';
import { inTerminal, whyNoPseudoTerminal } from './pseudo-terminal.ts';

const folder = testFolder('progress');
const at = (name: string) => join(folder, name);
const encoded = (text: string) => new TextEncoder().encode(text);

/** What a run of a guest that writes these pieces tells of itself. */
async function told(...pieces: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const backend = await stdio({ id: 'serial0', streams: { input: Readable.from([]), output } }).open();
  for (const piece of pieces) backend.write(encoded(piece));
  const progress = new RunProgress({ operations: 1_234_567 }, { progress: (text) => void lines.push(text) });
  progress.show(2_500_000_000n);
  progress.show(2_600_000_000n);
  await backend.close();
  return lines;
}

describe('how far machine code is', () => {
  it('is told with the last line of the guest, at most four times a second', async () => {
    expect(await told('one\r\n', 'tw', 'o\r\n\r\n')).toEqual(['1,234,567 instructions, 2.500 s of guest time: two']);
    expect(await told()).toEqual(['1,234,567 instructions, 2.500 s of guest time']);
  });

  it('has no more than fits on a line, however long that of the guest is', async () => {
    const [line = ''] = await told('x'.repeat(200), 'y'.repeat(300));
    expect(line).toMatch(/^1,234,567 instructions, 2\.500 s of guest time: y+$/);
    expect(line.length).toBeLessThan(80);
  });
});

const missing = whyNoPseudoTerminal() ?? whyNoX86();
describe('a run of machine code at a terminal', needs('host', missing), () => {
  it('shows how far it is while its output goes to a file', { tags: 'package' }, async () => {
    const command = builtCommand(folder);
    writeFileSync(at('kernel'), screenKernel('none'));
    const run = `'${command}' run -kernel '${at('kernel')}' > '${at('out')}'`;
    const { shown, status } = await inTerminal(['sh', '-c', run], [['s of guest time', 'type', '\x01x']]);
    expect(status).toBe(0);
    expect(shown).toMatch(/\[K[\d,]+ instructions, \d+\.\d{3} s of guest time/);
    expect(shown).toContain('The run was ended by Ctrl-A x.');
    expect(readFileSync(at('out'), 'utf8')).toBe('');
  });
});
