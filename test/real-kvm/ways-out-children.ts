import { FlatBinary } from '../../sdk/accelerator/guest/flat-binary.ts';
import { Capability, Errno, SystemRequest, VcpuRequest } from '../../sdk/accelerator/kvm/abi.ts';
import { acceleratorOver, hostKvmAccelerator } from '../../sdk/host-kvm/accelerator.ts';
import { type Libc, libc } from '../../sdk/host-kvm/libc.ts';
import { defineMachine, device, IsaDevice, MILLISECOND, portRegion, use } from '../../sdk/index.ts';
import { Machine, pump } from '../../sdk/runtime.ts';
import { isapc } from '../small-machines.ts';
import { FailingLibc, leftBehind, libcThat, replaceKoffi } from './failing-host.ts';

/** How a child ends. */
export interface Ending {
  readonly status?: number | undefined;
  readonly signal?: string | undefined;
}

interface WayOut {
  readonly ends: Ending & {
    /** Part of what it prints. */
    readonly says?: string;
    /** It gets a SIGINT once it has printed 'running'. */
    readonly interrupted?: boolean;
  };
  /** It needs no /dev/kvm: test/host-kvm/ways-out.test.ts runs it. */
  readonly anywhere?: boolean;
  /** What the child does. */
  readonly body: () => void | Promise<void>;
}

const Trap = { Throw: 1, Exit: 2, Pause: 3 } as const;
const ports = portRegion({ name: 'trap', base: 0x320, size: 2, accessSizes: [1] });

/** Does what its guest writes: throws, ends the process, or pauses the machine. The second port is coalesced. */
@device({ type: 'trap', description: 'Leaves a run in the ways that a device can' })
class TrapDevice extends IsaDevice {
  static onPause: () => void = () => {};

  @ports.write(0)
  act(value: number): void {
    if (value === Trap.Throw) throw new Error('the trap is shut');
    if (value === Trap.Exit) process.exit(7);
    TrapDevice.onPause();
  }

  @ports.write(1)
  queued(): void {
    TrapDevice.onPause();
  }
}

const trapMachine = defineMachine({ ...isapc, name: 'trap-machine', devices: [...isapc.devices, use(TrapDevice)] });

const Spin = [0xeb, 0xfe];
/** cli; hlt */
const Halt = [0xfa, 0xf4];
/** mov al, value; mov dx, 0x320; out dx, al; and it spins. */
const write = (value: number) => [0xb0, value, 0xba, 0x20, 0x03, 0xee, ...Spin];

const binary = (bytes: readonly number[]) =>
  new FlatBinary({ name: 'way-out', bytes: Uint8Array.from(bytes), address: 0x1000 });

function newMachine(library: Libc = libc()): Machine {
  const machine = Machine.create(trapMachine, { accelerator: acceleratorOver(library) });
  TrapDevice.onPause = () => machine.pause();
  return machine;
}

/** Makes a machine whose call number `failing` fails. Answers how many calls there were, and what is wrong. */
function failAt(failing: number): { readonly calls: number; readonly wrong: string | undefined } {
  const failingLibc = new FailingLibc(failing);
  try {
    newMachine(failingLibc.library).dispose();
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (typeof code !== 'string') return { calls: failingLibc.calls, wrong: `no code: ${String(error)}` };
  }
  const { calls, mapped } = failingLibc;
  const left = leftBehind();
  return {
    calls,
    wrong: mapped === 0 && left.length === 0 ? undefined : `call ${failing} leaves ${mapped} maps, ${left}`,
  };
}

/** As the command does, prints the sentence of each error, and ends with status 1: nothing of KVM may be left behind then. */
function refused(...actions: readonly (() => void)[]): void {
  const codes = actions.map((action) => {
    try {
      action();
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      console.log(`${code}: ${message}`);
      return code;
    }
    return undefined;
  });
  console.log(codes.join(', '));
  process.exit(leftBehind().length === 0 ? 1 : 2);
}

function runAndDispose(machine: Machine, guest: FlatBinary): void {
  try {
    machine.run(guest);
  } finally {
    machine.dispose();
  }
}

