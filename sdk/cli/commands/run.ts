import { isProgramImage } from '../../accelerator/accelerator.ts';
import { FlatBinary } from '../../accelerator/guest/flat-binary.ts';
import type { GuestImage, RunOutcome, SimulatedAcceleratorOptions } from '../../accelerator/index.ts';
import { decimal, exactData } from '../../base/text.ts';
import type { DescribedAccess } from '../../machine/access-names.ts';
import type { Machine } from '../../machine/index.ts';
import { type Command, Unfinished } from '../command.ts';
import { GuestTrace } from '../guest-trace.ts';
import {
  acceleratorMaker,
  acceleratorSyntax,
  chooseAccelerator,
  chooseClock,
  chooseTimerLimit,
  clockHelp,
  clockSyntax,
  parseCount,
  timerLimitHelp,
  timerLimitSyntax,
} from '../options/accelerator.ts';
import { backendHelp, backendSyntax } from '../options/backends.ts';
import {
  type BootImage,
  bootArguments,
  bootHelp,
  bootMachine,
  bootSyntax,
  chooseBoot,
  withFirmware,
} from '../options/boot.ts';
import { chooseDisplay, displayArguments, displayHelp, displaySyntax, screenOf } from '../options/display.ts';
import { loaderHelp, loaderSyntax, takeLoaders } from '../options/loader.ts';
import { chooseMachine, machineHelp, machineSyntax } from '../options/machine.ts';
import { chooseRtc, rtcHelp, rtcSyntax, startAt } from '../options/rtc.ts';
import { smpHelp, smpSyntax } from '../options/smp.ts';
import { DefaultLimit, HotReload } from '../plugins/hot-reload.ts';
import { observeWith, reportObservers } from '../plugins/plugin.ts';
import { checkRecordTarget, recordedRun } from '../replay/recording-file.ts';
import { formatExits, formatScreen, noteBackendErrors, showConsoles } from '../run-output.ts';
import { codeAdvice, guestsOf, withCodeAdvice } from '../session/run-guests.ts';
import { RunProgress } from '../session/run-progress.ts';
import { RunSession } from '../session/run-session.ts';
import { checkSaveTarget, writeSnapshotFile } from '../snapshot/file.ts';
import { restoreFile } from '../snapshot/restore.ts';
import type { Terminal } from '../terminal.ts';

