export { type Replay, type ReplaySetup, replayTrace } from './replay.ts';
