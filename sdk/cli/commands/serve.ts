import { BackplaneError } from '../../base/errors.ts';
import { count, formatTable } from '../../base/text.ts';
import { afterHostTime } from '../../clock/host-time.ts';
import type { ServeCounts } from '../../serve/counts.ts';
import type { FunctionServer } from '../../serve/node/serve.ts';
import { vfioUserCommand } from '../../testing/qemu/vfio-user-qemu.ts';
import type { Arguments, Command } from '../command.ts';
import { backendHelp, backendSyntax } from '../options/backends.ts';
import { deviceSyntax } from '../options/devices.ts';
import { HotReload } from '../plugins/hot-reload.ts';
import { pluginSyntax } from '../plugins/load.ts';
import { observeWith, reportObservers } from '../plugins/plugin.ts';
import { checkRecordTarget, RecordingFile } from '../replay/recording-file.ts';
import { noteBackendErrors } from '../run-output.ts';
import { planServe, qemuLine, type ServePlan, type ServePlans, typeOf } from '../serve/plan.ts';
import { checkSaveTarget, writeSnapshotFile } from '../snapshot/file.ts';
import { restoreFile } from '../snapshot/restore.ts';
import { onEndingSignals, type Terminal } from '../terminal.ts';

/** How often -watch looks at the files of plugins, in milliseconds. */
const LookEvery = 50;

export const serveCommand: Command = {
  usage:
    'backplane serve -device DEVICE -socket PATH [-device DEVICE -socket PATH]... [-trace] [-once] [-watch] [-save FILE]',
  summary: 'plug a device into a stock QEMU',
  help: `Serves PCI functions to QEMU 10.1 or later, by vfio-user: QEMU's guest drives them, and their classes run here. Each device has a
socket of its own, and one client at a time. When all sockets are there it prints the arguments for QEMU. Linux only.
Interrupts and shared memory go by koffi, an optional package of npm. With -ram it does without: memory is a file, and
interrupts are messages (MSI, and no pin).

Options:
  -device DEVICE        the device and its options: edu,id=x,addr=05.0,dma_mask=0xfff; with addr= it has that place in QEMU too
  -socket PATH          where it is served: the first -socket is that of the first -device. The file is yours alone
  -global TYPE.OPT=VAL  set an option of every device of a type
  -plugin WHAT          load devices and observers: a .ts file, a directory, or a package
${backendHelp}
  -trace                print each access in the device's words, and interrupts and timers
  -once                 end when every device has had a client and the last one has gone
  -watch                reload plugins that change while the guest runs: code is swapped, state is kept
  -ram FILE             do without koffi: the guest's memory is this file. Make it as large: truncate -s 512M FILE
  -save FILE            save a snapshot of the device at the end: JSON, to be loaded with -loadvm. One device
  -record FILE          record what the guest does, to be replayed: .iotrace, or .iotrace.gz. One device
  -loadvm FILE          begin with the device of a snapshot
  -json                 a line of JSON when the sockets are there, and one with the counts at the end

SIGINT, SIGTERM and SIGHUP end it. A program that may open the socket drives the device, and this process reads and writes all memory
that QEMU shares. QEMU resets a device when it attaches it: of a loaded one, only what a reset
leaves is there. QEMU's migration and savevm do not carry the device's state.

Examples:
  backplane serve -device edu,dma_mask=0xffffffff -socket edu.sock
  backplane serve -plugin ./my-card.ts -device my-card -socket card.sock -trace -watch
  backplane serve -device edu,addr=05.0 -socket a.sock -device edu,addr=05.1 -socket b.sock
  backplane serve -device edu,addr=05.0 -socket edu.sock -record edu.iotrace && backplane replay edu.iotrace -device edu,addr=05.0
  backplane serve -device edu -socket edu.sock -ram guest.ram`,
  options: {
    ...deviceSyntax,
    ...pluginSyntax,
    ...backendSyntax,
    socket: 'PATH',
    ram: 'FILE',
    save: 'FILE',
    record: 'FILE',
    loadvm: 'FILE',
    trace: true,
    once: true,
    watch: true,
  },
  async run({ terminal, arguments: args, json }) {
    const planned = await planServe(args);
    const { plans, warnings } = planned;
    const saveTo = args.value('save');
    if (saveTo !== undefined) checkSaveTarget(saveTo);
    const recordTo = args.value('record');
    if (recordTo !== undefined) checkRecordTarget(recordTo, args);
    if (plans.length > 1) refuseForSeveral(args);
    for (const warning of warnings) terminal.note(`warning: ${warning}`);
    const qemu = vfioUserCommand();
    const servers: FunctionServer[] = [];
    let leaveSignals = (): void => {};
    let file: RecordingFile | undefined;
    try {
      for (const plan of plans) servers.push(await startServer(plan, planned, args, terminal));
      // Until here a signal ends the process: a back end may wait for its client, and there is nothing to save.
      const signalled = new Promise<void>((resolve) => {
        leaveSignals = onEndingSignals((signal) => {
          terminal.note(`${signal}: the service ends.`);
          resolve();
        });
      });
      if (recordTo !== undefined) file = new RecordingFile(recordTo, (why) => terminal.note(`warning: ${why}`));
      const ends = watchAll(servers, planned, args, terminal);
      if (file !== undefined) ends.push((servers[0] as FunctionServer).record(file));
      const line = qemuLine(plans, { qemu, ram: args.value('ram'), waits: args.has('watch') });
      if (json) terminal.print(JSON.stringify({ ready: plans.map(asData), qemu: line }));
      else terminal.print(`${plans.map(readyLine).join('\n')}\nAttach with QEMU 10.1 or later:\n${line}`);
      await Promise.race([signalled, ...(args.has('once') ? [allServed(servers)] : [])]);
      for (const end of ends) end();
      for (const server of servers) server.disconnect();
      if (saveTo !== undefined) await writeSnapshotFile(saveTo, (servers[0] as FunctionServer).machine);
      if (json)
        terminal.print(JSON.stringify({ counts: servers.map(({ socket, counts }) => ({ socket, ...counts })) }));
      else
        for (const [index, { counts }] of servers.entries()) terminal.print(summary(plans[index] as ServePlan, counts));
    } finally {
      for (const server of servers) await server.close();
      leaveSignals();
      file?.close();
    }
  },
};

