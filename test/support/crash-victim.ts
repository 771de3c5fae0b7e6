import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import postgres from 'postgres';

/** What crash.test.ts kills: a program that does two things in a transaction, or renames a file. */
const { VICTIM_URL, VICTIM_FOLDER } = process.env;

if (VICTIM_URL !== undefined) {
  const sql = postgres(VICTIM_URL, { max: 1 });
  await sql.begin(async (tx) => {
    for (const n of [1, 2]) await tx`insert into kept values (${n})`;
  });
  await sql.end();
}

if (VICTIM_FOLDER !== undefined) {
  await writeFile(join(VICTIM_FOLDER, 'making'), 'x');
  await rename(join(VICTIM_FOLDER, 'making'), join(VICTIM_FOLDER, 'made'));
  console.log('renamed');
}
