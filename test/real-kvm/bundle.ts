import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { PlantedFault } from './random/faults.ts';

export const Root = fileURLToPath(new URL('../../', import.meta.url));

export interface BuiltFile {
  /** From the top of the checkout: `test/real-kvm/vectors.js`. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Packages that are files in the machine, or that no script there needs. */
const External = ['koffi', '@koromix/*', 'esbuild', '@observablehq/plot', 'vitest', 'tsx', 'tsx/*', 'playwright-core'];

/**
 * Makes few large files of the checkout's sources: an emulated Node starts much faster on them. They share what several scripts
 * import. `import.meta.url` stays that of the source, below the folder that the machine has the checkout in.
 */
export async function bundle(
  scripts: readonly string[],
  checkout: string,
  planted?: PlantedFault | undefined,
): Promise<BuiltFile[]> {
  const { outputFiles } = await build({
    absWorkingDir: Root,
    entryPoints: scripts.map((script) => relative(Root, join(Root, script))),
    outdir: Root,
    outbase: Root,
    write: false,
    bundle: true,
    splitting: true,
    chunkNames: 'build/[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    charset: 'utf8',
    logLevel: 'silent',
    external: External,
    // CommonJS packages that are bundled ask for Node's own modules by require().
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true, useDefineForClassFields: true } },
    plugins: [
      {
        name: 'place-of-sources',
        setup(builder) {
          builder.onLoad({ filter: /\.ts$/ }, ({ path }) => {
            const file = relative(Root, path);
            const source = withFault(file, readFileSync(path, 'utf8'), planted);
            const url = pathToFileURL(join(checkout, file)).href;
            return { contents: source.replaceAll('import.meta.url', JSON.stringify(url)), loader: 'ts' };
          });
        },
      },
    ],
  });
  return outputFiles.map(({ path, contents }) => ({ path: relative(Root, path), bytes: contents }));
}

function withFault(file: string, source: string, planted: PlantedFault | undefined): string {
  if (planted?.file !== file) return source;
  if (source.split(planted.text).length !== 2) throw new Error(`${file} does not have '${planted.text}' once`);
  return source.replace(planted.text, () => planted.replacement);
}
