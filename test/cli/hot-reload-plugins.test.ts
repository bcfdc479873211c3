import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { HotReload } from '../../sdk/cli/plugins/hot-reload.ts';
import { loadPlugin } from '../../sdk/cli/plugins/load.ts';
import { defineMachine, type UsedDevice } from '../../sdk/index.ts';
import { guestProgram, Machine } from '../../sdk/runtime.ts';
import { isapc } from '../small-machines.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-reload-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Adder {
  readonly type: string;
  readonly base: number;
  readonly edition?: number;
  readonly version?: number;
  readonly loaded?: string;
  readonly more?: string;
}

const head =
  "import { addCoalescedIo, defineMachine, defineOptions, device, IsaDevice, option, options, portRegion, state, use } from 'backplane';\n" +
  "import { isapc } from 'backplane/machines';\n";

/** A device that adds up what is written to its first port, and shows its edition at the second. */
const adder = ({ type, base, edition = 1, version = 1, loaded = '', more = '' }: Adder) => {
  const Class = type.toUpperCase();
  return `
const ports${Class} = portRegion({ name: '${type}', base: ${base}, size: 2, accessSizes: [1] });
@device({ type: '${type}', description: 'Adds up', version: ${version} })
@addCoalescedIo(ports${Class}, { offset: 0, size: 1 })
export class ${Class} extends IsaDevice {
  @state total = 0;
  @ports${Class}.write(0) add(value: number): void { this.total += value; }
  @ports${Class}.read(0) read(): number { return this.total & 0xff; }
  @ports${Class}.read(1) edition(): number { return ${edition}; }
  override onStateLoaded(from: number): void { ${loaded} }
  ${more}
}
`;
};

async function running(
  name: string,
  text: string,
  machineOf?: (plugin: Awaited<ReturnType<typeof loadPlugin>>) => Machine,
) {
  const path = join(folder, name);
  writeFileSync(path, text);
  const plugin = await loadPlugin(path);
  const used = plugin.devices.map(
    ({ deviceClass, metadata }): UsedDevice => ({ device: deviceClass, id: metadata.type }),
  );
  const machine =
    machineOf?.(plugin) ?? Machine.create(defineMachine({ ...isapc, devices: [...isapc.devices, ...used] }));
  const notes: string[] = [];
  const reload = new HotReload([plugin], machine, { note: (note) => void notes.push(note) });
  const look = async (times = 1) => {
    for (let turn = 0; turn < times; turn++) await reload.look();
    return notes.splice(0).join('\n');
  };
  const change = (next: string, file = name) => {
    writeFileSync(join(folder, file), next);
    return look(2);
  };
  const read = (...ports: number[]) => ports.map((port) => machine.io.read(port, 1));
  return { machine, look, change, read, add: (port: number, value: number) => machine.io.write(port, value, 1) };
}

const [A, B, C] = [
  { type: 'a', base: 0x300 },
  { type: 'b', base: 0x310 },
  { type: 'c', base: 0x320 },
] as const;
const three = (a: Partial<Adder> = {}, b: Partial<Adder> = {}, c: Partial<Adder> = {}) =>
  head + adder({ ...A, ...a }) + adder({ ...B, ...b }) + adder({ ...C, ...c });

describe('a plugin with several devices', () => {
  it('is reloaded whole: a migration runs, and a third device that refuses keeps all three as they were', async () => {
    const { machine, change, read, add } = await running('three.ts', three());
    for (const port of [0x300, 0x310, 0x320]) add(port, 5);
    const [before, devices] = [machine.save(), [...machine.devices]];
    const doubled = { edition: 2, version: 2, loaded: 'if (from < 2) this.total *= 2;' };
    const refusing = { edition: 2, loaded: "throw new Error('five is not for me');" };
    const said = await change(three({ edition: 2 }, doubled, refusing));
    expect(said).toMatch(/^'.*three\.ts' was not reloaded.*Device 'c'/);
    expect(said).toMatch(/five is not for me \(.*three\.ts:\d+\)$/);
    expect(machine.save()).toEqual(before);
    expect(machine.devices).toEqual(devices);
    expect(await change(three({ edition: 2 }, doubled, { edition: 2 }))).toMatch(/^reloaded '.*' in \d+ ms: a, b, c$/);
    expect(read(0x300, 0x301, 0x310, 0x311, 0x320, 0x321)).toEqual([5, 2, 10, 2, 5, 2]);
  });

  it('that loses one of them is refused, and so is one that changes its bus or its given option', async () => {
    const { change, read } = await running('lost.ts', three());
    expect(await change(head + adder(A) + adder({ ...B, edition: 2 }))).toMatch(/not reloaded.*'c'/);
    const onTheBoard = adder({ ...C, edition: 2 }).replace('extends IsaDevice', 'extends SystemDevice');
    const text = head.replace('IsaDevice', 'IsaDevice, SystemDevice') + adder(A) + adder(B) + onTheBoard;
    expect(await change(text)).toMatch(/not reloaded.*'c'/);
    expect(read(0x301, 0x311, 0x321)).toEqual([1, 1, 1]);
  });

  it('whose options have changed says which given one is missing, or which value no longer fits', async () => {
    const withOption = (name: string, range: string) => `${head}
const opts = defineOptions({ ${name}: option.integer({ description: 'x', default: 1, range: ${range} }) });
${adder({ ...A, more: 'constructor(@options(opts) readonly config: object) { super(); }' })}`;
    const { change, read } = await running('options.ts', withOption('speed', '[0, 9]'), ({ devices: [a] }) =>
      Machine.create(
        defineMachine({
          ...isapc,
          devices: [...isapc.devices, { device: a!.deviceClass, id: 'a', options: { speed: 7 } }],
        }),
      ),
    );
    expect(await change(withOption('pace', '[0, 9]'))).toMatch(/not reloaded.*'speed'/);
    expect(await change(withOption('speed', '[0, 3]'))).toMatch(/not reloaded.*speed.*7/s);
    expect(await change(withOption('speed', '[0, 12]'))).toMatch(/^reloaded/);
    expect(read(0x300)).toEqual([0]);
  });
});

