// @module-tag slow
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backplane, expectRefused } from './fake-terminal.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'check-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** On a busy machine the usual seconds are over before the contract has been judged. */
const patient = ['-seconds', '300'];

function plugin(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const uart = (body: string, see = '@see Example datasheet, "Data"') => `
import { defineMachine, device, InterruptPin, IsaDevice, isaIrq, portRegion, use } from 'backplane';
import { isapc } from 'backplane/machines';
const ports = portRegion({ name: 'uart', base: 0x300, size: 2, accessSizes: [1] });
const data = ports.register(0, { width: 8, description: 'what was received' });
const scratch = ports.register(1, { width: 8 });
/** ${see} */
@device({ type: 'uart', description: 'Sends bytes' })
export class Uart extends IsaDevice {
  readonly irq = new InterruptPin();
  @data data = 0;
  @scratch scratch = 0;
  ${body}
}
`;
const machine = (irq: string) => `
export const board = defineMachine({
  ...isapc, name: 'my-board', aliases: [], devices: [...isapc.devices, use(Uart, { interrupts: { ${irq}: isaIrq(5) } })],
});
`;

interface Found {
  readonly errors: number;
  readonly warnings: number;
  readonly findings: readonly {
    readonly subject: string;
    readonly check: string;
    readonly status: string;
    readonly message: string;
  }[];
}

describe('backplane check', () => {
  it('prints a line for each check of each device and machine, and is content with a sound plugin', async () => {
    const file = plugin('sound.ts', uart('') + machine('irq'));
    const { status, printed, progress } = await backplane('check', file, ...patient);
    expect(status).toBe(0);
    expect(printed).toMatch(/^device uart +definition +ok +bus isa, 1 region, 2 registers, 1 pin, 0 options$/m);
    expect(printed).toMatch(/^device uart +documentation +warning +no description and no fields: register 'scratch'$/m);
    expect(printed).toMatch(/^device uart +conformance +ok /m);
    expect(printed).toMatch(/^machine my-board +wiring +ok /m);
    expect(printed).toMatch(/^0 errors, 1 warning\.$/m);
    expect(progress.some((line) => line.includes('Uart: '))).toBe(true);
  });

  it('misses the datasheet where no @see names it', async () => {
    const { printed } = await backplane('check', plugin('unseen.ts', uart('', 'A UART.')));
    expect(printed).toMatch(/documentation +warning +no @see names its datasheet/);
  });

  it('finds what breaks the contract, and a machine whose wires lead nowhere, and fails', async () => {
    const text = uart('count = 0; @data.onRead() next() { return this.count++ & 0xff; }') + machine('irqq');
    const { status, printed, code } = await backplane('check', plugin('broken.ts', text), '-json', ...patient);
    const { errors, findings } = JSON.parse(printed) as Found;
    expect({ status, code, errors }).toEqual({ status: 1, code: 'plugin-check-failed', errors: 2 });
    const wrong = findings.filter((one) => one.status === 'error');
    expect(wrong.map(({ subject, check }) => `${subject}: ${check}`)).toEqual([
      'device uart: conformance',
      'machine my-board: wiring',
    ]);
    expect(wrong[0]?.message).toContain('reset');
    expect(wrong[1]?.message).toContain("'irqq'");
  });

  it('reports a mistake in a definition as a finding', async () => {
    const text = uart('@ports.read(0) twice() { return 0; }');
    const { status, printed } = await backplane('check', plugin('defined.ts', text));
    expect(status).toBe(1);
    expect(printed).toMatch(/definition +error +plugin /);
  });

  it('takes one device of several, and knows a misspelt one', async () => {
    const file = plugin('one.ts', uart('') + machine('irq'));
    const { printed } = await backplane('check', file, '-device', 'uart');
    expect(printed).toMatch(/^device uart /m);
    expectRefused(await backplane('check', file, '-device', 'uatr'), 'unknown-device', "Did you mean 'uart'?");
    expectRefused(await backplane('check', file, '-seconds', 'ten'), 'invalid-number', '-seconds ten');
  });

  it('knows the file that was meant', async () => {
    plugin('my-uart.ts', uart(''));
    expectRefused(await backplane('check', join(folder, 'my-urat.ts')), 'file-not-found', "Did you mean 'my-uart.ts'?");
    expectRefused(await backplane('check'), 'missing-operand', 'check FILE.ts');
    expectRefused(await backplane('check', 'a.ts', 'b.ts'), 'too-many-operands', 'b.ts');
  });
});
