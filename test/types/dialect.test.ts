import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

const source = `
import { device, inject, IsaDevice, portRegion, state, VirtualClock } from 'backplane';
const ports = portRegion({ name: 'p', base: 0x300, size: 2, accessSizes: [1] });
const go = ports.register(1, { width: 8 });
@device({ type: 'chip', description: 'a chip' })
export class Chip extends IsaDevice {
  @go go = 0;
  @state count = 1;
  constructor(@inject(VirtualClock) readonly clock: VirtualClock) {
    super();
  }
  @ports.read(0) look(): number {
    return 1;
  }
}
`;

/** One file, compiled once: tsc alone knows what it says without the setting. */
it('what tsc says without experimentalDecorators is what the guide lists', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'backplane-dialect-'));
  try {
    const compilerOptions = {
      experimentalDecorators: false,
      typeRoots: [join(root, 'node_modules/@types')],
      paths: { backplane: [join(root, 'sdk/index.ts')] },
    };
    const settings = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['chip.ts'] };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'chip.ts'), source);
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const said = await new Promise<string>((resolve) => {
      const args = [tsc, '--noEmit', '--pretty', 'false', '-p', folder];
      execFile(process.execPath, args, { maxBuffer: 1 << 26 }, (_, stdout) => resolve(stdout));
    });
    const ofChip = said.split('\n').filter((line) => line.startsWith('chip.ts') || line.includes('/chip.ts('));
    const codes = new Set(ofChip.map((line) => /error (TS\d+)/.exec(line)?.[1]));
    expect([...codes].sort()).toEqual(['TS1206', 'TS1240', 'TS1241']);
    const guide = await readFile(join(root, 'sdk/guides/01-a-project.md'), 'utf8');
    expect(guide).toContain(
      `| tsc | ${[...codes]
        .sort()
        .join(', ')
        .replace(/, (TS\d+)$/, ' or $1')}`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

it('what V8 says about a decorator that no compiler has taken out is what the guide lists', async () => {
  const said = (() => {
    try {
      new Function('@device class Chip {}');
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing';
  })();
  expect(await readFile(join(root, 'sdk/guides/01-a-project.md'), 'utf8')).toContain(`"${said}"`);
});
