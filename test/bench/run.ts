import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { csvWriter } from '../../src/artifacts/csv.ts';
import { readConfig } from '../../src/config.ts';
import { isRefusal } from '../../src/core/refusal.ts';
import { commit } from '../../src/db/commit.ts';
import { startEmbedded } from '../../src/db/embedded/start.ts';
import { sequenceLedger } from '../../src/db/ledger.ts';
import { executeRun } from '../../src/flows/execute-run.ts';
import { lookUpRun } from '../../src/flows/look-up.ts';
import { placeHold } from '../../src/flows/place-hold.ts';
import { planDisposition } from '../../src/flows/plan-run.ts';
import { openHouse } from '../../src/house.ts';
import { entry } from '../../src/ledger/entry.ts';
import { policiesFolder } from '../support/policies.ts';

// `npm run bench`: ours against the bare engine, in the same run, interleaved, medians of three. One JSON line each.
// BENCH_ROWS sets the size of the table of messages (half of them due).
const rows = Number(process.env.BENCH_ROWS ?? 200_000);
const rounds = 3;
// BENCH_LOG_MB: the size of the access log, half of whose lines are due.
const logMb = Number(process.env.BENCH_LOG_MB ?? 100);

const sources = `sources:
  app:
    kind: postgres
    url: \${BENCH_URL}
    datasets:
      messages:
        table: public.messages
        key: [id]
        time: sent_at
        links: { conversation_id: { to: conversations.id } }
        fields: { body: { category: communication.content, text: true } }
      conversations: { table: public.conversations, key: [id], onDispose: { messages: restrict } }
    exempt: { public.copy_of_messages: The same rows for the bare engine. , public.plain: The same entries for the bare engine. }
  logs:
    kind: files
    root: \${BENCH_LOGS}
    datasets:
      access: { folder: ., match: "access-{date}.log", unit: line, format: combined }
`;
const retention = `rules:
  messages: { datasets: [app.messages], keep: P3Y, dispose: destroy, schedule: "15 2 * * *", authority: bench }
  logs: { datasets: [logs.access], keep: P18M, dispose: destroy, schedule: "15 2 * * *", authority: bench }
`;

