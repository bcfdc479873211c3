import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { QmpClient, type QmpClientOptions, type QmpValue } from '../../../sdk/testing/qemu/qmp-client.ts';
import { expectRefusal } from '../../refusal.ts';
import { answerLines, socketPair } from './fake-emulator.ts';

const Greeting = '{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}}, "capabilities": ["oob"]}}\r\n';

const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

/** A client that has been greeted by an emulator which answers each command by `reply`. */
async function greeted(reply: (command: string) => string, options?: QmpClientOptions): Promise<QmpClient> {
  const { client, emulator } = await socketPair();
  open.push({ close: () => emulator.destroy() });
  emulator.write(Greeting);
  answerLines(emulator, (line) => {
    const { execute } = JSON.parse(line) as { execute: string };
    return execute === 'qmp_capabilities' ? '{"return": {}}\r\n' : reply(line);
  });
  const qmp = await QmpClient.over(client, options);
  open.push(qmp);
  return qmp;
}

async function silent(): Promise<{ client: Socket; emulator: Socket }> {
  const pair = await socketPair();
  open.push({ close: () => pair.emulator.destroy() });
  return pair;
}

const returns = (value: QmpValue) => `${JSON.stringify({ return: value })}\n`;

describe('a QMP client', () => {
  it('learns the version from the greeting', async () => {
    expect((await greeted(() => '')).version).toBe('7.2.22');
  });

  it('asks the human monitor, and gives its text with plain line ends', async () => {
    const heard: string[] = [];
    const qmp = await greeted((line) => {
      heard.push(line);
      return returns('address-space: I/O\r\n\r\n');
    });
    expect(await qmp.humanMonitor('info mtree')).toBe('address-space: I/O\n\n');
    expect(heard).toEqual(['{"execute":"human-monitor-command","arguments":{"command-line":"info mtree"}}']);
  });

  it('finds every object of a type, in the order of their numbers', async () => {
    const tree: Record<string, QmpValue> = {
      '/machine': [
        { name: 'unattached', type: 'child<container>' },
        { name: 'type', type: 'string' },
      ],
      '/machine/unattached': [
        { name: 'device[10]', type: 'child<isa-i8259>' },
        { name: 'device[9]', type: 'child<isa-i8259>' },
        { name: 'link', type: 'link<isa-i8259>' },
      ],
      '/machine/unattached/device[10]': [],
      '/machine/unattached/device[9]': [],
    };
    const qmp = await greeted((line) => {
      const request = JSON.parse(line) as { arguments: { path: string } };
      return returns(tree[request.arguments.path] ?? null);
    });
    expect(await qmp.findObjects('isa-i8259')).toEqual([
      '/machine/unattached/device[9]',
      '/machine/unattached/device[10]',
    ]);
  });

  it('waits for the reset to have happened, events and replies in any order', async () => {
    const event = '{"timestamp": {}, "event": "RESET", "data": {}}\n';
    const eventFirst = await greeted(() => event + returns({}));
    await eventFirst.reset();
    const replyFirst = await greeted(() => `${returns({})}{"event": "STOP"}\n${event}`);
    await replyFirst.reset();
    expect(replyFirst.version).toBe('7.2.22');
  });

  it('says what was refused, and goes on', async () => {
    const qmp = await greeted((line) =>
      line.includes('qom-get') ? '{"error": {"class": "GenericError", "desc": "Property not found"}}\n' : returns(5),
    );
    await expectRefusal(() => qmp.qomGet('/machine', 'x'), 'command-refused', "'qom-get'", 'Property not found');
    expect(await qmp.execute('anything')).toBe(5);
  });

  it.each([
    ['not json', "'not json'"],
    ['{"id": 1}', '\'{"id": 1}\''],
    ['{"return": 1}\n{"return": 2}', 'QMP'],
  ])("fails on '%s'", async (line, named) => {
    const qmp = await greeted(() => `${line}\n`);
    await qmp.execute('query-status').catch(() => undefined);
    await expectRefusal(() => qmp.execute('query-status'), 'protocol-violation', named);
  });

  it('gives up on an emulator that does not greet, reply or report', async () => {
    const { client } = await silent();
    await expectRefusal(() => QmpClient.over(client, { replyTimeout: 30 }), 'emulator-silent', 'greeting', '30 ms');
    const qmp = await greeted(() => '', { replyTimeout: 30 });
    await expectRefusal(() => qmp.execute('query-status'), 'emulator-silent', "'query-status'", '30 ms');
  });

  it.each([
    ['{"QMP":null}', `'{"QMP":null}'`],
    ['{"QMP":5}', `'{"QMP":5}'`],
    ['null', "'null'"],
    ['[]', "'[]'"],
    ['['.repeat(200_000), `'${'['.repeat(80)}'`],
    ['{"__proto__":{"QMP":1}}', '__proto__'],
    ['\x1b]0;title\x07\u202e', "'\\u001b]0;title\\u0007\\u202e'"],
  ])("refuses to be greeted by '%s'", async (line, named) => {
    const { client, emulator } = await silent();
    emulator.write(`${line}\n`);
    await expectRefusal(() => QmpClient.over(client), 'protocol-violation', named);
  });

  it.each([
    ['{"QMP":{}}', '0.0.0'],
    ['{"QMP":{"version":null}}', '0.0.0'],
    ['{"QMP":{"version":{"qemu":{"major":"\\u001b","minor":{},"micro":9}}}}', '0.0.9'],
  ])('takes from the greeting %s no more than numbers', async (line, version) => {
    const { client, emulator } = await silent();
    emulator.write(`${line}\n`);
    answerLines(emulator, () => '{"return": {}}\n');
    const qmp = await QmpClient.over(client);
    open.push(qmp);
    expect(qmp.version).toBe(version);
  });

  it.each([
    ['null', ''],
    ['7', ''],
    ['{"desc":{"toString":1}}', ''],
    ['{"desc":"\\u001b[2J\\r\\nQMP: all is well"}', '\\u001b[2J\\u000d\\u000aQMP: all is well'],
  ])('takes the error %s for a refusal of the request, and goes on', async (error, shown) => {
    const qmp = await greeted((line) => (line.includes('query-x') ? `{"error":${error}}\n` : returns(5)));
    await expectRefusal(() => qmp.execute('query-x'), 'command-refused', "'query-x'", shown);
    expect(await qmp.execute('query-status')).toBe(5);
  });

  it('passes over an event whose name is no text', async () => {
    const qmp = await greeted(() => `{"event":{"toString":1}}\n{"event":null}\n${returns(1)}`);
    expect(await qmp.execute('query-status')).toBe(1);
  });

  it.each([
    ['[null]', 'null'],
    ['[{"name":{"toString":1},"type":"x"}]', '256'],
    [`[{"name":"${'x'.repeat(300)}","type":"x"}]`, '256'],
    ['"abc"', 'abc'],
  ])('refuses the list %s, and goes on', async (list, named) => {
    const qmp = await greeted((line) => (line.includes('qom-list') ? `{"return":${list}}\n` : returns(5)));
    await expectRefusal(() => qmp.qomList('/machine'), 'protocol-violation', "'qom-list'", named);
    expect(await qmp.execute('query-status')).toBe(5);
  });

  it('refuses a monitor that answers no text', async () => {
    const qmp = await greeted(() => returns({ a: 1 }));
    await expectRefusal(
      () => qmp.humanMonitor('info mtree'),
      'protocol-violation',
      '{"a":1}',
      "'human-monitor-command'",
    );
  });

  it('refuses a tree of objects that goes down for ever, or is too wide', async () => {
    const deep = await greeted(() => returns([{ name: 'a', type: 'child<b>' }]));
    await expectRefusal(() => deep.findObjects('x'), 'object-tree-too-large', '32');
    const many = Array.from({ length: 4000 }, (_, index) => ({ name: `a${index}`, type: 'child<b>' }));
    const wide = await greeted(() => returns(many));
    await expectRefusal(() => wide.findObjects('x'), 'object-tree-too-large', '10000');
  });

  it('gives up on a request and on an event while the emulator floods it with other events', async () => {
    const flooded = async () => {
      const { client, emulator } = await silent();
      emulator.write(Greeting);
      answerLines(emulator, (line) => (line.includes('qmp_capabilities') ? '{"return": {}}\n' : ''));
      const flood = setInterval(() => emulator.write('{"event":"X"}\n'), 5);
      open.push({ close: () => clearInterval(flood) });
      return QmpClient.over(client, { replyTimeout: 40 });
    };
    const [asks, waits] = [await flooded(), await flooded()];
    await expectRefusal(() => asks.execute('query-x'), 'emulator-silent', "'query-x'", '40 ms');
    await expectRefusal(() => waits.event('RESET'), 'emulator-silent', "'RESET'", '40 ms');
  });

  it('gives an event its own deadline, however many requests are answered meanwhile', async () => {
    const qmp = await greeted(() => returns(1), { replyTimeout: 40 });
    const event = expectRefusal(() => qmp.event('RESET'), 'emulator-silent', "'RESET'", '40 ms');
    const asking = (async () => {
      for (;;) await qmp.execute('query-status');
    })().catch(() => undefined);
    await event;
    await asking;
  });

  it.each([
    ['18446744073709551601', 18446744073709551601n],
    ['-9007199254740993', -9007199254740993n],
    ['9007199254740991', 9007199254740991],
    [
      '[9007199254740993, "9007199254740993", "#9007199254740993", "\\u00239007199254740993", "##"]',
      [9007199254740993n, '9007199254740993', '#9007199254740993', '#9007199254740993', '##'],
    ],
    ['{"#9007199254740993": 9007199254740993, "a\\"#1": 1}', { '#9007199254740993': 9007199254740993n, 'a"#1': 1 }],
    ['[1.25, 1234567890123456.5, 1000000000000000000e1, 0]', [1.25, 1234567890123456.5, 1e19, 0]],
  ])('reads %s exactly', async (text, value) => {
    const qmp = await greeted(() => `{"return":${text}}\n`);
    expect(await qmp.execute('query-x')).toEqual(value);
  });

  it('refuses arguments that are no JSON, and goes on', async () => {
    const qmp = await greeted(() => returns(1));
    await expectRefusal(() => qmp.execute('qom-set', { value: 1n }), 'malformed-command', "'qom-set'");
    expect(await qmp.execute('query-status')).toBe(1);
  });

  it('gives up on a message without end, and on a closed connection', async () => {
    const qmp = await greeted(() => 'x'.repeat(200), { longestMessage: 100 });
    await expectRefusal(() => qmp.execute('query-status'), 'protocol-violation', '100');
    const { client, emulator } = await silent();
    emulator.destroy();
    await expectRefusal(() => QmpClient.over(client), 'connection-broken', 'QMP');
  });
});
