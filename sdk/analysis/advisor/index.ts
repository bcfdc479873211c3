/** What coalescing more would save: kept apart from the room's index, because only `backplane advise` needs it. */

export { type AdviseOptions, advise } from './advise.ts';
export { withSuggestion } from './changes.ts';
export type { Advice, CheckRange, RangeCheck, RangeToCheck, Suggestion } from './suggestion.ts';
export { type AdviceTextOptions, formatAdvice } from './text.ts';
