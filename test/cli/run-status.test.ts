import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { unfinished } from '../../sdk/cli/commands/run.ts';
import { backplane, expectRefused } from './fake-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-status-'));
afterAll(() => rmSync(folder, { recursive: true }));

function guest(name: string, steps: string): string {
  const path = join(folder, `${name}.ts`);
  const text = `import { guestProgram } from 'backplane/runtime';\nexport default guestProgram('${name}', function* (guest) {\n${steps}\n});\n`;
  writeFileSync(path, text);
  return path;
}

/** A device whose timer expires a thousand times a second, whatever the guest does. */
function ticker(): string {
  const path = join(folder, 'ticker.ts');
  writeFileSync(
    path,
    `import { device, inject, IsaDevice, MILLISECOND, VirtualClock } from 'backplane';
     @device({ type: 'ticker', description: 'Ticks' })
     export class Ticker extends IsaDevice {
       constructor(@inject(VirtualClock) clock: VirtualClock) {
         super();
         const tick = clock.timer('tick', () => tick.arm(clock.now + MILLISECOND));
         tick.arm(MILLISECOND);
       }
     }`,
  );
  return path;
}

const spin = guest('spin', 'for (;;) yield* guest.in8(0x71);');
const sleep = guest('sleep', 'yield* guest.cli();\nyield* guest.hlt();');
const end = guest('end', 'yield* guest.in8(0x71);');

describe('the status of backplane run', () => {
  it('is 0 when the guest has finished', async () => {
    expect(await backplane('run', end, '-machine', 'isapc')).toMatchObject({ status: 0, noted: '' });
  });

  it('is the one that the guest gives to isa-debug-exit', async () => {
    const exit = guest('exit', 'yield* guest.out8(0x501, 0x10);\nfor (;;) yield* guest.in8(0x71);');
    const words = ['run', exit, '-machine', 'isapc', '-device', 'isa-debug-exit'];
    const { status, noted, printed } = await backplane(...words);
    expect({ status, noted }).toEqual({ status: 33, noted: '' });
    expect(printed).toContain('The guest has ended the run with status 33.');
  });

  it('is 0 at a limit that the user gave', async () => {
    const { status, noted, printed } = await backplane('run', spin, '-machine', 'isapc', '-limit', '1000');
    expect({ status, noted }).toEqual({ status: 0, noted: '' });
    expect(printed).toContain('1000 operations');
    expect(printed).toContain('stopped at its operation limit');
  });

  it('is 2 when too many timers expire while it waits, and the limit for that is an option', async () => {
    const slow = guest('slow', 'yield* guest.pause(1e9);');
    const words = ['run', slow, '-machine', 'isapc', '-plugin', ticker(), '-device', 'ticker'];
    const { status, noted } = await backplane(...words, '-timer-limit', '100');
    expect(status).toBe(2);
    expect(noted).toMatch(/100 timers.*-timer-limit/);
    expect((await backplane(...words, '-timer-limit', '10000')).status).toBe(0);
    const refused = await backplane('run', slow, '-timer-limit', '0');
    expectRefused(refused, 'invalid-number', '-timer-limit 0');
  });

  it('is that of the guest whatever clock its time follows, and another clock is refused', async () => {
    const short = guest('short', 'yield* guest.pause(2e6);\nyield* guest.in8(0x71);');
    const runs = ['virtual', 'host'].map((clock) => backplane('run', short, '-machine', 'isapc', '-clock', clock));
    const [virtual, host] = await Promise.all(runs);
    expect(host).toEqual(virtual);
    expect(virtual).toMatchObject({ status: 0, noted: '' });
    expectRefused(await backplane('run', short, '-clock', 'hots'), 'unknown-clock', "Did you mean 'host'?");
  });

  it('says how much guest time has passed to the nanosecond, beyond 2^53 of them too', async () => {
    const long = guest(
      'long',
      'for (let day = 0; day < 400; day += 40) yield* guest.pause(40 * 86400e9 + 1);\nyield* guest.in8(0x71);',
    );
    const passed = 400n * 86_400_000_000_000n + 10n + 3410n;
    const { printed } = await backplane('run', long, '-machine', 'isapc', '--trace');
    expect(printed).toContain(`${passed / 1000n}.${passed % 1000n} us  in8 at 0x71`);
    expect(printed).toContain(`11 operations in ${passed / 1000n}.${passed % 1000n} us of guest time`);
    const data = await backplane('run', long, '-machine', 'isapc', '--json');
    expect(JSON.parse(data.printed)).toMatchObject({ guestTime: String(passed) });
    const short = await backplane('run', end, '-machine', 'isapc', '--json');
    expect(JSON.parse(short.printed)).toMatchObject({ guestTime: 3410 });
  });

  it('is 2 when the guest sleeps for ever; the counts are printed all the same', async () => {
    const { status, noted, printed, code } = await backplane('run', sleep, '-machine', 'isapc');
    expect(status).toBe(2);
    expect({ noted, code }).toEqual({
      noted: expect.stringMatching(/^backplane: .*HLT at /),
      code: 'guest-not-finished',
    });
    expect(printed).toContain('2 operations');
    const data = await backplane('run', sleep, '-machine', 'isapc', '--json');
    expect(data.status).toBe(2);
    expect(JSON.parse(data.printed)).toMatchObject({ outcome: { reason: 'halted' } });
  });

  it.each([
    ['finished', 5, undefined, undefined],
    ['reset', 5, undefined, undefined],
    ['paused', 5, undefined, undefined],
    ['operation-limit', 5, 5, undefined],
    ['operation-limit', 5, 6, /Why\.$/],
    ['operation-limit', 100_000_000, undefined, /Why\. .*-limit/],
    ['halted', 5, 5, /Why\.$/],
    ['shutdown', 5, undefined, /Why\.$/],
  ] as const)('%s after %d operations, with limit %s: %s', (reason, operations, limit, message) => {
    const said = unfinished({ reason, operations, message: 'Why.' }, limit);
    if (message === undefined) expect(said).toBeUndefined();
    else expect(said).toMatch(message);
  });
});
