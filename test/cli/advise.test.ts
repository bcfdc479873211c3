// @module-tag slow
import { describe, expect, it } from 'vitest';
import type { Advice, Suggestion } from '../../sdk/analysis/advisor/suggestion.ts';
import { backplane, expectRefused, type Spoken } from './fake-terminal.ts';

/** Several tests look at what one command says: to find advice takes a second. */
function backplaneOnce(...words: string[]): () => Promise<Spoken> {
  let said: Promise<Spoken> | undefined;
  return () => {
    said ??= backplane(...words);
    return said;
  };
}

describe('backplane advise', () => {
  const onIsapc = backplaneOnce('advise', 'seabios-pc-tcg', '-machine', 'isapc', '--top', '3', '--check');
  const onPc = backplaneOnce('advise', 'seabios-pc-tcg', '--check', '--json');

  it('prints a table, what to paste, and how it was found', async () => {
    const { status, printed, noted } = await onIsapc();
    expect({ status, noted }).toEqual({ status: 0, noted: '' });
    expect(printed).toContain('4,481 userspace exits, 36,861 writes coalesced already.');
    expect(printed).toMatch(
      / 2 {2}port 0x402 {2}SeaBIOS's debug console +711 +15\.87 % +3,770 +0\.683 ms +0\.234 ms +may wait, on a PC/,
    );
    expect(printed).toContain('@addCoalescedIo(ports, { offset: 0x0, size: 1 })');
    expect(printed).toContain('(12 more)');
    expect(printed).toContain('How this was found.');
  });

  it('runs a device that the machine has, and prints the shortest script that differs', async () => {
    const { printed } = await onPc();
    const { coalesce } = JSON.parse(printed) as Advice;
    const data = coalesce.find(({ start, isPort }) => isPort && start === 0x71)!;
    expect(data).toMatchObject({ verdict: 'differs', device: 'rtc', declaration: '', check: { scripts: 20, seed: 1 } });
    expect(data.check?.difference?.script).toMatch(/guest\.out8\(0x71, /);
    expect(printed).not.toMatch(/prove/i);
  });

  it('carries the first suggestions out when told to, and they hold', async () => {
    const { printed } = await onIsapc();
    const checks = printed.slice(printed.indexOf('Carried out and replayed'));
    expect(checks.match(/as predicted/g)).toHaveLength(3);
    expect(checks).not.toContain('DIFFERS');
    expect(checks).toMatch(/port 0x402 +3,770 +3,770/);
  });

  it('is one JSON value when that is asked for', async () => {
    const { printed } = await onPc();
    const advice = JSON.parse(printed) as Advice & { checked: (Suggestion & { replayedExits: number })[] };
    expect(advice.today).toMatchObject({ userspaceExits: 4_098, kicks: 0 });
    expect(advice.coalesce.find(({ start }) => start === 0x402)).toMatchObject({ saved: 711, verdict: 'waits' });
    expect(Object.keys(advice)).toEqual([
      'recording',
      'machine',
      'accesses',
      'today',
      'coalesce',
      'ioeventfds',
      'untried',
      'unreachable',
      'checked',
    ]);
    const { printed: help } = await backplane('advise', '--help');
    const ran = advice.coalesce.find(({ check }) => check?.difference !== undefined)!;
    const names = [advice, advice.today, ran, ran.check!, ran.check!.difference!].flatMap((one) => Object.keys(one));
    for (const name of [
      ...names,
      'refused',
      'unseen',
      'same',
      'differs',
      'waits',
      'unsound',
      'not modelled',
      'not checked',
    ]) {
      expect(help).toMatch(new RegExp(`\\b${name}\\b`));
    }
    expect(advice.checked.map(({ prediction, replayedExits }) => replayedExits - prediction.userspaceExits)).toEqual([
      0, 0, 0,
    ]);
  });

  it.each([
    [[], 'missing-operand', 'backplane advise linux61-boot-rtc'],
    [['a', 'b'], 'too-many-operands', "'b'"],
    [['seabios-pc-tcg', '--top', '0'], 'invalid-number', '-top 0'],
    [['seabios-pc-tcg', '--top', 'x'], 'invalid-number', '-top x'],
    [['nowhere'], 'unknown-recording', "'nowhere'"],
    [['seabios-pc-tcg', '-accel', 'kvm-sim'], 'unknown-argument', "'-accel'"],
  ])('refuses %j', async (words, code, named) => {
    expectRefused(await backplane('advise', ...words), code, named);
  });
});
