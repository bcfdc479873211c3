import { describe, expect, it } from 'vitest';
import { guestProgram } from '../../sdk/accelerator/index.ts';
import { Capability, Errno } from '../../sdk/accelerator/kvm/abi.ts';
import { hostKvmAccelerator } from '../../sdk/host-kvm/accelerator.ts';
import { FlatBinary } from '../../sdk/host-kvm/flat-binary.ts';
import { Machine } from '../../sdk/machine/index.ts';
import { expectRefusal } from '../refusal.ts';
import { isapc } from '../small-machines.ts';
import { type Failure, FakeLibc } from './fake-libc.ts';

const machineOn = (libc: FakeLibc) => Machine.create(isapc, { accelerator: hostKvmAccelerator({}, libc) });

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
    const refusal = expectRefusal(() => hostKvmAccelerator({}, libc), code, named);
    expect(refusal.message).not.toContain('\n');
    expect([...libc.open_, ...libc.mapped]).toEqual([]);
  });

  it('a capability is missing that every machine needs', () => {
    const libc = new FakeLibc();
    libc.capabilities[Capability.ImmediateExit] = 0;
    expectRefusal(() => hostKvmAccelerator({}, libc), 'unsupported-kernel', 'KVM_CAP_IMMEDIATE_EXIT');
    expect(libc.isClean).toBe(true);
  });

  it('there is no room for the RAM of the machine', () => {
    const libc = new FakeLibc();
    const accelerator = hostKvmAccelerator({}, libc);
    libc.mmap = () => 0xffff_ffff_ffff_ffffn;
    expectRefusal(() => Machine.create(isapc, { accelerator }), 'no-guest-memory', 'bytes');
    expect(libc.isClean).toBe(true);
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
        expect((error as { code?: string }).code, libc.calls[failing]).toBeTypeOf('string');
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

  it('a flat binary where the machine has no RAM', () => {
    const machine = machineOn(new FakeLibc());
    const guest = new FlatBinary({
      name: 'boot.bin',
      bytes: new Uint8Array(16),
      address: 0x8000_0000,
      mode: 'protected',
    });
    expectRefusal(() => machine.run(guest), 'invalid-flat-binary', 'boot.bin', '0x80000000');
    machine.dispose();
  });

  it('a flat binary on the simulated kernel', () => {
    const guest = new FlatBinary({ name: 'boot.bin', bytes: new Uint8Array(16), address: 0x1000 });
    expectRefusal(() => Machine.create(isapc).run(guest), 'machine-code-guest', 'boot.bin', '-accel kvm');
  });
});
