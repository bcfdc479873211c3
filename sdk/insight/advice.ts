/** What coalescing more would save: kept apart from the room's index, because only `backplane advise` needs it. */
export { type Advice, type AdviseOptions, advise, type Suggestion } from './advise.ts';
export { withSuggestion } from './advise-apply.ts';
export { type AdviceTextOptions, formatAdvice } from './advise-text.ts';
export type { CheckRange, RangeCheck, RangeToCheck } from './advise-verdict.ts';
