import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { EscapeKeys } from '../../../sdk/backend/node/escape-keys.ts';
import { openStdio, type Stdio, stdio } from '../../../sdk/backend/node/stdio.ts';
import { expectRefusal } from '../../refusal.ts';
import { bytes, FakeHost } from './fake-host.ts';

const open: Stdio[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((transport) => transport.close()));
});

/** Streams that remember the mode of the terminal, if they are one. */
class FakeInput extends PassThrough {
  readonly modes: boolean[] = [];
  constructor(readonly isTTY: boolean) {
    super();
  }
  setRawMode(raw: boolean): this {
    this.modes.push(raw);
    return this;
  }
}

function started({ isTerminal = false, signal = false } = {}) {
  const input = new FakeInput(isTerminal);
  const output = new PassThrough();
  const transport = stdio({ id: 'c0', signal, streams: { input, output } }).open() as Stdio;
  open.push(transport);
  const host = new FakeHost();
  transport.start(host);
  return { input, output, transport, host };
}

describe('standard input and output behind a line', () => {
  it('carry bytes both ways until the end of the file, after which the guest may still answer', async () => {
    const { input, output, transport, host } = started();
    input.write('hel\x01x');
    input.end('lo');
    await host.until(() => host.text === 'hel\x01xlo');
    await new Promise(setImmediate);
    expect([transport.mayReceive, host.events]).toEqual([false, []]);
    transport.write(bytes('answer'));
    await host.until(() => host.sentCount === 6);
    expect(String(output.read())).toBe('answer');
    expect(transport.describe()).toBe('standard input and output');
  });

  it('stop reading while the device has no room', async () => {
    const { input, transport, host } = started();
    transport.setReceiving(false);
    input.write('late');
    await new Promise(setImmediate);
    expect(host.text).toBe('');
    transport.setReceiving(true);
    expect(host.text).toBe('late');
  });

  it('belong to one back end at a time', async () => {
    const { transport } = started();
    const second = stdio({ id: 'c1' });
    expectRefusal(() => second.open(), 'stdio-in-use', "'c1'", "'c0'");
    await transport.close();
    await (second.open() as Stdio).close();
  });

  it('report a reader that is gone', async () => {
    const { output, transport, host } = started();
    let ended = false;
    transport.onAction = (action) => {
      ended = action === 'end';
    };
    output.destroy(Object.assign(new Error('EPIPE'), { code: 'EPIPE' }));
    await host.until(() => host.failures.length > 0);
    expect(host.failures[0]).toContain('the other side has closed');
    expect([host.events, ended]).toEqual([['close'], true]);
    transport.write(bytes('x'));
    await transport.close();
  });
});

describe('a terminal behind a line', () => {
  it('is raw while it is open, and then as it was', async () => {
    const { input, transport } = started({ isTerminal: true });
    expect([input.modes, openStdio()]).toEqual([[true], transport]);
    await transport.close();
    await transport.close();
    expect([input.modes, openStdio()]).toEqual([[true, false], undefined]);
  });

  it('is raw again after it was stopped', () => {
    const { input } = started({ isTerminal: true });
    process.emit('SIGCONT');
    expect(input.modes).toEqual([true, false, true]);
  });

  it('sends Ctrl-C to the guest, and with signal=on ends the run', async () => {
    const first = started({ isTerminal: true });
    first.input.write('a\x03');
    await first.host.until(() => first.host.text === 'a\x03');
    await first.transport.close();
    const second = started({ isTerminal: true, signal: true });
    const action = new Promise((resolve) => {
      second.transport.onAction = resolve;
    });
    second.input.write('\x03');
    expect(await action).toBe('end');
    expect(second.host.text).toBe('');
  });

  it('obeys Ctrl-A though the guest takes nothing, and gives the keys to a monitor', async () => {
    const { input, transport, host } = started({ isTerminal: true });
    transport.setReceiving(false);
    const typed: string[] = [];
    transport.onAction = (action) => {
      typed.push(`<${action}>`);
      transport.keys = transport.keys === undefined ? (keys) => void typed.push(String(keys)) : undefined;
    };
    input.write('to guest\x01cinfo\x01cmore');
    await host.until(() => host.text === 'to guestmore');
    expect(typed).toEqual(['<monitor>', 'info', '<monitor>']);
  });
});

describe('the keys after Ctrl-A', () => {
  const typed = (...texts: string[]) => {
    const said: string[] = [];
    const keys = new EscapeKeys(
      (sent) => void said.push(String(sent)),
      (action) => void said.push(`<${action}>`),
    );
    for (const text of texts) keys.type(bytes(text));
    return said.join('');
  };

  it.each([
    ['plain', 'plain'],
    ['a\x01xb', 'a<end>b'],
    ['\x01\x01', '\x01'],
    ['a\x01\x01b', 'a\x01b'],
    ['\x01\x01x', '\x01x'],
    ['a\x01cb\x01C', 'a<monitor>b<monitor>'],
    ['\x01b\x01h\x01?', '<break><help><help>'],
    ['a\x01zb', 'ab'],
    ['a\x01', 'a'],
  ])('%j is %j, in one piece and byte by byte', (text, meaning) => {
    expect(typed(text)).toBe(meaning);
    expect(typed(...text)).toBe(meaning);
  });
});
