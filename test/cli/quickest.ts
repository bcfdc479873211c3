/** The quickest of five runs, in seconds: what a program costs, without what else the host was doing. */
export function quickest(start: () => void): number {
  const times = Array.from({ length: 5 }, () => {
    const begin = process.hrtime.bigint();
    start();
    return Number(process.hrtime.bigint() - begin) / 1e9;
  });
  return Math.min(...times);
}
