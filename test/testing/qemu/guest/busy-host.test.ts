import { describe, expect, it } from 'vitest';
import { GuestConsole } from '../../../../sdk/testing/qemu/linux/console.ts';
import { blockedTasks, whatHappens } from '../../../../sdk/testing/qemu/linux/what-happened.ts';
import { SerialLines } from './serial-lines.ts';

const serial = new SerialLines();

/** The host runs something else for so many milliseconds: nothing of this process goes on. */
const stall = (milliseconds: number) =>
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds) === 'timed-out';

describe('on a host that is too busy to run this process', () => {
  it('a command is not late whose reply has come in time', async () => {
    const { shell, lines } = await serial.shell((id, _line, write) => {
      write(`in time\x1e${id} 0\n`);
      stall(200);
    });
    expect(await shell.run('quick', 100)).toEqual({ status: 0, output: 'in time' });
    expect(lines).toEqual(['quick']);
  });

  it('a message has what the kernel had printed before it was made', async () => {
    const { ours, guest } = await serial.line();
    const happened = whatHappens(new GuestConsole(ours), undefined);
    const told = happened();
    await new Promise<void>((resolve) =>
      setImmediate(() => {
        guest.write('[ 0.1] card: it does not answer\r\n');
        stall(200);
        resolve();
      }),
    );
    expect(await told).toContain('card: it does not answer');
  });

  it('the stacks of blocked tasks are waited for to their end, which is no part of them', async () => {
    const { ours, guest } = await serial.line();
    const console = new GuestConsole(ours);
    const typed: string[] = [];
    guest.on('data', (bytes) => void typed.push(bytes.toString()));
    let isOver = false;
    const told = blockedTasks(console, async () => void typed.push('break')).then(() => {
      isOver = true;
    });
    const until = async (text: string) => {
      while (typed.join(' ') !== text) await new Promise((resolve) => setImmediate(resolve));
    };
    await until('break w');
    guest.write('[ 9.0] sysrq: Show Blocked State\r\n[ 9.1] task:sh state:D\r\n');
    await until('break w break h');
    guest.write('[ 9.2]  msleep+0x2d/0x40\r\n');
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(isOver).toBe(false);
    guest.write('[ 9.3]  set+0x1f/0x30 [waits]\r\n[ 9.4] sysrq: HELP : loglevel(0-9) reboot(b)\r\n');
    await told;
    expect(console.since(0, 40).map((line) => line.slice(6).trim())).toEqual([
      'sysrq: Show Blocked State',
      'task:sh state:D',
      'msleep+0x2d/0x40',
      'set+0x1f/0x30 [waits]',
    ]);
  });
});
