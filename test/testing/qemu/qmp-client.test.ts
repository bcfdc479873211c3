import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { QmpClient, type QmpClientOptions, type QmpValue } from '../../../sdk/testing/qemu/qmp-client.ts';
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
    await expect(qmp.qomGet('/machine', 'x')).rejects.toThrow(
      "QMP: the emulator refused 'qom-get': Property not found.",
    );
    expect(await qmp.execute('anything')).toBe(5);
  });

  it.each([
    ['not json', "QMP: the emulator sent 'not json', which is not a JSON object."],
    ['{"id": 1}', 'QMP: the emulator sent \'{"id": 1}\', which is no message of the protocol.'],
    ['{"return": 1}\n{"return": 2}', 'QMP: the emulator replied when nothing was asked.'],
  ])("fails with a sentence on '%s'", async (line, sentence) => {
    const qmp = await greeted(() => `${line}\n`);
    await qmp.execute('query-status').catch(() => undefined);
    await expect(qmp.execute('query-status')).rejects.toThrow(sentence);
  });

  it('gives up on an emulator that does not greet, reply or report', async () => {
    const { client } = await silent();
    await expect(QmpClient.over(client, { replyTimeout: 30 })).rejects.toThrow("'the greeting' waits for within 30 ms");
    const qmp = await greeted(() => '', { replyTimeout: 30 });
    await expect(qmp.execute('query-status')).rejects.toThrow("'query-status' waits for within 30 ms");
  });

  it.each([
    ['{"QMP":null}', `QMP: the emulator sent '{"QMP":null}', which is no greeting.`],
    ['{"QMP":5}', `QMP: the emulator sent '{"QMP":5}', which is no greeting.`],
    ['null', "QMP: the emulator sent 'null', which is not a JSON object."],
    ['[]', "QMP: the emulator sent '[]', which is not a JSON object."],
    ['['.repeat(200_000), 'which is not a JSON object.'],
    ['{"__proto__":{"QMP":1}}', 'which is no message of the protocol.'],
    ['\x1b]0;title\x07\u202e', "QMP: the emulator sent '\\u001b]0;title\\u0007\\u202e', which is not a JSON object."],
  ])("refuses to be greeted by '%s'", async (line, sentence) => {
    const { client, emulator } = await silent();
    emulator.write(`${line}\n`);
    await expect(QmpClient.over(client)).rejects.toThrow(sentence);
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
    ['null', 'without a reason'],
    ['7', 'without a reason'],
    ['{"desc":{"toString":1}}', 'without a reason'],
    ['{"desc":"\\u001b[2J\\r\\nQMP: all is well"}', '\\u001b[2J\\u000d\\u000aQMP: all is well'],
  ])('takes the error %s for a refusal of the request, and goes on', async (error, shown) => {
    const qmp = await greeted((line) => (line.includes('query-x') ? `{"error":${error}}\n` : returns(5)));
    await expect(qmp.execute('query-x')).rejects.toThrow(`QMP: the emulator refused 'query-x': ${shown}.`);
    expect(await qmp.execute('query-status')).toBe(5);
  });

  it('passes over an event whose name is no text', async () => {
    const qmp = await greeted(() => `{"event":{"toString":1}}\n{"event":null}\n${returns(1)}`);
    expect(await qmp.execute('query-status')).toBe(1);
  });

  it.each([
    ['[null]', "QMP: the emulator answered null to 'qom-list', where a property with a name and a type"],
    [
      '[{"name":{"toString":1},"type":"x"}]',
      'where a property with a name and a type of at most 256 characters is due',
    ],
    [`[{"name":"${'x'.repeat(300)}","type":"x"}]`, 'where a property with a name and a type of at most 256 characters'],
    ['"abc"', "QMP: the emulator answered abc to 'qom-list', where a list is due."],
  ])('refuses the list %s, and goes on', async (list, sentence) => {
    const qmp = await greeted((line) => (line.includes('qom-list') ? `{"return":${list}}\n` : returns(5)));
    await expect(qmp.qomList('/machine')).rejects.toThrow(sentence);
    expect(await qmp.execute('query-status')).toBe(5);
  });

  it('refuses a monitor that answers no text', async () => {
    const qmp = await greeted(() => returns({ a: 1 }));
    await expect(qmp.humanMonitor('info mtree')).rejects.toThrow(
      `QMP: the emulator answered {"a":1} to 'human-monitor-command', where a text is due.`,
    );
  });

  it('refuses a tree of objects that goes down for ever, or is too wide', async () => {
    const deep = await greeted(() => returns([{ name: 'a', type: 'child<b>' }]));
    await expect(deep.findObjects('x')).rejects.toThrow('QMP: the tree of objects is more than 32 levels deep.');
    const many = Array.from({ length: 4000 }, (_, index) => ({ name: `a${index}`, type: 'child<b>' }));
    const wide = await greeted(() => returns(many));
    await expect(wide.findObjects('x')).rejects.toThrow('QMP: there are more than 10000 objects.');
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
    await expect(asks.execute('query-x')).rejects.toThrow("'query-x' waits for within 40 ms");
    await expect(waits.event('RESET')).rejects.toThrow("'RESET' waits for within 40 ms");
  });

  it('gives an event its own deadline, however many requests are answered meanwhile', async () => {
    const qmp = await greeted(() => returns(1), { replyTimeout: 40 });
    const event = qmp.event('RESET').then(
      () => 'it came',
      (failure: Error) => failure.message,
    );
    const asking = (async () => {
      for (;;) await qmp.execute('query-status');
    })().catch(() => undefined);
    expect(await event).toContain("'RESET' waits for within 40 ms");
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
    await expect(qmp.execute('qom-set', { value: 1n })).rejects.toThrow("QMP: the arguments of 'qom-set' are no JSON.");
    expect(await qmp.execute('query-status')).toBe(1);
  });

  it('gives up on a message without end, and on a closed connection', async () => {
    const qmp = await greeted(() => 'x'.repeat(200), { longestMessage: 100 });
    await expect(qmp.execute('query-status')).rejects.toThrow('more than 100 characters in one message');
    const { client, emulator } = await silent();
    emulator.destroy();
    await expect(QmpClient.over(client)).rejects.toThrow('QMP: the emulator closed the connection.');
  });
});
