/** What this file is part of: `.ts` sources in a checkout, or `.js` that the build put under `dist/`. */
export const moduleExtension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** The folder that holds sdk/, devices/ and machines/, in the form that is running. */
export const moduleRoot = new URL('../../', import.meta.url);

/** The folder of package.json. */
export const packageRoot = moduleExtension === 'ts' ? moduleRoot : new URL('../', moduleRoot);
