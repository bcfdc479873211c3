import { BlockBackend, CharBackend, ringBuffer } from 'backplane/backend';
import { expect, it } from 'vitest';
import { defineOptions, type OptionsOf, option, use } from '../../sdk/index.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { Disk, Line } from '../backend/uart.ts';
import { expectRefusal } from '../refusal.ts';

const both = defineOptions({
  chardev: option.backend(CharBackend, { description: 'its characters' }),
  drive: option.backend(BlockBackend, { description: 'its image' }),
});

it('gives a constructor an object for each back end, and takes an id', () => {
  const given: OptionsOf<typeof both> = both.resolve({ chardev: 'c0' });
  const { chardev, drive }: { chardev: CharBackend; drive: BlockBackend } = given;
  expect([chardev.id, chardev.isChosen, chardev.write(1), drive.size]).toEqual(['c0', false, true, 0]);
  // @ts-expect-error: characters are no blocks
  expect(() => given.chardev.flush()).toThrow();
  use(Line, { options: { chardev: 'c0' } });
  // @ts-expect-error: an id, and no back end
  use(Line, { options: { chardev: ringBuffer({ id: 'c0' }) } });
  // @ts-expect-error: no such option
  use(Line, { options: { chardve: 'c0' } });
});

it('takes the class of a back end first', () => {
  // @ts-expect-error: the class is missing
  expectRefusal(() => option.backend({ description: 'x' }), 'invalid-option-declaration', 'CharBackend');
  // @ts-expect-error: a text is no class
  expectRefusal(() => option.backend('char', { description: 'x' }), 'invalid-option-declaration');
});

it('knows what each back end of a bench can do', () => {
  const line = testBench(Line).backend('chardev');
  line.type('x');
  // @ts-expect-error: characters never fail
  expect(() => line.failNext('no-space')).toThrow();
  const drive = testBench(Disk, { images: { drive: 512 } }).backend('drive');
  drive.failNext('no-space');
  // @ts-expect-error: no such failure
  drive.failNext('on-fire');
  // @ts-expect-error: an image has no keyboard
  expect(() => drive.type('x')).toThrow();
});
