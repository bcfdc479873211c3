import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

export const Root = fileURLToPath(new URL('../../', import.meta.url));

/** The source of a device's file, as it stands in the tree. */
export const sourceOf = (file: string): string => readFileSync(join(Root, file), 'utf8');

/** Of the SDK, and damaged with the device: the base classes of virtio devices do most of what a driver sees. */
const OfDevices = /^sdk\/(virtio\.ts|bus\/virtio\/)/;

/**
 * Compiles a device into one file outside the tree, with one of its sources replaced. The rest of the SDK stays where it is, so
 * that every copy shares it.
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
          builder.onResolve({ filter: /^\..*\.ts$/ }, ({ path, importer }) => {
            const file = resolve(dirname(importer), path);
            const name = relative(Root, file);
            const isShared = importer !== '' && name.startsWith('sdk/') && !OfDevices.test(name);
            return isShared ? { path: pathToFileURL(file).href, external: true } : undefined;
          });
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
