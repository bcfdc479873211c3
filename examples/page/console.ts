// Longer than 60 lines: every command of the console, with its help.
import { MICROSECOND, MILLISECOND, SECOND } from 'backplane';
import { type Guest, type GuestStep, guestProgram, infoMtree, infoQtree, Machine, nearest } from 'backplane/runtime';
import { kitchen } from './kitchen-pc.ts';

/** A command of the console: how it is written, and what it does. */
interface Command {
  readonly usage: string;
  readonly about: string;
  run(words: readonly string[]): string;
}

/** One guest may take this many steps: a page stays responsive. */
const MostSteps = 100_000;
const Units: Readonly<Record<string, number>> = { us: MICROSECOND, ms: MILLISECOND, s: SECOND };

/** What a person types, run as a guest program on a machine in this page. Nothing here knows that there is a page. */
export class MachineConsole {
  machine = Machine.create(kitchen);
  private saved: unknown;

  private readonly commands: Readonly<Record<string, Command>> = {
    out: {
      usage: 'out PORT VALUE [times N]',
      about: 'the guest writes a byte to a port',
      run: ([port, value, word, times]) => {
        const [at, byte] = [number('PORT', port, 0xffff), number('VALUE', value, 0xff)];
        const count = word === undefined ? 1 : number('N', times, MostSteps);
        const before = this.exits;
        this.guest(function* (guest) {
          for (let step = 0; step < count; step++) yield* guest.out8(at, byte);
        });
        return `${counted(count, 'write')}, ${counted(this.exits - before, 'userspace exit')}`;
      },
    },
    in: {
      usage: 'in PORT',
      about: 'the guest reads a byte from a port',
      run: ([port]) => {
        const at = number('PORT', port, 0xffff);
        let read = 0;
        this.guest(function* (guest) {
          read = yield* guest.in8(at);
        });
        return `0x${read.toString(16).padStart(2, '0')} (${read})`;
      },
    },
    wait: {
      usage: 'wait TIME',
      about: 'guest time passes: 250us, 20ms, 3s',
      run: ([text = '']) => {
        const [, amount, unit] = /^(\d+(?:\.\d+)?)(us|ms|s)$/.exec(text) ?? [];
        const time = Number(amount) * (Units[unit ?? ''] ?? Number.NaN);
        if (!(time <= 3600 * SECOND))
          throw new Error(`'${text}' is no time up to an hour. Write it as 250us, 20ms or 3s.`);
        this.guest(function* (guest) {
          yield* guest.pause(Math.round(time));
        });
        return `guest time is ${(this.machine.clock.now / SECOND).toFixed(6)} s`;
      },
    },
    info: {
      usage: 'info mtree|qtree',
      about: 'the memory map, or the devices',
      run: ([what]) => {
        if (what === 'mtree') return infoMtree(this.machine);
        if (what === 'qtree') return infoQtree(this.machine);
        throw new Error(`'${what ?? ''}' is not known here. Write info mtree or info qtree.`);
      },
    },
    save: {
      usage: 'save',
      about: 'keeps the state of the machine in the page',
      run: () => {
        this.saved = this.machine.save();
        return `saved, ${JSON.stringify(this.saved).length} characters`;
      },
    },
    restore: {
      usage: 'restore',
      about: 'builds the machine again from what was saved',
      run: () => {
        if (this.saved === undefined) throw new Error('Nothing is saved yet. Write save first.');
        const restored = Machine.restore(kitchen, this.saved);
        this.machine.dispose();
        this.machine = restored;
        return `restored, guest time is ${(restored.clock.now / SECOND).toFixed(6)} s`;
      },
    },
    reset: {
      usage: 'reset',
      about: 'resets the machine',
      run: () => {
        this.machine.reset();
        return 'reset';
      },
    },
    help: { usage: 'help', about: 'this list', run: () => this.help() },
  };

  /** What the command answers. A mistake is an answer too. */
  type(line: string): string {
    const [name = '', ...words] = line.trim().split(/\s+/);
    const command = Object.hasOwn(this.commands, name) ? this.commands[name] : undefined;
    if (command === undefined) {
      const near = nearest(name, Object.keys(this.commands));
      return `'${name}' is no command. ${near === undefined ? '' : `Did you mean '${near}'?\n`}${this.help()}`;
    }
    try {
      return command.run(words);
    } catch (error) {
      return `${error instanceof Error ? error.message : String(error)}\nusage: ${command.usage}`;
    }
  }

  help(): string {
    const rows = Object.values(this.commands);
    const width = Math.max(...rows.map(({ usage }) => usage.length));
    return ['Commands:', ...rows.map(({ usage, about }) => `  ${usage.padEnd(width)}  ${about}`)].join('\n');
  }

  get map(): string {
    return infoMtree(this.machine);
  }

  /** Exits by port. The times are modelled. */
  get exitTable(): string {
    return this.machine.accelerator.statistics.formatTable({ event: 'ioport' });
  }

  private get exits(): number {
    return this.machine.accelerator.statistics.summary().userspaceExits;
  }

  private guest(body: (guest: Guest) => GuestStep<void>): void {
    this.machine.run(guestProgram('console', body));
  }
}

const counted = (count: number, thing: string) => `${count} ${thing}${count === 1 ? '' : 's'}`;

function number(what: string, text: string | undefined, most: number): number {
  const value = Number(text ?? Number.NaN);
  if (Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new Error(`${what} is '${text ?? ''}'. Give a whole number up to 0x${most.toString(16)}.`);
}
