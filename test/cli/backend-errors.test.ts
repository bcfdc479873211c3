import { expect, it } from 'vitest';
import { noteBackendErrors } from '../../sdk/cli/run-output.ts';

it('tells each kind of failure of a back end once, and that it happens again', () => {
  const noted: string[] = [];
  const failed = noteBackendErrors({ note: (text) => void noted.push(text) });
  for (let count = 1; count < 1000; count++) failed('d0', `'disk.img' has ${count} bytes now.`);
  failed('d1', "'disk.img' has 1 bytes now.");
  failed('d0', 'the disk is full');
  expect(noted).toEqual([
    "back end 'd0': 'disk.img' has 1 bytes now.",
    "back end 'd0': that happens again, and is not told any more.",
    "back end 'd1': 'disk.img' has 1 bytes now.",
    "back end 'd0': the disk is full",
  ]);
});

it('tells at most twenty kinds of one back end', () => {
  const noted: string[] = [];
  const failed = noteBackendErrors({ note: (text) => void noted.push(text) });
  for (let length = 1; length < 100; length++) failed('c0', 'x'.repeat(length));
  expect(noted).toHaveLength(20);
});
