import { describe, expect, it } from 'vitest';
import {
  type Assembler,
  al,
  ax,
  byte,
  cr0,
  cr3,
  cr4,
  ds,
  dword,
  dx,
  eax,
  ebx,
  ecx,
  edi,
  edx,
  esi,
  esp,
} from '../../../sdk/assembler.ts';
import { isThorough, times } from '../../depth.ts';
import { needs, whyNoX86 } from '../../needs.ts';
import {
  Place,
  putCard,
  putEnd,
  putTables,
  Ram,
  type Ran,
  rom,
  runCode,
  runHostile,
  Selector,
  type Source,
} from './hostile-code.ts';

/** It ended as an operating system may end, and took nothing of the host. */
function expectSound({ failure, outcome, hasSameMemory, machine }: Ran): void {
  expect(hasSameMemory).toBe(true);
  expect(outcome === undefined).toBe(failure !== undefined);
  // The next guest of this machine is served as if there had been none.
  machine.reset();
  machine.dispose();
}

const jumpTo =
  (address: number): Source =>
  (a) => {
    a.mov(eax, address);
    a.jmp(eax);
  };

/** Paging with pages of 4 MiB, one to one for the first of them. */
function putPaging(a: Assembler): void {
  a.mov(dword(Place.pages), 0x83);
  a.mov(eax, Place.pages);
  a.mov(cr3, eax);
  a.mov(eax, 0x10);
  a.mov(cr4, eax);
  a.mov(eax, 0x8000_0011);
  a.mov(cr0, eax);
}

/** The card copies bytes of RAM into its buffer, or the other way, and the guest waits until it has. */
function putTransfer(a: Assembler, from: number, to: number, count: number, command: number): void {
  const again = a.localLabel('transfer');
  for (const [register, value] of [
    [0x80, from],
    [0x88, to],
    [0x90, count],
    [0x98, command],
  ] as const) {
    a.mov(dword(Place.edu + register), value);
  }
  a.label(again);
  a.test(dword(Place.edu + 0x98), 1);
  a.jnz(again);
}

const CardBuffer = 0x4_0000;

