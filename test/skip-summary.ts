import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';
import './needs.ts';

/** A test as the summary sees it. */
export interface SeenTest {
  readonly isSkipped: boolean;
  readonly tags: readonly string[];
  /** What `needs()` gave as the reason. */
  readonly reason: string | undefined;
}

export interface SkipRules {
  /** The `--tags-filter` of the command; empty: there is none. */
  readonly filter: string;
  readonly descriptions: Readonly<Record<string, string>>;
  /** REQUIRE_ALL_TESTS: what no tag leaves out has to run. */
  readonly isStrict: boolean;
}

const WithoutReason = 'no reason is given: use needs() of test/needs.ts';

/** How many of how many tests were skipped, by reason; and how many of those had to run. */
export function summarizeSkips(tests: readonly SeenTest[], rules: SkipRules): { text: string; missing: number } {
  const counts = new Map<string, number>();
  let missing = 0;
  for (const test of tests) {
    if (!test.isSkipped) continue;
    const leftOut = leftOutBy(test, rules);
    if (leftOut === undefined) missing++;
    const reason = leftOut ?? test.reason ?? WithoutReason;
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  const skipped = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const rows = [...counts].sort(([, a], [, b]) => b - a);
  const lines = [
    `Skipped ${grouped(skipped)} of ${grouped(tests.length)} tests${rows.length > 0 ? ':' : '.'}`,
    ...rows.map(([reason, count]) => `${grouped(count).padStart(7)}  ${reason}`),
  ];
  if (rules.isStrict && missing > 0) lines.push(`REQUIRE_ALL_TESTS is set, and ${missing} of them had to run.`);
  return { text: lines.join('\n'), missing: rules.isStrict ? missing : 0 };
}

/** What is said of a test that the tags of the command leave out. */
function leftOutBy({ tags, reason }: SeenTest, { filter, descriptions }: SkipRules): string | undefined {
  if (filter === '') return undefined;
  const tag = tags.find((name) => filter.split(/[^\w-]+/).includes(name));
  if (tag !== undefined) return `left out by the tag '${tag}': ${descriptions[tag] ?? ''}`.trim();
  return reason === undefined ? `left out by the tags of '${filter}'` : undefined;
}

const grouped = (count: number): string => count.toLocaleString('en-US');

/** Prints the summary at the end of a run. A pattern of names skips what the user does not want to see: then there is none. */
export default class SkipSummary implements Reporter {
  private vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const { vitest } = this;
    if (vitest === undefined || vitest.config.testNamePattern !== undefined) return;
    const tests = modules.flatMap((module) => [...module.children.allTests()].map(seen));
    const { text, missing } = summarizeSkips(tests, {
      filter: (vitest.config.tagsFilter ?? []).join(' and '),
      descriptions: Object.fromEntries(vitest.config.tags.map(({ name, description = '' }) => [name, description])),
      isStrict: (process.env['REQUIRE_ALL_TESTS'] ?? '') !== '',
    });
    vitest.logger.log(text);
    if (missing > 0) process.exitCode = 1;
  }
}

const seen = (test: TestCase): SeenTest => ({
  isSkipped: test.result().state === 'skipped',
  tags: test.tags,
  reason: test.meta().skipped,
});