/** A snapshot is one machine's. */
function refuseForSeveral(args: Arguments): void {
  for (const option of ['save', 'loadvm', 'record', 'ram']) {
    if (!args.has(option)) continue;
    throw new BackplaneError(
      'misplaced-argument',
      `serve: -${option} is for one device. Serve the others by a process each.`,
    );
  }
}

async function startServer(
  plan: ServePlan,
  { plugins }: ServePlans,
  args: Arguments,
  terminal: Terminal,
): Promise<FunctionServer> {
  const { serveMachine } = await import('../../serve/node/serve.ts');
  const { ClientAccelerator } = await import('../../serve/client-accelerator.ts');
  const { openBackends } = await import('../../backend/index.ts');
  const { Machine } = await import('../../machine/index.ts');
  const [loaded, ram] = [args.value('loadvm'), args.value('ram')];
  const request = {
    accelerator: new ClientAccelerator(),
    onBackendError: noteBackendErrors(terminal),
    onObserverFailure: reportObservers(terminal),
    onGuestError: (device: string, message: string) => terminal.note(`guest error: ${device}: ${message}`),
    backends: await openBackends(plan.backends),
  };
  const machine =
    loaded === undefined
      ? Machine.create(plan.definition, request)
      : await restoreFile(loaded, plan.definition, request, plugins);
  for (const warning of machine.warnings) terminal.note(`warning: ${warning}`);
  return serveMachine(machine, {
    socket: plan.socket,
    onNote: (sentence) => terminal.note(sentence),
    ...(ram === undefined ? {} : { native: 'never' as const, ram }),
  });
}

/** The trace, observers and edited classes. Answers how to end each. */
function watchAll(
  servers: readonly FunctionServer[],
  { plugins }: ServePlans,
  args: Arguments,
  terminal: Terminal,
): (() => void)[] {
  return servers.flatMap((server) => {
    const print = servers.length === 1 ? terminal.print : (line: string) => terminal.print(`${server.socket}: ${line}`);
    const traced = args.has('trace') ? [server.trace(print)] : [];
    if (!args.has('watch')) return [...traced, observeWith(plugins, server.machine)];
    const reload = new HotReload(plugins, server.machine, terminal);
    let isOver = false;
    let cancel = (): void => {};
    const look = (): void => {
      cancel = afterHostTime(LookEvery, async () => {
        const isChanged = await reload.look();
        if (isOver) return;
        if (isChanged) server.follow();
        look();
      });
    };
    look();
    const end = (): void => {
      isOver = true;
      cancel();
      reload.end();
    };
    return [...traced, end];
  });
}

/** Each device has had a client, and the last one has gone. */
async function allServed(servers: readonly FunctionServer[]): Promise<void> {
  const each = servers.map(async (server) => {
    await server.whenAttached();
    await server.whenDetached();
  });
  await Promise.all(each);
}

const readyLine = (plan: ServePlan): string => `${typeOf(plan)} is served at ${plan.socket}.`;
const asData = (plan: ServePlan) => ({ device: typeOf(plan), socket: plan.socket });

function summary(plan: ServePlan, counts: ServeCounts): string {
  const rows: [string, number][] = [
    ['clients', counts.clients],
    ['messages', counts.messages],
    ['register reads', counts.reads],
    ['register writes', counts.writes],
    ['  of them posted', counts.postedWrites],
    ['  of them batched', counts.batchedWrites],
    ['batches of writes', counts.batches],
    ['interrupts', counts.interrupts],
    ['resets', counts.resets],
    ['regions of memory', counts.maps],
    ['errors answered', counts.errors],
    ['handlers that threw', counts.failures],
    ['slow answers', counts.slowAnswers],
  ];
  return `${typeOf(plan)}:\n${formatTable(rows.map(([name, value]) => [name, count(value)]))}`;
}
