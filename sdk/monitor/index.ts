export { formatDeviceTree } from './device-tree.ts';
export { infoMtree, infoQtree, type MemoryTreeRequest } from './info.ts';
