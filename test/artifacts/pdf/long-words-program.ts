import { breakLines } from '../../../src/artifacts/pdf/lines.ts';

/** Break what nobody means to write: one word of two million letters, and many long words, each once. */
let lines = breakLines('ж'.repeat(2_000_000), 'regular', 40_000).length;
for (let i = 0; i < 1000; i++) lines += breakLines(`${'😀'.repeat(900)}${i}`, 'regular', 40_000).length;
process.stdout.write(String(lines));
