export { type LinuxKernelOptions, linuxKernel } from './linux/kernel.ts';
export { isMultiboot } from './multiboot/header.ts';
export { type MultibootModule, type MultibootOptions, multibootImage } from './multiboot/image.ts';
