import type postgres from 'postgres';
import type { Drift } from '../../disposition/drift.ts';
import type { TableDataset } from '../../policy/data-map.ts';
import type { SourceShape } from '../sql/dialect.ts';
import { anyOf, heldConditions } from '../sql/held.ts';
import type { SqlConnection } from './connection.ts';
import { installJournal, readHeldGroups } from './journal.ts';
import { literal, name, table } from './words.ts';

/**
 * `enforceHolds: trigger`: a trigger on every mapped table has the source itself refuse to delete a held row, to empty a table
 * that has one, and to change the columns by which rows are named and reach each other, whoever asks. What is held is the same
 * predicate as a purge's; it is written anew, in the same transaction, whenever a hold is placed or lifted. Whoever may switch
 * triggers off (a superuser, the table's owner) is refused nothing: the nightly comparison is for them.
 */
const trigger = 'muniment_holds';

const guardOf = ({ id }: TableDataset) => `muniment.${name(`guard ${id}`)}`;

/** Put the triggers in place. To be run by a user who owns the tables, or has TRIGGER on them. */
export async function installGuards(connection: SqlConnection): Promise<readonly string[]> {
  await connection.reach();
  await installJournal(connection);
  const shape = await connection.shape();
  const { datasets } = connection.source;
  await connection.sql.begin(async (tx) => {
    await tx.unsafe(`SET LOCAL lock_timeout = '10s'`);
    await tx`SELECT pg_advisory_xact_lock(7165, 0)`;
    for (const dataset of datasets) await writeGuard(tx, shape, dataset);
    for (const dataset of datasets) {
      const on = `ON ${table(dataset)}`;
      await tx.unsafe(`DROP TRIGGER IF EXISTS ${trigger} ${on}; DROP TRIGGER IF EXISTS ${trigger}_all ${on};
        CREATE TRIGGER ${trigger} BEFORE DELETE OR UPDATE ${on} FOR EACH ROW EXECUTE FUNCTION ${guardOf(dataset)}();
        CREATE TRIGGER ${trigger}_all BEFORE TRUNCATE ${on} FOR EACH STATEMENT EXECUTE FUNCTION ${guardOf(dataset)}();`);
    }
  });
  return datasets.map(({ id }) => id);
}

/** Write the guards anew where they are in place, within the transaction that changed what is held. */
export async function renewGuards(
  tx: postgres.TransactionSql,
  { source }: SqlConnection,
  shape: SourceShape,
): Promise<void> {
  for (const dataset of source.datasets) {
    const [there] = await tx<{ there: boolean }[]>`
      SELECT to_regprocedure(${`${guardOf(dataset)}()`}) IS NOT NULL AS there`;
    if (there?.there) await writeGuard(tx, shape, dataset);
  }
}

async function writeGuard(tx: postgres.TransactionSql, shape: SourceShape, dataset: TableDataset): Promise<void> {
  const groups = await readHeldGroups(tx);
  const held = shape.types.has(dataset.id) ? anyOf(heldConditions(shape, dataset, 't', groups)) : null;
  const columns = [...new Set([...dataset.key, ...dataset.links.flatMap((link) => link.columns)])];
  const changed = columns.map((column) => `OLD.${name(column)} IS DISTINCT FROM NEW.${name(column)}`).join(' OR ');
  const refusal = (what: string) =>
    `RAISE EXCEPTION USING ERRCODE = 'restrict_violation', MESSAGE = ${literal(`${dataset.id}: ${what} under a legal hold`)}, HINT = 'Muniment keeps it until the hold is released.'`;
  const body = `BEGIN
    IF TG_OP = 'TRUNCATE' THEN
      IF EXISTS (SELECT 1 FROM ${table(dataset)} t WHERE ${held ?? 'false'}) THEN ${refusal('it has rows')}; END IF;
      RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN
      IF NOT (${changed}) THEN RETURN NEW; END IF;
    END IF;
    IF EXISTS (SELECT 1 FROM (SELECT OLD.*) t WHERE ${held ?? 'false'}) THEN ${refusal('this row is')}; END IF;
    IF TG_OP = 'UPDATE' THEN RETURN NEW; END IF;
    RETURN OLD;
  END`;
  await tx.unsafe(`CREATE OR REPLACE FUNCTION ${guardOf(dataset)}() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS ${literal(body)}`);
}

/** The mapped tables whose guard is missing or switched off. */
export async function missingGuards({ source, sql }: SqlConnection): Promise<readonly Drift[]> {
  const rows = await sql<{ called: string }[]>`
    SELECT n.nspname || '.' || c.relname AS called FROM pg_trigger g
      JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE g.tgname IN (${trigger}, ${`${trigger}_all`}) AND g.tgenabled IN ('O', 'A')
    GROUP BY 1 HAVING count(*) = 2`;
  const guarded = new Set(rows.map(({ called }) => called));
  return source.datasets.flatMap((dataset): Drift[] => {
    const called = `${dataset.table.schema}.${dataset.table.name}`;
    if (guarded.has(called)) return [];
    return [
      {
        source: source.name,
        subject: called,
        code: 'holds_not_enforced',
        detail: `enforceHolds is "trigger", and ${called} has no trigger of ours, or it is switched off. Run "source enforce" as a user who owns the table.`,
        level: 'drift',
      },
    ];
  });
}
