import { cliActor } from '../../src/cli/verb.ts';
import { readConfig } from '../../src/config.ts';
import { rotateKeys } from '../../src/flows/rotate-keys.ts';
import { openHouse } from '../../src/house.ts';

// Rotates the keys once, in small batches and at a given time: the program that rotate-keys-crash.test.ts kills.
const [at = '', rows = ''] = process.argv.slice(2);
const house = await openHouse(readConfig(process.env), {
  demo: false,
  publicUrl: 'http://localhost:3000',
  log: () => {},
  report: () => {},
  now: () => Temporal.Instant.from(at),
});
console.log(JSON.stringify(await rotateKeys(house.office, cliActor('test'), Number(rows))));
await house.close();
