import { readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

export const Root = fileURLToPath(new URL('../../', import.meta.url));

/** The source of a device's file, as it stands in the tree. */
export const sourceOf = (file: string): string => readFileSync(join(Root, file), 'utf8');

/**
 * Compiles a device into one file outside the tree, with one of its sources replaced. The SDK stays where it is, so that
 * every copy shares it.
 */
export async function bundleDevice(
  entry: string,
  target: string,
  replaced: { readonly file: string; readonly text: string } | undefined,
): Promise<void> {
  await build({
    absWorkingDir: Root,
    entryPoints: [entry],
    outfile: target,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    logLevel: 'silent',
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true, useDefineForClassFields: true } },
    plugins: [
      {
        name: 'mutant',
        setup(builder) {
          builder.onResolve({ filter: /\/sdk\/[a-z0-9]+\.ts$/ }, ({ path }) => ({
            path: pathToFileURL(join(Root, 'sdk', basename(path))).href,
            external: true,
          }));
          builder.onLoad({ filter: /\.ts$/ }, ({ path }) =>
            replaced !== undefined && path === resolve(Root, replaced.file)
              ? { contents: replaced.text, loader: 'ts' }
              : undefined,
          );
        },
      },
    ],
  });
}