/** Each way out of a run, and how its process ends. */
export const waysOut: Readonly<Record<string, WayOut>> = {
  'a guest that spins, and Ctrl-C': {
    ends: { signal: 'SIGINT', says: 'running', interrupted: true },
    body() {
      const machine = newMachine();
      console.log('running');
      machine.run(binary(Spin));
    },
  },
  'a guest that spins, and Ctrl-C that a program handles': {
    ends: { status: 0, says: 'paused', interrupted: true },
    async body() {
      const machine = newMachine();
      const controller = new AbortController();
      process.once('SIGINT', () => controller.abort());
      console.log('running');
      const { reason } = await pump(machine, binary(Spin), { signal: controller.signal });
      machine.dispose();
      console.log(reason, leftBehind().join());
    },
  },
  'a guest that spins, and a timer of the machine pauses it': {
    ends: { status: 0, says: 'paused' },
    body() {
      const machine = newMachine();
      machine.clock.timer('stop', () => machine.pause()).arm(machine.clock.now + 20 * MILLISECOND);
      console.log(machine.run(binary(Spin)).reason);
      machine.dispose();
    },
  },
  'a guest that spins, and a timer of the machine ends the process': {
    ends: { status: 8 },
    body() {
      const machine = newMachine();
      machine.clock.timer('stop', () => process.exit(8)).arm(machine.clock.now + 20 * MILLISECOND);
      machine.run(binary(Spin));
    },
  },
  'a guest that halts with interrupts off': {
    ends: { status: 0, says: 'halted HLT of vCPU 0' },
    body() {
      const machine = newMachine();
      const { reason, message } = machine.run(binary(Halt));
      console.log(reason, message);
      machine.dispose();
    },
  },
  'a handler that throws': {
    ends: { status: 0, says: "device-failure, left: '', and the process lives" },
    async body() {
      const machine = newMachine();
      let code: unknown;
      try {
        machine.run(binary(write(Trap.Throw)));
      } catch (error) {
        code = (error as { code?: unknown }).code;
      }
      machine.dispose();
      // A timer that was left behind would end the process: it has no handler any more.
      await new Promise((resolve) => setTimeout(resolve, 50));
      console.log(`${code}, left: '${leftBehind().join()}', and the process lives`);
    },
  },
  'a handler that ends the process': {
    ends: { status: 7 },
    body() {
      newMachine().run(binary(write(Trap.Exit)));
    },
  },
  'a handler that pauses, and a run that goes on': {
    ends: { status: 0, says: 'paused halted' },
    body() {
      const machine = newMachine();
      const first = machine.run(binary([...write(Trap.Pause).slice(0, -2), ...Halt])).reason;
      console.log(first, machine.resume().reason);
      machine.dispose();
    },
  },
  'a handler that disposes of the machine that runs, and a view of RAM that outlives it': {
    ends: { status: 0, says: "device-failure, then zeros, left: ''" },
    body() {
      const machine = newMachine();
      const { region } = machine.memory.lookup(0x1000)!;
      const { bytes } = (region.aliasTarget ?? region).ram!;
      TrapDevice.onPause = () => machine.dispose();
      let code: unknown;
      try {
        machine.run(binary(write(Trap.Pause)));
      } catch (error) {
        code = (error as { code?: unknown }).code;
      }
      machine.dispose();
      const is = bytes.every((byte) => byte === 0) ? 'zeros' : 'the bytes of the guest';
      console.log(`${code}, then ${is}, left: '${leftBehind().join()}'`);
    },
  },
  'a run in a handler of another machine, whose guest spins then': {
    ends: { status: 0, says: 'halted paused' },
    body() {
      const inner = newMachine();
      const outer = newMachine();
      let first = '';
      const stop = outer.clock.timer('stop', () => outer.pause());
      // From then on: a slow host takes longer than that to come here.
      TrapDevice.onPause = () => {
        first = inner.run(binary(Halt)).reason;
        stop.arm(outer.clock.now + 20 * MILLISECOND);
      };
      const { reason } = outer.run(binary(write(Trap.Pause)));
      console.log(first, reason);
    },
  },
  'a call that fails half-way': {
    ends: { status: 0, says: 'nothing is left behind' },
    body() {
      const { calls } = failAt(-1);
      for (let failing = 0; failing < calls; failing += failing < 16 ? 1 : 7) {
        const { wrong } = failAt(failing);
        if (wrong !== undefined) throw new Error(wrong);
      }
      console.log(`${calls} calls, and nothing is left behind`);
    },
  },
  'a guest that KVM stops: a KVM_RUN that fails, and an instruction that it cannot emulate': {
    ends: {
      status: 1,
      says: "kvm-failure: KVM could not run vCPU 0: errno 14. The guest cannot go on.\ninstruction-not-emulated: -accel kvm: guest 'jumps' on vCPU 0 is at RIP 0xfee00000",
    },
    body() {
      let runs = 0;
      const fails = (request: number): boolean => request === VcpuRequest.Run && runs++ === 3;
      const failing = newMachine(libcThat(fails, Errno.EFAULT));
      // mov eax, 0xfee00000; jmp eax: no memory is there.
      const bytes = Uint8Array.of(0xb8, 0, 0, 0xe0, 0xfe, 0xff, 0xe0);
      const jump = new FlatBinary({ name: 'jumps', bytes, address: 0x1000, mode: 'protected' });
      const jumping = newMachine();
      refused(
        () => runAndDispose(failing, binary(Spin)),
        () => runAndDispose(jumping, jump),
      );
    },
  },
  'a KVM that is missing, in use, or lacks what each machine needs': {
    ends: { status: 1, says: 'no-kvm, kvm-busy, unsupported-kernel' },
    body() {
      const real = libc();
      const missing = { ...real, open: (_path: string, flags: number) => real.open('/dev/no-such-kvm', flags) };
      const busy = libcThat((request) => request === SystemRequest.CreateVm, Errno.EBUSY);
      const isAsked = (request: number, argument: number): boolean =>
        request === SystemRequest.CheckExtension && argument === Capability.ImmediateExit;
      const old = libcThat(isAsked, Errno.EINVAL);
      refused(...[missing, busy, old].map((library) => () => void acceleratorOver(library)));
    },
  },
  'a user who may not open /dev/kvm': {
    ends: { status: 1, says: 'kvm-forbidden: ' },
    body() {
      libc();
      process.setuid?.(65534);
      refused(() => void hostKvmAccelerator());
    },
  },
  'no koffi': {
    ends: { status: 1, says: 'koffi-missing: ' },
    anywhere: true,
    body() {
      replaceKoffi(undefined);
      refused(() => void hostKvmAccelerator());
    },
  },
  'koffi of another version': {
    ends: { status: 1, says: 'koffi-version: -accel kvm: koffi 3.2.0 is installed' },
    anywhere: true,
    body() {
      replaceKoffi({ version: '3.2.0' });
      refused(() => void hostKvmAccelerator());
    },
  },
};

if (process.argv[1] !== undefined && /ways-out-children\.(ts|js)$/.test(process.argv[1])) {
  await waysOut[process.argv[2] as string]!.body();
}