describe('a file that is being saved', () => {
  it('is read when it looks the same at two looks, however often it changed in between', async () => {
    const { look, change, read } = await running('slow.ts', head + adder(A));
    const text = head + adder({ ...A, edition: 2 });
    for (const length of [0, 10, 200, text.length - 1]) {
      writeFileSync(join(folder, 'slow.ts'), text.slice(0, length));
      expect(await look()).toBe('');
    }
    expect(await change(text)).toMatch(/^reloaded/);
    expect(read(0x301)).toEqual([2]);
    expect(await look(3)).toBe('');
  });

  it('may be gone for a moment', async () => {
    const { look, change, read } = await running('gone.ts', head + adder(A));
    rmSync(join(folder, 'gone.ts'));
    expect(await look(1)).toBe('');
    expect(await change(head + adder({ ...A, edition: 2 }))).toMatch(/^reloaded/);
    rmSync(join(folder, 'gone.ts'));
    expect(await look(2)).toMatch(/not reloaded.*gone\.ts/);
    expect(await look(2)).toBe('');
    expect(await change(head + adder({ ...A, edition: 3 }))).toMatch(/^reloaded/);
    expect(read(0x301)).toEqual([3]);
  });

  it('and has begun to import another one with a mistake is reloaded when that one is mended', async () => {
    const { change, read } = await running('importer.ts', head + adder(A));
    writeFileSync(join(folder, 'imported.ts'), 'export const = 1;');
    const text = `import { edition } from './imported.ts';\n${head}${adder(A).replace('return 1;', 'return edition;')}`;
    expect(await change(text)).toMatch(/not reloaded.*imported\.ts:1:\d+/);
    expect(await change('export const edition = 9;', 'imported.ts')).toMatch(/^reloaded/);
    expect(read(0x301)).toEqual([9]);
  });
});

describe('a machine that a plugin brings', () => {
  const board = (how: string, edition = 1) => `${head}${adder({ ...A, edition }).replace('export class', 'class')}
export const board = defineMachine({ ...isapc, name: 'my-board', aliases: [], description: 'Mine', devices: [...isapc.devices, use(A${how})] });`;

  it('has its devices reloaded, exported or not; that its definition has changed is said, for it is built once', async () => {
    const { change, read } = await running('board.ts', board(''), ({ machines: [machine] }) =>
      Machine.create(machine!),
    );
    const reloaded = await change(board('', 2));
    expect(reloaded).toMatch(/^reloaded '.*' in \d+ ms: a$/);
    expect(read(0x301)).toEqual([2]);
    expect(await change(board(", { id: 'other' }", 3))).toMatch(/^machine 'my-board' has changed.*\nreloaded/);
    expect(read(0x301)).toEqual([3]);
  });
});

describe('a reload under a guest', () => {
  it('in the middle of an instruction, with writes queued, loses and repeats nothing', async () => {
    const { machine, change } = await running('under-way.ts', head + adder(A));
    const seen: number[] = [];
    const guest = guestProgram(function* (program) {
      for (let turn = 0; turn < 40; turn++) {
        yield* program.out8(0x300, 1);
        if (turn % 4 === 3) seen.push(yield* program.in8(0x300));
      }
    });
    let outcome = machine.run(guest, { operationLimit: 7 });
    for (let edition = 2; outcome.reason === 'operation-limit'; edition++) {
      expect(await change(head + adder({ ...A, edition }))).toMatch(/^reloaded/);
      outcome = machine.resume({ operationLimit: 7 });
    }
    expect(outcome.reason).toBe('finished');
    expect(seen).toEqual([4, 8, 12, 16, 20, 24, 28, 32, 36, 40]);
  });
});
