import { describe, expect, it } from 'vitest';
import { FlatBinary } from '../../sdk/accelerator/guest/flat-binary.ts';
import { guestProgram } from '../../sdk/accelerator/index.ts';
import { Capability, Errno } from '../../sdk/accelerator/kvm/abi.ts';
import { acceleratorOver } from '../../sdk/host-kvm/accelerator.ts';
import { Machine } from '../../sdk/machine/index.ts';
import { expectRefusal } from '../refusal.ts';
import { isapc } from '../small-machines.ts';
import { type Failure, FakeLibc } from './fake-libc.ts';

const machineOn = (libc: FakeLibc) => Machine.create(isapc, { accelerator: acceleratorOver(libc) });

describe('what is wrong with /dev/kvm is one sentence with its code, and nothing is left behind', () => {
  it.each<[string, Failure, string, string]>([
    ['is missing', { call: 'open', errno: Errno.ENOENT }, 'no-kvm', 'there is no /dev/kvm'],
    ['is forbidden', { call: 'open', errno: Errno.EACCES }, 'kvm-forbidden', 'group'],
    ['is busy', { call: 'open', errno: Errno.EBUSY }, 'kvm-busy', 'busy'],
    ['cannot be opened for another reason', { call: 'open', errno: 24 }, 'kvm-failure', '24'],
    ['is taken by another hypervisor', { call: 'CreateVm', errno: Errno.EBUSY }, 'kvm-busy', 'hypervisor'],
    ['has no room for a vCPU', { call: 'CreateVcpu', errno: 12 }, 'kvm-failure', 'create vCPU 0: errno 12'],
    ['cannot be mapped', { call: 'mmap', errno: 12 }, 'kvm-failure', 'pages of a vCPU'],
  ])('%s', (_what, failure, code, named) => {
    const libc = new FakeLibc(failure);
    const refusal = expectRefusal(() => acceleratorOver(libc), code, named);
    expect(refusal.message).not.toContain('\n');
    expect([...libc.open_, ...libc.mapped]).toEqual([]);
  });

  it('a capability is missing that every machine needs', () => {
    const libc = new FakeLibc();
    libc.capabilities[Capability.ImmediateExit] = 0;
    expectRefusal(() => acceleratorOver(libc), 'unsupported-kernel', 'KVM_CAP_IMMEDIATE_EXIT');
    expect(libc.isClean).toBe(true);
  });

  it('there is no room for the RAM of the machine', () => {
    const libc = new FakeLibc();
    const accelerator = acceleratorOver(libc);
    libc.failing = { call: 'mmap', errno: 12 };
    const refusal = expectRefusal(() => Machine.create(isapc, { accelerator }), 'no-guest-memory', 'bytes');
    expect(refusal.message).toMatch(/^-accel kvm: .*Give the machine less RAM\.$/);
    expect(libc.isClean).toBe(true);
  });

  it('the machine of an accelerator cannot be made: its request, its definition, or one of its devices is wrong', () => {
    const requests = [{ ram: 3 }, { options: { colour: 1 } }, { deviceOptions: { nobody: { speed: 1 } } }, { size: 3 }];
    for (const request of requests) {
      const libc = new FakeLibc();
      const accelerator = acceleratorOver(libc);
      expect(libc.isClean).toBe(false);
      expect(() => Machine.create(isapc, { accelerator, ...request } as object)).toThrow();
      expect(libc.isClean, JSON.stringify(request)).toBe(true);
    }
  });

  it('any call fails half-way while a machine is made', () => {
    const whole = new FakeLibc();
    machineOn(whole).dispose();
    expect(whole.isClean).toBe(true);
    expect(whole.calls.length).toBeGreaterThan(20);
    const refused: string[] = [];
    for (let failing = 0; failing < whole.calls.length; failing++) {
      const libc = new FakeLibc(failing);
      try {
        machineOn(libc).dispose();
      } catch (error) {
        refused.push(libc.calls[failing] as string);
        expect((error as { code?: string }).code, libc.calls[failing]).toMatch(
          /^(kvm-failure|unsupported-kernel|no-guest-memory)$/,
        );
      }
      expect(libc.isClean, `${failing}: ${libc.calls[failing]}`).toBe(true);
    }
    expect(new Set(refused)).toEqual(
      new Set([
        'open',
        'GetApiVersion',
        'CheckExtension',
        'CreateVm',
        'GetVcpuMmapSize',
        'SetIdentityMapAddress',
        'SetTssAddress',
        'CreateVcpu',
        'mmap',
        'GetSupportedCpuid',
        'SetCpuid2',
        'SetUserMemoryRegion',
      ]),
    );
  });
});

