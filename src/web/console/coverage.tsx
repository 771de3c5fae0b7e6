import type { Refusal } from '../../core/refusal.ts';
import type { CoveredKey } from '../../disposition/coverage.ts';
import type { Hold } from '../../disposition/hold.ts';
import type { SignedStatement } from '../../flows/reconcile-hold.ts';
import { Hash, Pill, PostForm, RefusalNotice, Table, Time } from '../components/parts.tsx';
import { ConsolePage, type Frame } from '../layout.tsx';

const shown = 20;

/** What a hold covered, statement by statement, and what is missing of it. */
export function CoveragePage({
  frame,
  hold,
  coverages,
  refusal,
}: {
  readonly frame: Frame;
  readonly hold: Hold;
  readonly coverages: readonly SignedStatement[];
  readonly refusal: Refusal | null;
}) {
  const [newest] = coverages;
  const gone = coverages.reduce((sum, { since }) => sum + (since ? since.vanished + since.moved : 0), 0);
  return (
    <ConsolePage title={`Coverage of ${hold.matter.reveal()}`} frame={frame} here="/console/holds">
      <p class="crumb">
        <a href="/console/holds">Holds</a> / <a href={`/console/holds/${hold.id}`}>{hold.matter.reveal()}</a>
      </p>
      <h1>Signed coverage</h1>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      {gone > 0 ? (
        <div class="notice danger" role="status">
          <p>
            <strong>
              {gone.toLocaleString('en')} held {gone === 1 ? 'record is' : 'records are'} gone or changed, and not by
              us.
            </strong>{' '}
            Ask whoever can write to the source, and keep its backups and logs.
          </p>
        </div>
      ) : newest ? (
        <div class="notice ok" role="status">
          <p>
            Nothing that was covered is missing, as of <Time at={newest.checkedAt} zone={frame.zone} />.
          </p>
        </div>
      ) : null}
      <p>
        What the hold covers is signed when it is placed, and again whenever it has changed. Every night the sources are
        compared with it.
      </p>
      <Table
        label="Statements"
        rows={coverages}
        empty="Nothing is signed yet: the hold is not in place, or signing failed and is tried again tonight."
        columns={[
          { head: 'Taken', cell: ({ takenAt }) => <Time at={takenAt} zone={frame.zone} /> },
          { head: 'Records', number: true, cell: ({ records }) => records.toLocaleString('en') },
          { head: 'Since the one before', cell: (coverage) => <Since coverage={coverage} /> },
          { head: 'Digest', cell: ({ digest }) => <Hash value={digest} /> },
        ]}
      />
      {coverages.flatMap(({ missing, since }) => {
        const { vanished, moved } = missing.reveal();
        return since && since.vanished + since.moved > 0 ? [...missingLists(vanished, moved)] : [];
      })}
      {frame.may('holds.place') && hold.state !== 'released' ? (
        <PostForm action={`/console/holds/${hold.id}/reconcile`}>
          <button type="submit" class="secondary">
            Compare now
          </button>
        </PostForm>
      ) : null}
    </ConsolePage>
  );
}

function Since({ coverage: { since } }: { readonly coverage: SignedStatement }) {
  if (since === null) return <>the first</>;
  const parts = [
    since.added > 0 ? `${since.added.toLocaleString('en')} new` : '',
    since.taken > 0 ? `${since.taken.toLocaleString('en')} taken by an order of ours` : '',
  ].filter((part) => part !== '');
  const bad = [
    since.vanished > 0 ? `${since.vanished.toLocaleString('en')} gone` : '',
    since.moved > 0 ? `${since.moved.toLocaleString('en')} no longer covered` : '',
  ].filter((part) => part !== '');
  return (
    <>
      {parts.join(', ')} {bad.length > 0 ? <Pill tone="danger">{bad.join(', ')}</Pill> : null}
    </>
  );
}

function missingLists(vanished: readonly CoveredKey[], moved: readonly CoveredKey[]) {
  return [
    { title: 'Gone', keys: vanished },
    { title: 'There, and no longer covered', keys: moved },
  ].flatMap(({ title, keys }) =>
    keys.length === 0
      ? []
      : [
          <section class="stack-tight">
            <h2>{title}</h2>
            <Table
              label={title}
              rows={keys.slice(0, shown)}
              empty=""
              columns={[
                { head: 'Dataset', cell: ({ dataset }) => <code>{dataset}</code> },
                { head: 'Key', cell: ({ key }) => <code>{key.join(' ')}</code> },
              ]}
            />
            {keys.length > shown ? (
              <p class="small muted">The first {shown}; the API lists up to a thousand of them.</p>
            ) : null}
          </section>,
        ],
  );
}
