import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testFolder } from '../backend/node/fake-host.ts';
import { backplane, expectRefused } from './fake-terminal.ts';

const folder = testFolder('options');
const info = (...words: string[]) => backplane('info', 'machine', '-machine', 'isapc', ...words);

describe('back ends of the command line', () => {
  it.each([
    ['-chardev', 'null,id=c0'],
    ['-chardev', 'backend=null,id=c0'],
    ['-chardev', 'id=c0,backend=ringbuf,size=4K'],
    ['-chardev', 'socket,id=c0,path=/tmp/x,server=on,wait=off'],
    ['-chardev', 'socket,id=c0,path=/tmp/x,server,nowait'],
    ['-chardev', 'socket,id=c0,port=4444,allow-remote=on,host=0.0.0.0,server=on'],
    ['-chardev', 'socket,id=c0,port=4444,allow_remote=on,server=on'],
    ['-chardev', 'socket,id=c0,host=localhost,port=4444,reconnect=2'],
    ['-chardev', 'stdio,id=c0,signal=on'],
    ['-chardev', 'file,id=c0,path=/tmp/a,,b,append=on'],
    ['-chardev', 'pipe,id=c0,path=/tmp/x'],
    ['-serial', 'stdio'],
    ['-serial', 'mon:stdio'],
    ['-serial', 'null'],
    ['-serial', 'none'],
    ['-serial', 'file:/tmp/log, with a comma'],
    ['-serial', 'pipe:/tmp/x'],
    ['-serial', 'unix:/tmp/x,server=on,wait=off'],
    ['-serial', 'unix:/tmp/x,server,nowait'],
    ['-serial', 'tcp:127.0.0.1:4444,server=on'],
    ['-serial', 'tcp:[::1]:4444,server=on'],
    ['-serial', 'tcp::4444,server'],
  ])('%s %s is taken', async (option, text) => {
    expect(await info(option, text)).toMatchObject({ status: 0, noted: '' });
  });

  it.each([
    ['-chardev', '', 'malformed-setting', 'KIND,id=ID'],
    ['-chardev', 'help', 'misplaced-argument', 'backplane -chardev help'],
    ['-chardev', 'null', 'missing-backend-id', 'id='],
    ['-chardev', 'null,id=', 'invalid-backend-id', "''"],
    ['-chardev', 'null,id=a b', 'invalid-backend-id', "'a b'"],
    ['-chardev', `null,id=${'a'.repeat(65)}`, 'invalid-backend-id', '63'],
    ['-chardev', 'null,id=c0,id=c1', 'repeated-argument', "'id'"],
    ['-chardev', 'null,id=c0,,', 'invalid-backend-id', "'c0,'"],
    ['-chardev', 'scoket,id=c0', 'unknown-backend-kind', "'socket'"],
    ['-chardev', 'pty,id=c0', 'unknown-backend-kind', 'socat'],
    ['-chardev', 'raw,id=c0', 'unknown-backend-kind', "'raw'"],
    ['-chardev', 'socket,id=c0,pth=/tmp/x', 'unknown-option', "'path'"],
    ['-chardev', 'socket,id=c0,port=x', 'bad-option', "'x'"],
    ['-chardev', 'socket,id=c0,port=70000', 'bad-option', '65535'],
    ['-chardev', 'socket,id=c0,path=/tmp/x,server=maybe', 'bad-option', "'maybe'"],
    ['-serial', 'fiel:log', 'malformed-serial', "'file:'"],
    ['-serial', 'stdoi', 'malformed-serial', "'stdio'"],
    ['-serial', '', 'malformed-serial', 'stdio'],
    ['-serial', 'file:', 'malformed-serial', 'file:NAME'],
    ['-serial', 'tcp:localhost', 'malformed-serial', '127.0.0.1:4444'],
    ['-serial', 'unix:/tmp/x,path=/tmp/y', 'malformed-serial', 'path='],
    ['-serial', 'unix:/tmp/x,servr=on', 'unknown-option', "'server'"],
    ['-serial', 'chardev:c0', 'no-such-backend', "'c0'"],
    ['-serial', 'vc', 'malformed-serial', 'stdio'],
    ['-drive', 'file=x,id=d0', 'unsupported-drive', 'if=none'],
    ['-drive', 'file=x,id=d0,if=ide', 'unsupported-drive', 'if=ide'],
    ['-drive', 'file=x,if=none', 'missing-backend-id', 'id='],
    ['-drive', 'if=none,id=d0', 'missing-backend-setting', 'file='],
    ['-drive', 'file=x,if=none,id=d0,format=qcow2', 'unsupported-drive', 'qemu-img convert'],
    ['-drive', 'file=x,if=none,id=d0,cache=none', 'unknown-option', "'cache'"],
    ['-drive', 'help', 'misplaced-argument', 'backplane -drive help'],
    ['-blockdev', 'driver=file,filename=x', 'missing-backend-id', 'node-name='],
    ['-blockdev', 'driver=qcow2,node-name=d0,filename=x', 'unsupported-drive', 'qemu-img'],
    ['-blockdev', 'driver=nbd,node-name=d0', 'unsupported-drive', "'nbd'"],
    ['-blockdev', 'driver=raw,node-name=d0,file=f0', 'no-such-backend', "'f0'"],
    ['-blockdev', 'driver=raw,node-name=d0,file=d0', 'no-such-backend', "'d0'"],
    ['-blockdev', '{"driver":"file","node-name":"d0","filename":null}', 'missing-backend-setting', 'file='],
    ['-drive', 'file=x,if=none,id=d0,snapshot=', 'bad-option', 'snapshot'],
    ['-blockdev', 'driver=file,node-name=d0,filenam=x', 'unknown-option', "'filenam'"],
    ['-blockdev', '{"driver":"file"', 'malformed-setting', 'JSON'],
  ])('%s %s is refused', async (option, text, code, named) => {
    expectRefused(await info(option, text), code, named);
  });

  it('have names of their own', async () => {
    const twice = await info('-chardev', 'null,id=c0', '-chardev', 'ringbuf,id=c0');
    expectRefused(twice, 'duplicate-backend', "'c0'", '-chardev null,id=c0');
  });

  it('are one port only', async () => {
    const twice = await info('-chardev', 'null,id=c0', '-serial', 'chardev:c0', '-serial', 'chardev:c0');
    expectRefused(twice, 'no-such-backend', "It is 'serial0' already");
  });

  it('are refused where two images lie on each other', async () => {
    const circle = await info(
      '-blockdev',
      'driver=raw,node-name=a,file=b',
      '-blockdev',
      'driver=raw,node-name=b,file=a',
    );
    expectRefused(circle, 'no-such-backend', "'b'");
  });

  it('are devices for one device only, of the right type', async () => {
    const words = ['-chardev', 'null,id=serial7', '-serial', 'null', '-serial', 'none', '-serial', 'chardev:serial7'];
    expect(await info(...words)).toMatchObject({ status: 0 });
  });

  it('are not opened by a look into a machine', async () => {
    const log = join(folder, 'log');
    writeFileSync(log, 'precious');
    expect((await info('-serial', `file:${log}`)).status).toBe(0);
    expect(readFileSync(log, 'latin1')).toBe('precious');
  });

  it.each([
    ['-drive', (file: string) => `file=${file},if=none,id=d0,format=raw,readonly=on`],
    ['-drive', (file: string) => `if=none,file=${file},id=d0,read-only=on,snapshot=on`],
    ['-blockdev', (file: string) => `driver=file,node-name=d0,filename=${file},read-only=on`],
    ['-blockdev', (file: string) => `driver=raw,node-name=d0,file.driver=file,file.filename=${file}`],
    ['-blockdev', (file: string) => `{"driver":"raw","node-name":"d0","file":{"driver":"file","filename":"${file}"}}`],
  ])('%s opens an image', async (option, text) => {
    const file = join(folder, 'disk.img');
    writeFileSync(file, new Uint8Array(512));
    expect(await info(option, text(file))).toMatchObject({ status: 0, noted: '' });
    const missing = join(folder, 'missing.img');
    expectRefused(await info(option, text(missing)), 'image-not-found', missing);
    mkdirSync(join(folder, 'a-folder'), { recursive: true });
    expectRefused(await info(option, text(join(folder, 'a-folder'))), 'image-unusable', 'folder');
  });

  it('lie on a node of another -blockdev', async () => {
    const file = join(folder, 'below.img');
    writeFileSync(file, new Uint8Array(512));
    const node = `driver=file,node-name=f0,filename=${file}`;
    expect(await info('-blockdev', node, '-blockdev', 'driver=raw,node-name=d0,file=f0')).toMatchObject({ status: 0 });
  });
});

