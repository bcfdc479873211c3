/** What a check does; it throws what is wrong. */
type Check = () => void | Promise<void>;

/** Runs checks one after the other, prints a line of each, and sets the status of the process. */
export async function runChecks(what: string, checks: Readonly<Record<string, Check>>): Promise<void> {
  const all = Object.entries(checks);
  let failed = 0;
  for (const [name, check] of all) {
    try {
      await check();
      console.log(`ok ${name}`);
    } catch (error) {
      failed++;
      console.log(`FAILED ${name}: ${(error as Error).stack}`);
    }
  }
  console.log(`${all.length - failed} of ${all.length} checks of ${what} pass`);
  process.exitCode = failed === 0 ? 0 : 1;
}
