// test-report.mjs counts|failures|names|slowest FILE: what the JSON report of a run of Vitest says, for .ci/run.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const [what, file] = process.argv.slice(2);
const report = JSON.parse(readFileSync(file, 'utf8'));
const files = report.testResults.map((result) => ({ ...result, name: relative(process.cwd(), result.name) }));

/** Failed tests, and files that failed outside of a test: they do not load, or a hook of theirs throws. */
const failures = files.flatMap(({ name, status, message, assertionResults }) => {
  const tests = assertionResults.filter((test) => test.status === 'failed');
  if (tests.length === 0) return status === 'failed' ? [{ name, message }] : [];
  return tests.map((test) => ({
    name: `${name} > ${[...test.ancestorTitles, test.title].filter(Boolean).join(' > ')}`,
    message: test.failureMessages.join('\n'),
  }));
});

const beginning = (message) =>
  message
    .split('\n')
    .filter((line) => !line.includes('/node_modules/'))
    .slice(0, 8)
    .map((line) => `    ${line.slice(0, 300)}`)
    .join('\n');

const seconds = ({ startTime, endTime }) => (endTime - startTime) / 1000;

const printers = {
  counts: () => [`${report.numPassedTests} ${report.numFailedTests} ${report.numPendingTests}`],
  names: () => failures.map(({ name }) => name),
  failures: () => failures.map(({ name, message }) => `${name}\n${beginning(message || 'fails outside of its tests')}`),
  slowest: () =>
    files
      .sort((a, b) => seconds(b) - seconds(a))
      .slice(0, 10)
      .map((result) => `${seconds(result).toFixed(1).padStart(6)} s  ${result.name}`),
};

for (const line of printers[what]()) console.log(line);
