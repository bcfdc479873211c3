import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { QmpClient, type QmpClientOptions, type QmpValue } from '../../sdk/testing/qmp-client.ts';
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

  it('gives up on a message without end, and on a closed connection', async () => {
    const qmp = await greeted(() => 'x'.repeat(200), { longestMessage: 100 });
    await expect(qmp.execute('query-status')).rejects.toThrow('more than 100 characters in one message');
    const { client, emulator } = await silent();
    emulator.destroy();
    await expect(QmpClient.over(client)).rejects.toThrow('QMP: the emulator closed the connection.');
  });
});
