import { describe, expect, it } from 'vitest';
import { Capability, Errno, SystemRequest, VcpuRequest, VmRequest } from '../../sdk/accelerator/kvm/abi.ts';
import { SimulatedKernel } from '../../sdk/accelerator/kvm/simulated-kernel/simulated-kernel.ts';
import { expectRefusal } from '../refusal.ts';
import { KernelBench } from './kernel-bench.ts';

describe('file descriptors and requests', () => {
  it('open /dev/kvm, make VMs and vCPUs, and give each the lowest free number', () => {
    const kernel = new SimulatedKernel();
    const system = kernel.open('/dev/kvm');
    const vm = kernel.ioctl(system, SystemRequest.CreateVm, 0);
    const vcpu = kernel.ioctl(vm, VmRequest.CreateVcpu, 0);
    expect([system, vm, vcpu]).toEqual([3, 4, 5]);
    expect(kernel.close(vm)).toBe(0);
    expect(kernel.eventfd()).toBe(4);
    expect(kernel.ioctl(vcpu, VcpuRequest.GetRegisters, new Uint8Array(144))).toBe(0);
  });

  it.each<[string, (bench: KernelBench) => number, number]>([
    ['the API version is 12', ({ kernel }) => kernel.ioctl(3, SystemRequest.GetApiVersion, 0), 12],
    ['the mapping of a vCPU is three pages', ({ kernel }) => kernel.ioctl(3, SystemRequest.GetVcpuMmapSize, 0), 12288],
    [
      'the ring is on page 2',
      ({ kernel }) => kernel.ioctl(3, SystemRequest.CheckExtension, Capability.CoalescedMmio),
      2,
    ],
    ['ports coalesce', ({ kernel }) => kernel.ioctl(3, SystemRequest.CheckExtension, Capability.CoalescedPio), 1],
    [
      'a VM answers for capabilities too',
      ({ kernel, vmFd }) => kernel.ioctl(vmFd, SystemRequest.CheckExtension, 162),
      1,
    ],
    [
      'there is no interrupt controller',
      ({ kernel }) => kernel.ioctl(3, SystemRequest.CheckExtension, Capability.Irqchip),
      0,
    ],
    ['an unknown capability is 0', ({ kernel }) => kernel.ioctl(3, SystemRequest.CheckExtension, 99_999), 0],
    ['the TSS address is stored', ({ kernel, vmFd }) => kernel.ioctl(vmFd, VmRequest.SetTssAddress, 0xfffb_d000), 0],
  ])('%s', (_name, ask, answer) => expect(ask(new KernelBench())).toBe(answer));

  it.each<[string, (bench: KernelBench) => number, number]>([
    ['a path that is not /dev/kvm', ({ kernel }) => kernel.open('/dev/null'), Errno.ENOENT],
    ['a number that is not open', ({ kernel }) => kernel.ioctl(77, VcpuRequest.Run, 0), Errno.EBADF],
    ['a negative number', ({ kernel }) => kernel.ioctl(-1, VcpuRequest.Run, 0), Errno.EBADF],
    ['closing what is not open', ({ kernel }) => kernel.close(77), Errno.EBADF],
    ['an unknown request', ({ kernel }) => kernel.ioctl(3, 0xaeff, 0), Errno.ENOTTY],
    ['a request of a vCPU to a VM', ({ kernel, vmFd }) => kernel.ioctl(vmFd, VcpuRequest.Run, 0), Errno.ENOTTY],
    [
      'a request of a VM to a vCPU',
      ({ kernel, vcpuFds }) => kernel.ioctl(vcpuFds[0]!, VmRequest.CreateVcpu, 1),
      Errno.ENOTTY,
    ],
    [
      'only the number of a request',
      ({ kernel, vmFd }) => kernel.ioctl(vmFd, 0xae67, new Uint8Array(16)),
      Errno.ENOTTY,
    ],
    ['a request to an eventfd', ({ kernel }) => kernel.ioctl(kernel.eventfd(), VcpuRequest.Run, 0), Errno.ENOTTY],
    ['a type of VM', ({ kernel }) => kernel.ioctl(3, SystemRequest.CreateVm, 1), Errno.EINVAL],
    ['an argument to the API version', ({ kernel }) => kernel.ioctl(3, SystemRequest.GetApiVersion, 1), Errno.EINVAL],
    ['an argument to KVM_RUN', ({ kernel, vcpuFds }) => kernel.ioctl(vcpuFds[0]!, VcpuRequest.Run, 1), Errno.EINVAL],
    ['the id of a vCPU that exists', ({ kernel, vmFd }) => kernel.ioctl(vmFd, VmRequest.CreateVcpu, 0), Errno.EEXIST],
    [
      'the id of a vCPU beyond the last',
      ({ kernel, vmFd }) => kernel.ioctl(vmFd, VmRequest.CreateVcpu, 1024),
      Errno.EINVAL,
    ],
    [
      'a number where a struct belongs',
      ({ kernel, vmFd }) => kernel.ioctl(vmFd, VmRequest.RegisterCoalescedMmio, 0),
      Errno.EFAULT,
    ],
    [
      'a struct cut short',
      ({ kernel, vmFd }) => kernel.ioctl(vmFd, VmRequest.RegisterCoalescedMmio, new Uint8Array(15)),
      Errno.EFAULT,
    ],
    [
      'an identity map behind the first vCPU',
      ({ kernel, vmFd }) => kernel.ioctl(vmFd, VmRequest.SetIdentityMapAddress, new Uint8Array(8)),
      Errno.EINVAL,
    ],
    [
      'a TSS without room',
      ({ kernel, vmFd }) => kernel.ioctl(vmFd, VmRequest.SetTssAddress, 0xffff_f000),
      Errno.EINVAL,
    ],
  ])('are refused: %s', (_name, ask, errno) => {
    const bench = new KernelBench();
    expect([ask(bench), bench.kernel.errno]).toEqual([-1, errno]);
  });

  it('read structs where a view begins, not where its buffer does', () => {
    const bench = new KernelBench();
    const buffer = new DataView(new ArrayBuffer(64));
    buffer.setBigUint64(24, 0x70n, true);
    buffer.setUint32(32, 1, true);
    buffer.setUint32(36, 1, true);
    const zone = new Uint8Array(buffer.buffer, 24, 16);
    expect(bench.request(bench.vmFd, VmRequest.RegisterCoalescedMmio, zone)).toBe(0);
    bench.attach(function* (guest) {
      yield* guest.out8(0x70, 1);
    });
    bench.run();
    expect(bench.ring.pending).toBe(1);
  });

  it('map one ring page for all vCPUs of a VM, and another for another VM', () => {
    const bench = new KernelBench({ vcpus: 2 });
    const [first, second] = bench.vcpuFds;
    expect(bench.kernel.mapVcpuPage(first!, 2)).toBe(bench.kernel.mapVcpuPage(second!, 2));
    expect(bench.kernel.mapVcpuPage(first!, 0)).not.toBe(bench.kernel.mapVcpuPage(second!, 0));
    const vm = bench.kernel.ioctl(3, SystemRequest.CreateVm, 0);
    const other = bench.kernel.ioctl(vm, VmRequest.CreateVcpu, 0);
    expect(bench.kernel.mapVcpuPage(other, 2)).not.toBe(bench.kernel.mapVcpuPage(first!, 2));
    expectRefusal(() => bench.kernel.mapVcpuPage(vm, 0), 'invalid-kernel-call', `file descriptor ${vm}`);
  });
});
