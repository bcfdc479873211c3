import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type RawImageSettings, rawImage } from '../../../sdk/backend/node/raw-image.ts';
import type { BlockImage } from '../../../sdk/backend/transport.ts';
import { expectRefusal } from '../../refusal.ts';
import { bytes, testFolder } from './fake-host.ts';

const folder = testFolder('image');
const at = (name: string) => join(folder, name);
const open: BlockImage[] = [];
afterEach(() => {
  for (const image of open.splice(0)) image.close();
});

async function opened(file: string, settings: Omit<RawImageSettings, 'id' | 'file'> = {}): Promise<BlockImage> {
  const image = (await rawImage({ id: 'd0', file, ...settings }).open()) as BlockImage;
  open.push(image);
  return image;
}

function disk(name: string, size = 10_000): string {
  writeFileSync(at(name), new Uint8Array(size).fill(0xee));
  return at(name);
}

function contents(image: BlockImage, offset = 0, size = image.size - offset): Uint8Array {
  const target = new Uint8Array(size);
  image.read(offset, target);
  return target;
}

describe('a raw image', () => {
  it('has the bytes of its file, and writes them', async () => {
    const file = disk('plain');
    const image = await opened(file);
    expect([image.size, image.isReadOnly, image.describe()]).toEqual([10_000, false, `${file}, raw`]);
    image.write(9_995, bytes('hello'));
    image.flush();
    expect(Buffer.from(contents(image, 9_994)).toString('latin1')).toBe('\xeehello');
    expect(readFileSync(file, 'latin1').slice(9_995)).toBe('hello');
  });

  it('keeps its size: one that shrinks fails, and is not made larger again', async () => {
    const file = disk('shrinks');
    const image = await opened(file);
    truncateSync(file, 5_000);
    expect(() => contents(image)).toThrow(/shrinks' cannot be read .*it has shrunk/);
    expect(() => image.write(6_000, bytes('x'))).toThrow(/shrinks' cannot be written .*5000 bytes.*it has shrunk/);
    image.write(4_999, bytes('x'));
    expect(readFileSync(file)).toHaveLength(5_000);
    expect(contents(image, 0, 5_000)[4_999]).toBe(0x78);
  });

  it('is left alone with snapshot=on, and no file is left behind', async () => {
    const file = disk('kept');
    const before = readFileSync(file);
    const image = await opened(file, { snapshot: true });
    expect([image.isReadOnly, image.describe()]).toEqual([false, `${file}, raw, snapshot`]);
    image.write(4_090, bytes('over the end of a block'));
    image.flush();
    expect(Buffer.from(contents(image, 4_089, 25)).toString('latin1')).toBe('\xeeover the end of a block\xee');
    expect(readFileSync(file)).toEqual(before);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith(`.backplane-${process.pid}-`))).toEqual([]);
  });

  it('with snapshot=on reads as an array that was written in the same way', async () => {
    const image = await opened(disk('random', 20_001), { snapshot: true });
    const model = new Uint8Array(20_001).fill(0xee);
    const write = fc.record({ offset: fc.nat(20_000), data: fc.uint8Array({ minLength: 1, maxLength: 9_000 }) });
    fc.assert(
      fc.property(write, ({ offset, data }) => {
        const part = data.subarray(0, model.length - offset);
        image.write(offset, part);
        model.set(part, offset);
        expect(Buffer.compare(contents(image), model)).toBe(0);
      }),
      { numRuns: 100, seed: 10 },
    );
  });

  it('is refused where it is missing, empty, a folder or no file', async () => {
    const refused = (file: string, code: string, ...named: string[]) =>
      expectRefusal(() => opened(file), code, "'d0'", file, ...named);
    mkdirSync(at('folder'));
    await refused(at('missing'), 'image-not-found', 'truncate');
    await refused(disk('empty', 0), 'image-unusable', 'is empty');
    await refused(at('folder'), 'image-unusable', 'folder');
    await refused('/dev/null', 'image-unusable', 'regular file');
    await refused(join(at('empty'), 'x'), 'image-unusable', 'no folder');
  });
});

describe('the lock of an image', () => {
  it('lets one writer in, whatever name it has the file by', async () => {
    const file = disk('locked');
    linkSync(file, at('hard-link'));
    symlinkSync(file, at('symbolic-link'));
    await opened(file);
    for (const name of [file, at('hard-link'), at('symbolic-link')]) {
      await expectRefusal(() => opened(name), 'image-locked', "'d0'", name, 'this process');
      await expectRefusal(() => opened(name, { readonly: true }), 'image-locked', name);
    }
    for (const image of open.splice(0)) image.close();
    await opened(file);
  });

  it('lets many readers in, and no writer then', async () => {
    const file = disk('read');
    const first = await opened(file, { readonly: true });
    const second = await opened(file, { snapshot: true });
    expect([first.isReadOnly, first.describe()]).toEqual([true, `${file}, raw, read-only`]);
    await expectRefusal(() => opened(file), 'image-locked', file);
    first.close();
    await expectRefusal(() => opened(file), 'image-locked', file);
    second.close();
    second.close();
    await opened(file);
  });

  it('holds between processes, and ends with a process that is killed', async () => {
    const file = disk('shared');
    const holder = await another(file, false);
    await expectRefusal(() => opened(file), 'image-locked', file, `process ${holder.pid}`);
    await expectRefusal(() => opened(file, { readonly: true }), 'image-locked', file, `process ${holder.pid}`);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    await opened(file);
    await expect(another(file, true)).rejects.toThrow(`process ${process.pid}`);
  });
});

/** Another process that has the image open. */
async function another(file: string, readonly: boolean): Promise<ChildProcess> {
  const module = pathToFileURL(join(import.meta.dirname, '../../../sdk/backend/node/raw-image.ts'));
  const script = `
    const { rawImage } = await import(${JSON.stringify(module.href)});
    await rawImage({ id: 'x', file: ${JSON.stringify(file)}, readonly: ${readonly} }).open();
    console.log('open');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { stdio: 'pipe' });
  let said = '';
  child.stderr.on('data', (text) => {
    said += String(text);
  });
  return new Promise((resolve, reject) => {
    child.stdout.once('data', () => resolve(child));
    child.once('exit', () => reject(new Error(said)));
  });
}
