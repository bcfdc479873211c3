/**
 * Makes this process believe that its host is eight times faster: the host's clock goes at an eighth of its speed.
 * A test that counts on what a guest does in so much host time fails here.
 * `NODE_OPTIONS=--import=$PWD/test/fast-host.mjs npx vitest run test/machine`
 */
const now = performance.now.bind(performance);
performance.now = () => now() / 8;
