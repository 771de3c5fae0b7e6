import { performance } from 'node:perf_hooks';
import { startEmbedded } from '../../../src/db/embedded/start.ts';

/**
 * A stand-in for the service, for the tests to start and kill: it starts the embedded database of the folder it is
 * given, says so in one line of JSON, and stops it when asked to end (or at once, with the word `once`).
 */
const [folder = '', once = ''] = process.argv.slice(2);
const began = performance.now();
try {
  const database = await startEmbedded({ folder, log: (line) => console.error(line) });
  console.log(JSON.stringify({ url: database.url('postgres'), port: database.port, ms: performance.now() - began }));
  if (once === 'once') {
    await database.stop();
  } else {
    const alive = setInterval(() => {}, 1000);
    process.once('SIGTERM', () => {
      void database.stop().then(() => clearInterval(alive));
    });
  }
} catch (error) {
  console.log(JSON.stringify({ error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }));
  process.exitCode = 1;
}