describe('info chardev and info block', () => {
  it('name the back ends and their devices', async () => {
    const words = ['-serial', 'unix:/tmp/x,server=on', '-chardev', 'null,id=c0'];
    const { printed } = await backplane('info', 'chardev', '-machine', 'isapc', ...words);
    expect(printed).toContain('c0: null, not opened\n    no device; 0 bytes in, 0 bytes out');
    expect(printed).toMatch(/serial0: socket, not opened\n {4}device '[^']+'; 0 bytes in/);
    const file = join(folder, 'info.img');
    writeFileSync(file, new Uint8Array(4096));
    const disk = ['-drive', `file=${file},if=none,id=d0,readonly=on`];
    expect((await backplane('info', 'block', '-machine', 'isapc', ...disk)).printed).toBe(
      `d0: ${file}, raw, read-only, 4,096 bytes\n    no device; 0 bytes read, 0 bytes written, 0 flushes`,
    );
    expect((await backplane('info', 'block', '-machine', 'isapc')).printed).toBe('none');
  });
});

describe('the list of back ends', () => {
  it('has each kind with its settings', async () => {
    const { status, printed } = await backplane('-chardev', 'help');
    expect(status).toBe(0);
    for (const kind of ['stdio', 'file', 'pipe', 'socket', 'ringbuf', 'null']) expect(printed).toMatch(`\n  ${kind} `);
    expect(printed).toContain('    allow-remote=<bool>');
    expect((await backplane('-chardev', 'file,help')).printed).not.toContain('socket');
    expect((await backplane('-blockdev', 'help')).printed).toContain('raw');
  });
});

describe('-rtc of a run', () => {
  const at = (...words: string[]) => backplane('info', 'machine', ...words);

  it('is refused in each wrong form', async () => {
    const guest = join(folder, 'guest.ts');
    writeFileSync(
      guest,
      "import { guestProgram } from 'backplane/runtime';\nexport default guestProgram('g', function* (guest) { yield* guest.out8(0x70, 9); yield* guest.in8(0x71); });\n",
    );
    const run = (rtc: string) => backplane('run', guest, '-machine', 'isapc', '-rtc', rtc, '-trace');
    for (const [text, named] of [
      ['base=yesterday', 'not a date'],
      ['base=utc,clock=host', 'clock='],
      ['base=utc,drift=1', "'drift'"],
      ['', 'not a date'],
    ] as const)
      expectRefused(await run(text), 'invalid-date', named);
    expect((await run('base=2031-02-03')).printed).toMatch(/in8 at 0x71.* 0x31/);
    for (const zone of ['utc', 'localtime']) expect((await run(`base=${zone}`)).status).toBe(0);
    expect((await at('-rtc', 'base=utc')).status).toBe(1);
  });
});
