import { tmpdir } from 'node:os';
import type { TestProject } from 'vitest/node';
import { beginRun } from './cluster.ts';
import { dropDatabasesOfRun } from './database.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder of this run, where its cluster lives. */
    testRun: string;
  }
}

/** Vitest's global setup: one run folder before all tests; its server stopped and the folder removed after them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const run = await beginRun();
  // What tests write goes with the run, also what a failed or killed one left.
  process.env.TEST_BASE = tmpdir();
  process.env.TMPDIR = run.temporary;
  project.provide('testRun', run.folder);
  return async () => {
    await dropDatabasesOfRun(run.folder);
    await run.end();
  };
}
