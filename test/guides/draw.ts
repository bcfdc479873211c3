// Prints forty sentences of the README and the guides, drawn by a seeded die: npx tsx test/guides/draw.ts SEED [COUNT]
import { drawn, wholeSentences } from './sentences.ts';

const [seed = '1', count = '40'] = process.argv.slice(2);
const all = wholeSentences();
const some = drawn(Number(seed), Number(count), all);
for (const [index, { page, text, words, openers }] of some.entries()) {
  const clauses = openers.length === 0 ? 'no clause' : openers.join(', ');
  console.log(`${index + 1}. ${text}\n   (${page}; ${words} words; ${clauses})`);
}
console.log(`\nSeed ${seed}: ${some.length} of ${all.length} sentences.`);