describe('what the host does not run is refused by name', () => {
  it('a guest program in TypeScript', () => {
    const libc = new FakeLibc();
    const machine = machineOn(libc);
    expectRefusal(
      () => machine.run(guestProgram('clock', function* () {})),
      'guest-not-machine-code',
      "'clock'",
      'kvm-sim',
    );
    machine.dispose();
    expect(libc.isClean).toBe(true);
  });

  it.each([
    [0x10_0000, 'real' as const, 'real mode'],
    [-1, 'long' as const, 'long mode'],
  ])('a flat binary at %i, which %s mode does not reach', (address, mode, named) => {
    const make = () => new FlatBinary({ name: 'boot.bin', bytes: new Uint8Array(16), address, mode });
    expectRefusal(make, 'invalid-flat-binary', 'boot.bin', named);
  });

  it('a flat binary that is an ELF file', () => {
    const make = () => new FlatBinary({ name: 'boot.o', bytes: Buffer.from('\x7fELF\x01'), address: 0x1000 });
    expectRefusal(make, 'invalid-flat-binary', 'boot.o', 'ELF', 'objcopy -O binary');
    const cut = Buffer.from('\x7fEL');
    expect(new FlatBinary({ name: 'boot.bin', bytes: cut, address: 0x1000 }).bytes).toBe(cut);
  });

  it('a flat binary where the machine has no RAM', () => {
    const machine = machineOn(new FakeLibc());
    const guest = new FlatBinary({
      name: 'boot.bin',
      bytes: new Uint8Array(16),
      address: 0x8000_0000,
      mode: 'protected',
    });
    expectRefusal(() => machine.run(guest), 'no-memory-for-code', 'boot.bin', '0x80000000');
    machine.dispose();
  });

  it('a flat binary on the simulated kernel', () => {
    const guest = new FlatBinary({ name: 'boot.bin', bytes: new Uint8Array(16), address: 0x1000 });
    expectRefusal(() => Machine.create(isapc).run(guest), 'machine-code-guest', 'boot.bin', '-accel kvm');
  });
});

describe('an accelerator is for one machine', () => {
  const newLibc = () => new FakeLibc();

  it('a second machine is refused, and the first one runs on', () => {
    const machine = machineOn(newLibc());
    const { accelerator } = machine;
    expectRefusal(() => Machine.create(isapc, { accelerator }), 'accelerator-in-use', "'kvm'");
    const spin = new FlatBinary({ name: 'spin', bytes: Uint8Array.of(0xeb, 0xfe), address: 0x1000 });
    expect(machine.run(spin, { operationLimit: 5 }).reason).toBe('operation-limit');
    machine.dispose();
  });

  it('so is one after the first has been disposed', () => {
    const libc = newLibc();
    const machine = machineOn(libc);
    machine.dispose();
    expectRefusal(() => Machine.create(isapc, { accelerator: machine.accelerator }), 'accelerator-in-use', "'kvm'");
    expect(libc.isClean).toBe(true);
  });
});

describe('a flat binary', () => {
  const code = { name: 'code', bytes: Uint8Array.of(0xf4), address: 0x1000 };

  it.each<[string, object]>([
    ['without bytes', { bytes: undefined }],
    ['whose bytes are a text', { bytes: '\xf4' }],
    ['whose bytes are a buffer', { bytes: new ArrayBuffer(4) }],
    ['whose mode is none', { mode: 'reel' }],
    ['whose address is a text', { address: '0x1000' }],
  ])('%s is refused', (_what, wrong) => {
    expectRefusal(() => new FlatBinary({ ...code, ...wrong }), 'invalid-flat-binary', "'code'");
  });
});
