export { infoBlock, infoChardev } from './backends.ts';
export { Monitor, type MonitorHost } from './commands.ts';
export { formatDeviceTree, infoMachine, infoMtree, infoQtree, type MemoryTreeRequest } from './info.ts';
export { type ObservedDevice, registerDocument, registerFacts } from './reference.ts';
export { infoRegisters } from './registers.ts';
export { checkTopic, infoHelp, infoText, infoTopicNames } from './topics.ts';
