import { readConfig } from '../../src/config.ts';
import { systemActor } from '../../src/core/actor.ts';
import { executeRun } from '../../src/flows/execute-run.ts';
import { bringLedgerUpToDate } from '../../src/flows/read-ledger.ts';
import { resumeWork } from '../../src/flows/ring-bell.ts';
import { openHouse } from '../../src/house.ts';

// A worker with small batches: the program that i2-crash.test.ts kills. Without a run it takes up what was left.
const house = await openHouse(readConfig(process.env), {
  demo: false,
  publicUrl: 'http://localhost:3000',
  log: () => {},
  report: () => {},
});
const [run, rows] = process.argv.slice(2);
if (run === undefined) await resumeWork(house.office, systemActor);
else await executeRun(house.office, run, { rowsPerBatch: Number(rows), triesPerBatch: 1, pauseMs: 1 });
await bringLedgerUpToDate(house.office);
await house.close();