function print(bench: string, value: number, unit: string, ratio: number): void {
  const peakRssMb = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(
    JSON.stringify({ bench, value: Math.round(value), unit, ratio: Math.round(ratio * 1000) / 1000, peakRssMb }),
  );
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** An access log whose old and new lines follow each other by turns, as those of several servers do when merged. */
function accessLog(): string {
  const lines: string[] = [];
  let bytes = 0;
  for (let at = 0; bytes < logMb * 1e6; at++) {
    const year = at % 2 === 0 ? 2019 : 2099;
    const line = `192.0.2.${at % 250} - user${at % 5000} [${String((at % 28) + 1).padStart(2, '0')}/May/${year}:10:${String(at % 60).padStart(2, '0')}:00 +0000] "GET /conversations/${at}/messages?page=${at % 9} HTTP/1.1" 200 ${at % 90_000} "https://kinfolk.example.com/inbox" "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"\n`;
    bytes += line.length;
    lines.push(line);
  }
  return lines.join('');
}

const folder = mkdtempSync(join(tmpdir(), 'muniment-bench-'));
const logs = join(folder, 'logs');
mkdirSync(logs);
const server = await startEmbedded({ folder: join(folder, 'database'), log: () => {} });
await server.ensureDatabase('muniment');
await server.ensureDatabase('bench');
const sql = postgres(server.url('bench'), { max: 2, onnotice: () => {} });

async function fill(name: string): Promise<void> {
  // Qualified: the role is called as Muniment's own schema is, which then stands first in its search path.
  const table = `public.${name}`;
  await sql.unsafe(`DROP TABLE IF EXISTS ${table} CASCADE;
    CREATE TABLE ${table} (id bigint PRIMARY KEY, conversation_id int NOT NULL, sender_id int NOT NULL, sent_at timestamptz NOT NULL, body text NOT NULL);
    INSERT INTO ${table} SELECT n, n % 10000, n % 2000, now() - interval '6 years' + n * (interval '6 years' / ${rows}), repeat(md5(n::text), 6) FROM generate_series(1, ${rows}) n;
    CREATE INDEX ON ${table} (sent_at, id); CREATE INDEX ON ${table} (conversation_id, sent_at);`);
  await sql.unsafe(`VACUUM ANALYZE ${table}`);
}

try {
  await sql.unsafe(
    'CREATE TABLE conversations (id int PRIMARY KEY); INSERT INTO conversations SELECT generate_series(0, 9999); CREATE TABLE plain (id bigserial PRIMARY KEY, bytes bytea NOT NULL)',
  );
  await fill('messages');
  await fill('copy_of_messages');
  const config = readConfig({
    DATABASE_URL: server.url('muniment'),
    MUNIMENT_DATA: folder,
    MUNIMENT_MASTER_KEY: '11'.repeat(32),
    MUNIMENT_POLICIES: policiesFolder({ 'sources.yaml': sources, 'retention.yaml': retention }),
    BENCH_URL: server.url('bench'),
    BENCH_LOGS: logs,
  });
  const house = await openHouse(config, { demo: true, publicUrl: 'http://localhost', log: () => {}, report: () => {} });
  const { office } = house;
  const officer = { id: 'act_bench', kind: 'token', role: 'compliance', approval: 'token' } as const;

  // One conversation in a hundred is held.
  const keys = { 'app.messages': Array.from({ length: 100 }, (_, at) => ({ conversation_id: String(at * 100) })) };
  const hold = await placeHold(office, officer, {
    matter: 'Bench',
    reason: 'bench',
    scope: { keys },
    demandId: null,
    requestId: null,
  });
  if (isRefusal(hold)) throw new Error(hold.detail);

  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await fill('messages');
    await fill('copy_of_messages');
    bare.push(await seconds(() => sql`DELETE FROM copy_of_messages WHERE sent_at < now() - interval '3 years'`));
    const planned = await planDisposition(office, officer, { rules: ['messages'], dryRun: false });
    if (isRefusal(planned)) throw new Error(planned.detail);
    if (planned.state === 'refused') throw new Error(planned.refusal?.detail);
    ours.push(await seconds(() => executeRun(office, planned.id)));
    const run = await lookUpRun(office, planned.id);
    if (isRefusal(run) || run.state !== 'completed' || (run.parts[0]?.destroyed ?? 0) < rows * 0.4)
      throw new Error('the run did not do its work');
  }
  print(
    'purge with holds, content proof and journal, against one bare DELETE',
    rows / 2 / median(ours),
    'rows/s',
    median(bare) / median(ours),
  );

  const [csvOurs, csvBare]: [number[], number[]] = [[], []];
  const exported = office.sources.get('app');
  for (let round = 0; round < rounds; round++) {
    csvBare.push(
      await seconds(async () => {
        const stream =
          await sql`COPY (SELECT id, conversation_id, sender_id, sent_at, body FROM copy_of_messages) TO STDOUT (FORMAT csv)`.readable();
        for await (const _ of stream);
      }),
    );
    csvOurs.push(
      await seconds(async () => {
        const columns = ['id', 'conversation_id', 'sender_id', 'sent_at', 'body'];
        const writer = csvWriter({ write: async () => {} }, columns);
        const scope = { subjects: [], keys: {}, datasets: ['app.messages'], from: null, to: null };
        for await (const row of exported?.readScope('app.messages', scope) ?? []) {
          const waiting = writer.row(columns.map((column) => row[column] ?? null));
          if (waiting) await waiting;
        }
        await writer.end();
      }),
    );
  }
  print(
    'CSV export of messages, against COPY TO STDOUT',
    rows / 2 / median(csvOurs),
    'rows/s',
    median(csvBare) / median(csvOurs),
  );

  const entries = 2000;
  const [ledgerOurs, ledgerBare]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    ledgerBare.push(
      await seconds(async () => {
        for (let at = 0; at < entries; at++) await sql`INSERT INTO plain (bytes) VALUES (${Buffer.alloc(210, 1)})`;
      }),
    );
    ledgerOurs.push(
      await seconds(async () => {
        for (let at = 0; at < entries; at++)
          await commit(office.store, {
            state: [],
            entries: [entry('run.paused', office.now(), 'bench', { run: `run_${at}` })],
            tasks: [],
          });
        await sequenceLedger(office.store.db, office.checkpointSigner, office.now());
      }),
    );
  }
  print(
    'ledger appends one by one, sequenced and signed, against plain inserts',
    entries / median(ledgerOurs),
    'entries/s',
    median(ledgerBare) / median(ledgerOurs),
  );

  const [logOurs, logBare]: [number[], number[]] = [[], []];
  const text = accessLog();
  const log = join(logs, 'access-20200101.log');
  for (let round = 0; round < rounds; round++) {
    writeFileSync(log, text);
    utimesSync(log, new Date('2020-02-01'), new Date('2020-02-01'));
    const bare = join(folder, 'grep.log');
    logBare.push(await seconds(async () => execFileSync('sh', ['-c', `grep -v /2019: '${log}' > '${bare}'`])));
    const planned = await planDisposition(office, officer, { rules: ['logs'], dryRun: false });
    if (isRefusal(planned)) throw new Error(planned.detail);
    if (planned.state === 'refused') throw new Error(planned.refusal?.detail);
    logOurs.push(await seconds(() => executeRun(office, planned.id)));
    if (!readFileSync(log).equals(readFileSync(bare))) throw new Error('the log is not what grep left of it');
  }
  print(
    'purge of the lines of an access log, with content proof and journal, against grep -v',
    text.length / 1e6 / median(logOurs),
    'MB/s',
    median(logBare) / median(logOurs),
  );
  await house.close();
} finally {
  await sql.end();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