export const runCommand: Command = {
  usage:
    'backplane run [FILE.ts] [-machine MACHINE] [-device DEVICE]... [-plugin WHAT]... [-accel ACCELERATOR] [-trace] [-profile]',
  summary: 'run a guest program',
  help: `Runs the guest program that FILE.ts exports as default, and prints its accesses and exits. FILE.ts may lie anywhere: it is
compiled in the SDK's own dialect, and 'backplane' means this SDK. An array of programs runs on as many processors. If FILE.ts
exports a machine definition named 'machine', that is what it runs on unless -machine says otherwise. Observers of plugins watch.

Options:
${machineHelp}
${backendHelp}
${rtcHelp}
  -accel ACCELERATOR    kvm-sim and its options: kvm-sim,coalesced-pio=off; or kvm: machine code on the host's /dev/kvm
${smpHelp}
${bootHelp}
${displayHelp}
${loaderHelp}
  -limit OPERATIONS     end after so many guest operations; default 100 million, and none for machine code. Of a program each access
                        is one, of machine code each instruction. Machine code ends after as many accesses to devices too
${timerLimitHelp}
${clockHelp}
  -loadvm FILE          go on where a machine was saved, with the same machine, and the same FILE.ts, -bios or -kernel
  -save FILE            write the machine down when the run ends: JSON, to be loaded with -loadvm; over a snapshot that is there
  -record FILE          write down all that happens, to be replayed: .iotrace, or .iotrace.gz; over a recording that is there.
                        Of machine code the accesses, the interrupts and what devices read by DMA, and no other guest RAM
  -watch                reload plugins that change while the guest runs: code is swapped, state is kept
  -trace                print each operation of the guest, when it happened (modelled time), and what became of it
  -profile              measure the host time of device handlers
  -json                 the counts as a JSON value

SIGINT, SIGTERM and SIGHUP end a run between two instructions; -save is written then. While a back end has standard output, the
counts go to standard error. At a terminal Ctrl-A x ends the run, Ctrl-A c opens a monitor, and Ctrl-C goes to the guest.
With -display curses messages wait until the run ends. A smaller terminal shows the part of the screen with the cursor.
NO_COLOR leaves colours out.

Machine code shows how far it is, if standard error is a terminal and the output of the guest goes elsewhere.

Status: 0 when the guest has finished or reset the machine, or was stopped by its user or at -limit; 2 when it did not finish: asleep for
ever, a triple fault, or still running after 100 million operations. Machine code has no such limit, and has finished
when it halts for ever. A guest that ends its run by isa-debug-exit or pvpanic gives the status.

Examples:
  backplane run examples/kitchen.ts
  backplane run guest.ts -machine isapc -accel kvm-sim,drain=on-access -trace
  backplane run guest.ts -limit 1000 -save at-1000.json
  backplane run guest.ts -loadvm at-1000.json
  backplane run guest.ts -serial stdio -clock host
  backplane run -bios /usr/share/seabios/bios-256k.bin -display curses
  backplane run -accel kvm -device loader,file=hello.bin,addr=0x1000,cpu-num=0 -machine isapc
  backplane run guest.ts -plugin ./my-uart.ts -device my-uart,iobase=0x2f8 -watch`,
  options: {
    ...machineSyntax,
    ...backendSyntax,
    ...rtcSyntax,
    ...acceleratorSyntax,
    ...smpSyntax,
    ...bootSyntax,
    ...displaySyntax,
    ...loaderSyntax,
    limit: 'OPERATIONS',
    ...timerLimitSyntax,
    ...clockSyntax,
    loadvm: 'FILE',
    save: 'FILE',
    record: 'FILE',
    trace: true,
    watch: true,
  },
  async run({ terminal, arguments: given, json }) {
    const { rest, loaders } = takeLoaders(given);
    const isShown = chooseDisplay(rest);
    const boot = await chooseBoot(rest, loaders.length > 0, isShown);
    const booted = boot === undefined ? rest : bootArguments(rest, isShown);
    const args = isShown ? displayArguments(booted) : booted;
    const operationLimit = parseCount(args, 'limit', 'operations');
    const accelerator = chooseAccelerator(args);
    const { Machine } = await import('../../machine/index.ts');
    const { openBackends } = await import('../../backend/index.ts');
    const { describeAccess } = await import('../../machine/access-names.ts');
    const { images, own, isCode } = await guestsOf(args, loaders, accelerator, boot);
    const chosen = await chooseMachine(args, own);
    const { definition, request, backends, plugins, warnings } =
      boot === undefined ? chosen : bootMachine(chosen, boot, isShown);
    const { ramSizeOf } = await import('../../machine/definition.ts');
    const guests = await images(ramSizeOf(definition, request.ram));
    const start = chooseRtc(args);
    const [loaded, saveTo] = [args.value('loadvm'), args.value('save')];
    const recordTo = args.value('record');
    if (saveTo !== undefined) checkSaveTarget(saveTo);
    if (recordTo !== undefined) checkRecordTarget(recordTo, args);
    const create = await acceleratorMaker(accelerator, isCode, boot !== undefined);
    const made = create(saveTo === undefined ? accelerator.options : warnedOfSaves(accelerator.options, terminal));
    const report = reportTo(terminal, backends);
    const print = (line: string) => (json ? terminal.note(line) : report(line));
    const tracing = {
      print,
      now: () => machine.clock.absolute(made.guestTime),
      statistics: made.statistics,
      describe: (access: DescribedAccess) => describeAccess(machine, access),
    };
    const trace = args.has('trace') ? new GuestTrace(tracing, loaded !== undefined) : undefined;
    const traced = trace === undefined ? guests : guests.filter(isProgramImage).map((guest) => trace.of(guest));
    const timers = chooseTimerLimit(args);
    const options = {
      ...timers,
      ...chooseClock(args),
      ...(operationLimit === undefined ? (isCode ? Endless : {}) : { operationLimit }),
      savable: saveTo !== undefined,
    };
    const machineRequest = {
      ...request,
      ...(start === undefined ? {} : { deviceOptions: startAt(definition, start) }),
      accelerator: made,
      onBackendError: noteBackendErrors(terminal),
      onObserverFailure: reportObservers(terminal),
      onGuestError: (device: string, message: string) => terminal.note(`guest error: ${device}: ${message}`),
      backends: await openBackends(backends),
    };
    const machine: Machine = await withFirmware(args, () =>
      loaded === undefined
        ? Machine.create(definition, machineRequest)
        : restoreFile(loaded, definition, { ...machineRequest, guests: traced }, plugins),
    );
    let session: RunSession | undefined;
    try {
      trace?.begin();
      for (const warning of [...warnings, ...machine.warnings]) terminal.note(`warning: ${warning}`);
      const endConsoles = await showConsoles(machine, terminal.note);
      const reload = args.has('watch') ? new HotReload(plugins, machine, terminal) : undefined;
      const endObservers = reload === undefined ? observeWith(plugins, machine) : () => reload.end();
      const progress = isCode && !isShown ? new RunProgress(made, terminal) : undefined;
      const between = async () => {
        progress?.show(machine.clock.absolute(made.guestTime));
        await reload?.look();
      };
      const screen = isShown ? screenOf(machine) : undefined;
      session = new RunSession(machine, terminal, { save: (path) => writeSnapshotFile(path, machine) }, screen);
      const run = session.run.bind(session, machine);
      const advice = isCode ? codeAdvice(boot?.doubt, accelerator.name === 'kvm') : '';
      const { outcome, failure } = await recordedRun(recordTo, {
        ...{ machine, guests: traced, images: boot?.images ?? binariesOf(guests), timers, note: terminal.note },
        run: (images) =>
          withCodeAdvice(() => run(loaded === undefined ? images : undefined, { ...options, between }), advice),
      });
      trace?.end();
      // What the back ends have read until now is in the snapshot.
      await machine.backends.close();
      if (saveTo !== undefined) await writeSnapshotFile(saveTo, machine);
      endObservers();
      endConsoles();
      const lastScreen = screen?.textScreen();
      if (lastScreen !== undefined && !json) report(`${formatScreen(lastScreen)}\n`);
      if (json) report(JSON.stringify(asData(machine, outcome), null, 2));
      else report(`${formatExits(machine.accelerator.statistics)}\n\n${formatOutcome(machine, outcome, isCode)}`);
      const problem = isCode && outcome.reason === 'halted' ? undefined : unfinished(outcome, operationLimit);
      if (failure !== undefined) throw failure;
      if (problem !== undefined) throw new Unfinished(`${problem}${advice}`);
      return outcome.status ?? 0;
    } finally {
      session?.close();
      await machine.backends.close();
    }
  },
};

