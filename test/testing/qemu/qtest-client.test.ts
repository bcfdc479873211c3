import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { QtestClient, type QtestClientOptions } from '../../../sdk/testing/qemu/qtest-client.ts';
import { expectRefusal } from '../../refusal.ts';
import { answerLines, socketPair } from './fake-emulator.ts';

const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

async function connected(options?: QtestClientOptions): Promise<{ qtest: QtestClient; emulator: Socket }> {
  const { client, emulator } = await socketPair();
  const qtest = new QtestClient(client, options);
  open.push(qtest, { close: () => emulator.destroy() });
  return { qtest, emulator };
}

describe('a qtest client', () => {
  it('writes port commands as QEMU reads them, and reads back numbers', async () => {
    const heard: string[] = [];
    const { qtest, emulator } = await connected();
    answerLines(emulator, (line) => {
      heard.push(line);
      return line.startsWith('in') ? 'OK 0x00ff\n' : 'OK\n';
    });
    await qtest.out8(0x70, 0x0a);
    await qtest.out32(0xcf8, 0x8000_0000 | 0);
    expect(await qtest.in8(0x71)).toBe(0xff);
    expect(heard).toEqual(['outb 112 10', 'outl 3320 2147483648', 'inb 113']);
  });

  it('gives the answers of 20,000 pipelined commands in order, with no more under way than the window', async () => {
    const { qtest, emulator } = await connected({ window: 64 });
    let count = 0;
    let largest = 0;
    emulator.setEncoding('utf8');
    emulator.on('data', (text: string) => {
      const lines = text.split('\n').length - 1;
      count += lines;
      largest = Math.max(largest, count - qtest.answers);
      emulator.write(Array.from({ length: lines }, (_, index) => `OK ${count - lines + index}\n`).join(''));
    });
    const answers: number[] = [];
    const commands = new Array<string>(20_000).fill('inb 1');
    await qtest.commands(commands, (_, answer) => answers.push(Number(answer)));
    expect(answers).toEqual(Array.from({ length: 20_000 }, (_, index) => index));
    expect(largest).toBeLessThanOrEqual(64);
  });

  it('puts lines together that arrive in pieces', async () => {
    const { qtest, emulator } = await connected();
    emulator.once('data', () => {
      emulator.write('OK 0x0');
      setImmediate(() => emulator.write('02a\nO'));
      setTimeout(() => emulator.write('K 0x0001\r\n'), 5);
    });
    const answers: string[] = [];
    await qtest.commands(['inb 1', 'inb 2'], (_, answer) => answers.push(answer));
    expect(answers).toEqual(['0x002a', '0x0001']);
  });

  it('keeps the level of every interrupt line, and reports changes before the answer they belong to', async () => {
    const { qtest, emulator } = await connected();
    answerLines(emulator, (line) => (line === 'outb 1 1' ? 'IRQ raise 8\nIRQ raise 3\nIRQ lower 3\nOK\n' : 'OK\n'));
    const seen: string[] = [];
    qtest.onInterrupt = (line, level) => seen.push(`${line}=${level}`);
    await qtest.commands(['outb 0 0', 'outb 1 1'], (index) => seen.push(`answer ${index}`));
    expect(seen).toEqual(['answer 0', '8=true', '3=true', '3=false', 'answer 1']);
    expect([qtest.level(8), qtest.level(3)]).toEqual([true, false]);
    expect(qtest.interrupts).toBe(3);
  });

  it.each<[line: string, code: string, ...named: string[]]>([
    ['FAIL Unknown command', 'command-refused', "'inb 1'", 'FAIL Unknown command'],
    ['ERR invalid argument size', 'command-refused', "'inb 1'", 'ERR invalid argument size'],
    ['what?', 'protocol-violation', "'what?'"],
    ['IRQ raise 999', 'protocol-violation', "'IRQ raise 999'"],
    ['OK maybe', 'protocol-violation', "'maybe'", "'inb 1'"],
    ['OK 0x100', 'protocol-violation', "'0x100'", "'inb 1'", '255'],
    [`OK 0x${'f'.repeat(1000)}`, 'protocol-violation', '255'],
    ['OK 1e1', 'protocol-violation', "'1e1'", "'inb 1'"],
    ['FAIL \x1b[31m\x7f', 'command-refused', "'inb 1'", 'FAIL \\u001b[31m\\u007f'],
    ['\x1b]0;title\x07', 'protocol-violation', "'\\u001b]0;title\\u0007'"],
  ])("fails on '%s' with %s, and stays failed", async (line, code, ...named) => {
    const { qtest, emulator } = await connected();
    answerLines(emulator, () => `${line}\n`);
    await expectRefusal(() => qtest.in8(1), code, 'qtest', ...named);
    await expectRefusal(() => qtest.in8(1), code, 'qtest', ...named);
  });

  it('fails when an answer arrives that nobody asked for', async () => {
    const { qtest, emulator } = await connected();
    answerLines(emulator, () => 'OK 0x0001\nOK 0x0002\n');
    expect(await qtest.in8(1)).toBe(1);
    await expectRefusal(() => qtest.in8(1), 'protocol-violation', "'OK 0x0002'");
  });

  it('refuses a command that would make QEMU end itself, without sending it', async () => {
    const { qtest, emulator } = await connected();
    answerLines(emulator, () => 'OK\n');
    for (const command of ['', 'inb  1', 'inb 1\noutb 1 1', ' inb 1']) {
      await expectRefusal(() => qtest.command(command), 'malformed-command', JSON.stringify(command));
    }
    expect(await qtest.command('outb 1 1')).toBe('');
  });

  it('gives up on an emulator that does not answer, naming the command', async () => {
    const { qtest } = await connected({ answerTimeout: 30 });
    await expectRefusal(() => qtest.in8(0x71), 'emulator-silent', "'inb 113'", '30 ms');
  });

  it('does not hold silence against an emulator that was asked nothing', async () => {
    const { qtest, emulator } = await connected({ answerTimeout: 400 });
    answerLines(emulator, () => 'OK 0x0007\n');
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await qtest.in8(1)).toBe(7);
  });

  it('has patience with an emulator that is slow, as long as it answers', async () => {
    const { qtest, emulator } = await connected({ answerTimeout: 600, window: 1 });
    answerLines(emulator, () => {
      setTimeout(() => emulator.write('OK 0x0001\n'), 80);
      return undefined;
    });
    let answers = 0;
    await qtest.commands(new Array<string>(10).fill('inb 1'), () => answers++);
    expect(answers).toBe(10);
  });

  it('gives up on an emulator that reports interrupts for ever and does not answer', async () => {
    const { qtest, emulator } = await connected({ answerTimeout: 400 });
    const flood = setInterval(() => emulator.write('IRQ raise 1\nIRQ lower 1\n'), 5);
    open.push({ close: () => clearInterval(flood) });
    await expectRefusal(() => qtest.in8(0x71), 'emulator-silent', "'inb 113'", '400 ms');
    expect(qtest.interrupts).toBeGreaterThan(2);
  });

  it('puts a line of megabytes together without going through it again for each piece', async () => {
    const { qtest, emulator } = await connected({ longestLine: 16 * 2 ** 20 });
    answerLines(emulator, () => `OK ${'0'.repeat(8 * 2 ** 20)}\n`);
    expect(await qtest.command('read 0 1')).toHaveLength(8 * 2 ** 20);
  });

  it('gives up on a line without end', async () => {
    const { qtest, emulator } = await connected({ longestLine: 1000 });
    answerLines(emulator, () => `OK ${'0'.repeat(2000)}`);
    await expectRefusal(() => qtest.in8(1), 'protocol-violation', '1000');
  });

  it('refuses what is under way when the emulator goes away', async () => {
    const { qtest, emulator } = await connected();
    emulator.once('data', () => emulator.destroy());
    await expectRefusal(() => qtest.in8(1), 'connection-broken', 'qtest');
  });
});