describe('machine code that keeps no rule, on a pc with all chips', needs('host', whyNoX86()), () => {
  it.each<[name: string, source: Source, message: RegExp]>([
    [
      'an exception without an interrupt table',
      (a) => a.ud2(),
      /shuts down: its interrupt table, stack or task has no/,
    ],
    ['a breakpoint without one', (a) => a.int3(), /shuts down/],
    [
      'an interrupt table in no memory',
      (a) => {
        a.lidt('idtr');
        a.int(0x40);
        a.label('idtr');
        a.dw(0x7ff);
        a.dd(0x4000_0000);
      },
      /shuts down/,
    ],
    [
      'an interrupt table in the registers of a card',
      (a) => {
        putCard(a);
        a.lidt('idtr');
        a.int(0x40);
        a.label('idtr');
        a.dw(0x7ff);
        a.dd(Place.edu);
      },
      /shuts down/,
    ],
    [
      'a segment behind the end of its table',
      (a) => {
        a.lgdt('gdtr');
        a.mov(eax, 0x18);
        a.mov(ds, ax);
        a.label('gdtr');
        a.dw(7);
        a.dd(Place.free);
      },
      /shuts down/,
    ],
    [
      'a fault that faults for ever',
      (a) => {
        a.lidt('idtr');
        putPaging(a);
        a.mov(eax, dword(0x80_0000));
        a.label('idtr');
        a.dw(0x7ff);
        a.dd(0x4000_0000);
      },
      /shuts down: delivering a fault faults again/,
    ],
    [
      'a page fault handler on no page, when its stack ends',
      (a) => {
        putTables(a, 32, { 14: 0x4000_5000 });
        putPaging(a);
        a.mov(eax, dword(0x80_0000));
        a.label('handler');
        a.jmp('handler');
      },
      /shuts down/,
    ],
    [
      'page tables that its own card has overwritten',
      (a) => {
        putCard(a);
        putPaging(a);
        // The card's registers are on no page, so this is the last thing that it does with them.
        a.mov(dword(Place.pages + 4 * (Place.edu >>> 22)), Place.edu + 0x83);
        putTransfer(a, CardBuffer, Place.pages, 0x1000, 3);
        a.mov(eax, cr3);
        a.mov(cr3, eax);
        putEnd(a);
      },
      /shuts down/,
    ],
  ])('is shut down by %s', async (_, source, message) => {
    const ran = await runHostile(source, 1_000_000);
    expect(ran.outcome).toMatchObject({ reason: 'shutdown', message: expect.stringMatching(message) });
    expectSound(ran);
  });

  it.each<[name: string, address: number]>([
    ['the registers of a card', Place.edu],
    ['the window of VGA', 0xa_0000],
    ['where no device is', 0xfed0_0000],
    ['where a local APIC would be', 0xfee0_0000],
    ['behind its RAM', Ram],
    ['below the ROM, in the bytes of the processor itself', 0xfffb_0000],
  ])('is stopped where it executes from %s', async (_, address) => {
    const ran = await runHostile((a) => {
      putCard(a);
      jumpTo(address)(a);
    });
    expect(ran.failure).toMatchObject({ code: 'code-outside-memory' });
    expect(ran.failure?.message).toMatch(/: the guest executes from 0x[0-9a-f]+, where neither its RAM nor the ROM/);
    expectSound(ran);
  });

  it.each<[name: string, source: Source]>([
    [
      'a loop',
      (a) => {
        a.label('loop');
        a.jmp('loop');
      },
    ],
    ['RAM that is all zeros', jumpTo(Place.free)],
    [
      'a loop that writes itself anew',
      (a) => {
        a.label('loop');
        a.inc(dword('loop.value'));
        a.db(0xb8);
        a.label('loop.value');
        a.dd(0);
        a.jmp('loop');
      },
    ],
    [
      'handlers that raise the next exception themselves',
      (a) => {
        putTables(a, 32);
        a.label('handler');
        a.mov(esp, Place.stack);
        a.ud2();
      },
    ],
    [
      'a timer that interrupts whenever it may',
      (a) => {
        putTables(a, 0x28);
        for (const [port, value] of [
          ...([
            [0x20, 0x11],
            [0x21, 0x20],
            [0x21, 4],
            [0x21, 1],
            [0x21, 0xfe],
          ] as const),
          ...([
            [0x43, 0x34],
            [0x40, 2],
            [0x40, 0],
          ] as const),
        ]) {
          a.mov(al, value);
          a.out(port, al);
        }
        a.sti();
        a.label('loop');
        a.inc(ecx);
        a.jmp('loop');
        a.label('handler');
        a.mov(al, 0x20);
        a.out(0x20, al);
        a.iretd();
      },
    ],
    [
      'a level that no handler takes away',
      (a) => {
        putCard(a);
        putTables(a, 0x30);
        const out = (port: number, value: number) => {
          a.mov(dx, port);
          a.mov(al, value);
          a.out(dx, al);
        };
        for (const [base, vector, cascade] of [
          [0x20, 0x20, 4],
          [0xa0, 0x28, 2],
        ] as const) {
          out(base, 0x11);
          for (const value of [vector, cascade, 1, 0]) out(base + 1, value);
        }
        out(0x4d0, 0xf8);
        out(0x4d1, 0xde);
        // PIRQA to PIRQD of PIIX3 to IRQ 11.
        out(0xcf8, 0x60);
        a.mov(dx, 0xcf8);
        a.mov(eax, 0x8000_0860);
        a.out(dx, eax);
        a.mov(dx, 0xcfc);
        a.mov(eax, 0x0b0b_0b0b);
        a.out(dx, eax);
        a.mov(dword(Place.edu + 0x60), 1);
        a.sti();
        a.label('loop');
        a.jmp('loop');
        a.label('handler');
        a.mov(al, 0x20);
        a.out(0xa0, al);
        a.out(0x20, al);
        a.iretd();
      },
    ],
    [
      'HLT with interrupts enabled, and a tick each time',
      (a) => {
        putTables(a, 0x28);
        for (const [port, value] of [
          [0x20, 0x11],
          [0x21, 0x20],
          [0x21, 4],
          [0x21, 1],
          [0x21, 0xfe],
        ] as const) {
          a.mov(al, value);
          a.out(port, al);
        }
        for (const [port, value] of [
          [0x43, 0x34],
          [0x40, 0],
          [0x40, 1],
        ] as const) {
          a.mov(al, value);
          a.out(port, al);
        }
        a.label('loop');
        a.sti();
        a.hlt();
        a.jmp('loop');
        a.label('handler');
        a.mov(al, 0x20);
        a.out(0x20, al);
        a.iretd();
      },
    ],
  ])('comes to its limit with %s', async (_, source) => {
    const ran = await runHostile(source, 60_000);
    expect(ran.outcome).toMatchObject({ reason: 'operation-limit', operations: 60_000 });
    expectSound(ran);
  });

  it.each<[name: string, source: Source, message: RegExp]>([
    [
      'a task that is none',
      (a) => {
        a.lgdt('gdtr');
        a.mov(eax, 8);
        a.ltr(ax);
        a.label('gdtr');
        a.dw(0xffff);
        a.dd(0xfed0_0000);
      },
      /cannot execute '0f 00 d8 [^']*': #GP/,
    ],
  ])('is stopped with the bytes of its instruction at %s', async (_, source, message) => {
    const ran = await runHostile(source);
    expect(ran.failure).toMatchObject({ code: 'instruction-not-executed', message: expect.stringMatching(message) });
    expectSound(ran);
  });

  const others = ['insd', 'outsb', 'movsb', 'stosd', 'lodsb', 'lodsd'] as const;
  const strings = ['insb', 'outsd', 'movsd', 'stosb', ...(isThorough ? others : [])] as const;
  /** An instruction is counted for up to 1,024 of their elements. */
  const stringLimit = times(12, 200);
  it.each([
    ['RAM', Place.free],
    ['the window of VGA', 0xa_0000],
    ['the shadow of the ROM', 0xf_0000],
    ['the ROM', 0xffff_0000],
    ['a card', Place.edu],
    ['no device', 0xfed0_0000],
  ] as const)('comes to its limit in strings of 4,294,967,295 elements from and to %s', async (_, address) => {
    for (const string of strings) {
      const ran = await runHostile(
        (a) => {
          putCard(a);
          a.mov(ecx, 0xffff_ffff);
          a.mov(edi, address);
          a.mov(esi, address);
          a.mov(edx, 0x71);
          a.cld();
          a.rep(string);
          putEnd(a);
        },
        { operationLimit: stringLimit, accessLimit: Infinity },
      );
      expect([string, ran.outcome?.reason, ran.outcome?.operations]).toEqual([string, 'operation-limit', stringLimit]);
      expect(ran.machine.memory.read(0xffff_0000, 4)).toBe(0x150e_0700);
      expectSound(ran);
    }
  });

  it.each([
    ['a text', new TextEncoder().encode('This is no firmware at all. '.repeat(3000).slice(-0x1_0000))],
    ['erased flash', new Uint8Array(0x1_0000).fill(0xff)],
    ['zeros', new Uint8Array(0x1_0000)],
    ['one byte', Uint8Array.of(0xf4)],
  ])('comes to its limit with a firmware that is %s', async (_, firmware) => {
    const ran = await runCode({ name: 'firmware', pieces: [], start: 'reset' }, 50_000, firmware);
    expect(ran.outcome).toMatchObject({ reason: 'operation-limit', operations: 50_000 });
    expectSound(ran);
  });

  it('leaves the ROM as it is, and learns the first address that it has written over', async () => {
    const ran = await runHostile((a) => {
      a.mov(byte(0xf_1234), 0x55);
      a.mov(dword(0xf_5678), 0x5555_5555);
      a.mov(dword(0xffff_fff0), 0x5555_5555);
      // The guest sees its own bytes until somebody compares: the processor protects nothing.
      a.mov(al, byte(0xf_1234));
      a.out(0x80, al);
      putEnd(a);
    });
    expect(ran.outcome).toMatchObject({ reason: 'halted' });
    ran.machine.save();
    expect(ran.guestErrors).toEqual([
      "pc.bios: write to offset 0x3fff0 (4 bytes) of region 'pc.bios': it is read-only",
      expect.stringMatching(/^processor: machine code has written to read-only memory, first at 0xf1234: /),
    ]);
    expect(ran.machine.memory.read(0xffff_fff0, 1)).toBe(rom[0xfff0]);
    expect(ran.machine.memory.read(0xf_1234, 1)).toBe(rom[0x1234]);
    expectSound(ran);
  });

  it('gets 100,000 exceptions from what a card answers', async () => {
    const ran = await runHostile((a) => {
      putCard(a);
      putTables(a, 32);
      a.label('again');
      a.div(dword(Place.edu + 0x24));
      a.label('handler');
      a.inc(ebx);
      a.cmp(ebx, 100_000);
      a.jz('end');
      a.iretd();
      a.label('end');
      a.mov(dword(Place.free), ebx);
      putEnd(a);
    }, 1_000_000);
    expect(ran.outcome).toMatchObject({ reason: 'halted' });
    expect(ran.machine.memory.read(Place.free, 4)).toBe(100_000);
    expect(ran.machine.accelerator.statistics.summary().memoryUserspaceExits).toBe(100_000);
    expectSound(ran);
  });

  it('executes what a card has written over its code', async () => {
    const ran = await runHostile((a) => {
      putCard(a);
      a.mov(edi, Place.free);
      a.mov(eax, 0xf4f4_f4f4);
      a.mov(ecx, 16);
      a.rep('stosd');
      putTransfer(a, Place.free, CardBuffer, 0x40, 1);
      a.mov(dword(Place.edu + 0x80), CardBuffer);
      a.mov(dword(Place.edu + 0x88), 'loop');
      a.mov(dword(Place.edu + 0x90), 2);
      a.mov(dword(Place.edu + 0x98), 3);
      a.cli();
      a.label('loop');
      a.jmp('loop');
    }, 60_000_000);
    expect(ran.outcome).toMatchObject({ reason: 'halted' });
    expect(ran.machine.clock.now).toBeGreaterThan(200_000_000);
    expectSound(ran);
  });

  it('is kept in ring 3: what is not allowed there comes to the handler in ring 0', async () => {
    const forbidden: Source[] = [
      (a) => a.cli(),
      (a) => a.hlt(),
      (a) => a.in(al, 0x71),
      (a) => a.out(0x70, al),
      (a) => a.mov(eax, cr0),
      (a) => a.lgdt(Place.free),
      (a) => a.wbinvd(),
      (a) => a.rdmsr(),
    ];
    const ran = await runHostile((a) => {
      putTables(a, 32, { 13: 'forbidden' });
      for (const [index, put] of forbidden.entries()) {
        a.mov(dword(Place.free + 4), `after.${index}`);
        a.push(Selector.userData);
        a.push(Place.stack - 0x1000);
        a.push(2);
        a.push(Selector.userCode);
        a.push(`user.${index}`);
        a.iretd();
        a.label(`user.${index}`);
        put(a);
        a.ud2();
        a.label(`after.${index}`);
      }
      putEnd(a);
      a.label('forbidden');
      a.mov(eax, Selector.data);
      a.mov(ds, ax);
      a.inc(dword(Place.free));
      a.mov(esp, Place.stack - 0x800);
      a.jmp(dword(Place.free + 4));
      a.label('handler');
      putEnd(a);
    });
    expect(ran.outcome).toMatchObject({ reason: 'halted' });
    expect(ran.machine.memory.read(Place.free, 4)).toBe(forbidden.length);
    expectSound(ran);
  });

  it('goes on with x87, MMX and SSE in the registers of a card', async () => {
    const wide = [
      ...[0xd9, 0xdd].flatMap((opcode) => [0x05, 0x15, 0x1d].map((modrm) => [opcode, modrm])),
      ...[0x25, 0x2d, 0x35, 0x3d].map((modrm) => [0xd9, modrm]),
      ...[0x25, 0x35].map((modrm) => [0xdd, modrm]),
      ...[0x2d, 0x3d].map((modrm) => [0xdb, modrm]),
      ...[
        [0x0f, 0x6f, 0x05],
        [0x0f, 0x7f, 0x05],
        [0x0f, 0x10, 0x05],
        [0x0f, 0x11, 0x05],
        [0x0f, 0xae, 0x05],
        [0x0f, 0xae, 0x0d],
      ],
      ...[
        [0x66, 0x0f, 0x6f, 0x05],
        [0x66, 0x0f, 0x7f, 0x05],
        [0xf3, 0x0f, 0x6f, 0x05],
        [0xf2, 0x0f, 0x10, 0x05],
      ],
      ...[
        [0x0f, 0xc7, 0x0d],
        [0xf0, 0x0f, 0xc7, 0x0d],
        [0x0f, 0xe7, 0x05],
        [0x66, 0x0f, 0xe7, 0x05],
      ],
    ];
    const ran = await runHostile((a) => {
      putCard(a);
      putTables(a, 32);
      a.mov(eax, 0x620);
      a.mov(cr4, eax);
      for (const [index, bytes] of wide.entries()) {
        a.mov(dword(Place.free + 4), `after.${index}`);
        a.inc(dword(Place.free));
        a.db(...bytes);
        a.dd(Place.edu + 0x80);
        a.label(`after.${index}`);
      }
      putEnd(a);
      a.label('handler');
      a.mov(esp, Place.stack);
      a.jmp(dword(Place.free + 4));
    });
    expect(ran.outcome).toMatchObject({ reason: 'halted' });
    expect(ran.machine.memory.read(Place.free, 4)).toBe(wide.length);
    expect(ran.machine.accelerator.statistics.summary().memoryUserspaceExits).toBeGreaterThan(wide.length);
    expectSound(ran);
  });

  it('gets an exception for each opcode that no processor of 32 bits has', async () => {
    const invalid = [
      ...[
        0x04, 0x0a, 0x0c, 0x24, 0x25, 0x26, 0x27, 0x36, 0x37, 0x39, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0xff, 0x0b, 0xb9,
      ].map((second) => [0x0f, second, 0xc0]),
      ...[
        [0xfe, 0xd0],
        [0xfe, 0xf8],
        [0xff, 0xf8],
        [0xff, 0xd8],
        [0xff, 0xe8],
        [0x8f, 0xc8],
        [0xc6, 0xc8],
        [0xc7, 0xc8],
        [0x8d, 0xc0],
      ],
      ...[
        [0xc4, 0xc0],
        [0xc5, 0xc0],
        [0x62, 0xc0],
        [0x8e, 0xc8],
        [0x8e, 0xf8],
        [0xf0, 0x90],
        [0xf0, 0x89, 0xc0],
        [0x0f, 0xc7, 0xc8],
      ],
    ];
    const ran = await runHostile((a) => {
      putTables(a, 32, { 6: 'invalid' });
      for (const [index, bytes] of invalid.entries()) {
        a.mov(dword(Place.free + 4), `after.${index}`);
        a.db(...bytes);
        a.mov(byte(Place.free + 0x100 + index), 1);
        a.label(`after.${index}`);
      }
      putEnd(a);
      a.label('invalid');
      a.inc(dword(Place.free));
      a.label('handler');
      a.mov(esp, Place.stack);
      a.jmp(dword(Place.free + 4));
    });
    const executed = invalid.filter((_, index) => ran.machine.memory.read(Place.free + 0x100 + index, 1) !== 0);
    // Silicon has #UD for these three too: BOUND with a register, and LOCK where nothing is locked.
    expect(executed).toEqual([
      [0x62, 0xc0],
      [0xf0, 0x90],
      [0xf0, 0x89, 0xc0],
    ]);
    expect(ran.outcome).toMatchObject({ reason: 'halted' });
    expect(ran.machine.memory.read(Place.free, 4)).toBe(invalid.length - executed.length);
    expectSound(ran);
  });
});
