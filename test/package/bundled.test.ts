import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import * as machines from '../../machines/index.ts';
import * as sdk from '../../sdk/runtime.ts';
import { sourceFiles } from '../architecture/source-files.ts';

/** Texts about machines whose reset control kills a coalesced range, and about sound ones. */
function describeMachines({ Machine, infoMtree, infoQtree, infoCoalesced }: typeof sdk, all: typeof machines): string {
  const { pcI440fx, q35, isapc } = all;
  const built = [
    Machine.create(pcI440fx),
    Machine.create(pcI440fx, { options: { resetControl: 'overlay' } }),
    Machine.create(q35),
    Machine.create(isapc),
  ];
  return built
    .flatMap((machine) => [...machine.warnings, infoQtree(machine), infoMtree(machine), infoCoalesced(machine)])
    .join('\n');
}

describe('package.json says that no module acts by being imported', () => {
  it('and a bundle that drops modules prints the same warnings and trees', async () => {
    const { outputFiles } = await build({
      stdin: {
        contents:
          "import * as sdk from './sdk/runtime.ts';\nimport * as machines from './machines/index.ts';\n" +
          `console.log((${describeMachines.toString()})(sdk, machines));`,
        resolveDir: fileURLToPath(new URL('../..', import.meta.url)),
        loader: 'ts',
      },
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'node',
      write: false,
      logLevel: 'silent',
    });
    const bundle = outputFiles[0]?.text ?? '';
    const printed = execFileSync(process.execPath, ['--input-type=module', '-'], { input: bundle, encoding: 'utf8' });
    const expected = describeMachines(sdk, machines);
    expect(expected).toContain('is coalesced but dead');
    expect(printed.trimEnd()).toBe(expected.trimEnd());
  });

  it('none is imported for what it does alone', () => {
    const effects = ['sdk', 'devices', 'machines']
      .flatMap(sourceFiles)
      .flatMap(({ path, code }) => [...code.matchAll(/^\s*import\s*['"].*$/gm)].map(([line]) => `${path}: ${line}`));
    expect(effects).toEqual([]);
  });
});
