// Prints where the package's public names lead for the program that runs this file.
const names = [
  'backplane',
  'backplane/runtime',
  'backplane/bus',
  'backplane/pci',
  'backplane/i2c',
  'backplane/spi',
  'backplane/x86',
  'backplane/virtio',
  'backplane/backend',
  'backplane/assembler',
  'backplane/testing',
  'backplane/testing/qemu',
  'backplane/node',
  'backplane/devices',
  'backplane/machines',
];
console.log(JSON.stringify(names.map((name) => import.meta.resolve(name))));
