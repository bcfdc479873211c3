export { readBytes, writeBytes } from './bytes.ts';
export { captureShapes, type FailField, readFields, rebaseFields, writeFields } from './fields.ts';
export { describeDifference, type StateDifference, StateError, StateLoading } from './restore-plan.ts';
export {
  type EpochMove,
  type LoadPlan,
  type Shape,
  type StateDeclaration,
  type StateOptions,
  type StatePlace,
  type Subsection,
  state,
  stateOf,
  subsection,
} from './schema.ts';
export { guestTime, guestTimeOrNever, shape } from './shapes.ts';
