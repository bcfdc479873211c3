import { al, assemble, byte, ecx, edi, esp, word } from '../../../sdk/assembler.ts';

const Multiboot = { magic: 0x1bad_b002, withAddresses: 0x1_0000 } as const;
const Load = 0x20_0000;
const Screen = 0xb_8000;
/** White on blue. */
const Attribute = 0x1f00;
const Keyboard = { data: 0x60, status: 0x64 } as const;
/** A command that the controller of the keyboard does not have. */
export const NoCommand = 0xa0;
/** Begins in the second row. */
const Keys = Screen + 160;

/**
 * A kernel that fills the first row of the screen with its title, and then shows the code of each key that is pressed or released: as
 * the character of that code, white on blue. A code of 0x01, which Escape has, makes it halt for ever.
 */
export const screenKernel = (title: string): Uint8Array =>
  assemble({ origin: Load, bits: 32 }, (a) => {
    const { magic, withAddresses } = Multiboot;
    a.label('header');
    a.dd(magic, withAddresses, -(magic + withAddresses) >>> 0, 'header', Load, 0, 0, 'entry');
    a.label('entry');
    a.mov(esp, Load - 16);
    for (const [at, character] of [...title].entries()) {
      a.mov(word(Screen + 2 * at), Attribute | character.charCodeAt(0));
    }
    a.mov(al, NoCommand);
    a.out(Keyboard.status, al);
    // Translation to set 1 with its interrupts off.
    a.mov(al, 0x60);
    a.out(Keyboard.status, al);
    a.mov(al, 0x44);
    a.out(Keyboard.data, al);
    a.mov(edi, Keys);
    a.label('wait');
    a.mov(ecx, 1000);
    a.label('spin');
    a.loop('spin');
    a.in(al, Keyboard.status);
    a.test(al, 1);
    a.jz('wait');
    a.in(al, Keyboard.data);
    a.cmp(al, 0x01);
    a.jz('end');
    a.mov(byte(edi), al);
    a.mov(byte({ base: edi, offset: 1 }), Attribute >> 8);
    a.add(edi, 2);
    a.jmp('wait');
    a.label('end');
    a.cli();
    a.hlt();
    a.jmp('end');
  }).bytes;