/** Of -device loader. */
const binariesOf = (guests: readonly GuestImage[]): BootImage[] =>
  guests.flatMap((guest) =>
    guest instanceof FlatBinary ? [{ kind: 'binary', name: guest.name, bytes: guest.bytes }] : [],
  );

/** Machine code runs until its user ends it, as on a PC. */
const Endless = { operationLimit: Number.POSITIVE_INFINITY };

/** A guest may do too much to be saved: the user learns it at that moment, and not at the end. */
function warnedOfSaves(
  options: SimulatedAcceleratorOptions,
  { note }: Pick<Terminal, 'note'>,
): SimulatedAcceleratorOptions {
  const onTooLongToSave = (why: string) =>
    note(`warning: ${why} Here -save will be refused; -limit ends a run earlier.`);
  return { ...options, onTooLongToSave };
}

/** Where results go. Standard output has what the guest writes, if a back end has it. */
function reportTo(terminal: Terminal, backends: readonly { readonly kind: string }[]): (text: string) => void {
  if (!backends.some(({ kind }) => kind === 'stdio')) return (text) => terminal.print(text);
  return (text) => {
    for (const line of text.split('\n')) terminal.note(line);
  };
}

/** The message for a guest that did not finish; undefined if it finished, or stopped at the user's limit. */
export function unfinished(outcome: RunOutcome, limit: number | undefined): string | undefined {
  const { reason, message, operations, accesses = 0 } = outcome;
  if (reason === 'finished' || reason === 'reset' || reason === 'paused' || reason === 'powered-off') return undefined;
  if (reason === 'operation-limit' && limit !== undefined && Math.max(operations, accesses) >= limit) return undefined;
  const isDefault = reason === 'operation-limit' && limit === undefined && operations >= DefaultLimit;
  const advice = isDefault ? ' Give -limit a larger number, or a smaller one to stop earlier.' : '';
  return `the guest did not finish: ${message}${advice}`;
}

function asData(machine: Machine, outcome: RunOutcome) {
  const { statistics } = machine.accelerator;
  return {
    machine: machine.definition.name,
    outcome,
    guestTime: exactData(machine.clock.absolute()),
    exits: statistics.summary(),
    ports: statistics.portRows() ?? null,
    memory: statistics.memoryRows() ?? null,
    guestErrors: machine.guestErrors,
    ...(statistics.profile === undefined ? {} : { profile: statistics.profile.rows() }),
  };
}

function formatOutcome(machine: Machine, { message, operations }: RunOutcome, isCode: boolean): string {
  const time = decimal(machine.clock.absolute(), 3);
  // Of the host's processor only the returns are seen, and its time is no model.
  if (machine.accelerator.statistics.costs === undefined) return `${time} us of guest time. ${message}`;
  return `${operations} ${isCode ? 'instructions' : 'operations'} in ${time} us of guest time, modelled. ${message}`;
}
