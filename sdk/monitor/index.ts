export { formatDeviceTree } from './device-tree.ts';
export { infoCoalesced, infoMtree, infoQtree, type MemoryTreeRequest } from './info.ts';
