import { setTimeout as pause } from 'node:timers/promises';

/** Ask until there is an answer. @throws when there is none in time */
export async function waitUntil<T>(ask: () => Promise<T | undefined | null | false>, limitMs = 30_000): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== null && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`waited ${limitMs} ms for nothing`);
    await pause(50);
  }
}
