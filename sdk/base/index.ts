export { hex, nearest } from './text.ts';
