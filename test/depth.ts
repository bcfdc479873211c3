/** Whether tests that only repeat themselves do so as often as they ought to: in .ci/run. `npm test` has less patience. */
export const isThorough = process.env['BACKPLANE_THOROUGH'] === '1';

/** How often a test does the same, with other random numbers. */
export const times = (usual: number, thorough: number): number => (isThorough ? thorough : usual);
