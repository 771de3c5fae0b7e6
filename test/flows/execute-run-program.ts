import { readConfig } from '../../src/config.ts';
import { executeRun } from '../../src/flows/execute-run.ts';
import { bringLedgerUpToDate } from '../../src/flows/read-ledger.ts';
import { openHouse } from '../../src/house.ts';

// Works one run off, as a worker does: the program that purge-crash.test.ts kills at every step.
const house = await openHouse(readConfig(process.env), {
  demo: false,
  publicUrl: 'http://localhost:3000',
  log: () => {},
  report: () => {},
});
await executeRun(house.office, process.argv[2] ?? '');
await bringLedgerUpToDate(house.office);
await house.close();
