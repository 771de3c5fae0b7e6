import { Facts, Hash, Table, Time } from '../components/parts.tsx';
import { ConsolePage, type Frame } from '../layout.tsx';

export interface LedgerPageProps {
  readonly frame: Frame;
  readonly checkpoint: {
    readonly size: number;
    readonly root: string;
    readonly signedAt: Temporal.Instant;
    readonly note: string;
  } | null;
  readonly verifierKey: string;
  readonly entries: readonly {
    readonly index: number;
    readonly leafHash: string;
    readonly entry: {
      readonly kind: string;
      readonly at: string;
      readonly actor: string;
      readonly facts: Readonly<Record<string, unknown>>;
    };
  }[];
  readonly names: ReadonlyMap<string, string>;
  readonly nextCursor: number | null;
}

/** The ledger: what happened stays said. */
export function LedgerPage({ frame, checkpoint, verifierKey, entries, names, nextCursor }: LedgerPageProps) {
  return (
    <ConsolePage title="Ledger" frame={frame} here="/console/ledger">
      <h1>Ledger</h1>
      <p>
        Every step is an entry that can only be added. It holds ids, digests, counts and dates, never what anybody said.
      </p>
      {checkpoint ? (
        <section class="card">
          <div class="figure">{checkpoint.size.toLocaleString('en')}</div>
          <p class="small muted">entries under the newest signed checkpoint</p>
          <Facts
            rows={[
              ['Root', <span class="hash">{checkpoint.root}</span>],
              ['Signed', <Time at={checkpoint.signedAt} zone={frame.zone} />],
              ['Verifier key', <span class="hash">{verifierKey}</span>],
            ]}
          />
          <details>
            <summary>The checkpoint itself: keep a copy, and next year it proves that nothing was rewritten</summary>
            <pre>{checkpoint.note}</pre>
          </details>
          <p class="small">
            Public at <a href="/ledger/checkpoint">/ledger/checkpoint</a>; check everything with{' '}
            <code>muniment ledger verify --from checkpoint.txt</code>.
          </p>
        </section>
      ) : null}
      <Table
        label="Entries"
        rows={entries}
        empty="Nothing is recorded yet."
        columns={[
          { head: 'Index', number: true, cell: ({ index }) => String(index) },
          { head: 'What', cell: ({ entry }) => <code>{entry.kind}</code> },
          { head: 'When', cell: ({ entry }) => <Time at={entry.at} zone={frame.zone} /> },
          { head: 'Who', cell: ({ entry }) => names.get(entry.actor) ?? entry.actor },
          { head: 'Facts', cell: ({ entry }) => <FactsLine facts={entry.facts} /> },
          { head: 'Leaf', cell: ({ leafHash }) => <Hash value={leafHash} /> },
        ]}
      />
      {nextCursor !== null ? <a href={`/console/ledger?before=${nextCursor}`}>Older entries</a> : null}
    </ConsolePage>
  );
}

function FactsLine({ facts }: { readonly facts: Readonly<Record<string, unknown>> }) {
  return (
    <span class="small">
      {Object.entries(facts).map(([name, value]) => (
        <span>
          <span class="muted">{name}</span> <Hash
            value={typeof value === 'string' ? value : JSON.stringify(value)}
          />{' '}
        </span>
      ))}
    </span>
  );
}

/** The policy set in force. */
export function PoliciesPage({
  frame,
  digest,
  content,
}: {
  readonly frame: Frame;
  readonly digest: string;
  readonly content: unknown;
}) {
  return (
    <ConsolePage title="Policies" frame={frame} here="/console/policies">
      <h1>Policies</h1>
      <p>
        The rules in force, as every run, request and export records them. They are changed in the policy files, checked
        with <code>muniment policy check</code>, and read at the next start.
      </p>
      <div class="card">
        <Facts rows={[['Digest', <span class="hash">{digest}</span>]]} />
      </div>
      {Object.entries(typeof content === 'object' && content !== null ? content : {}).map(([name, part]) => (
        <details class="card">
          <summary>{name}</summary>
          <pre>{JSON.stringify(part, null, 2)}</pre>
        </details>
      ))}
    </ConsolePage>
  );
}

/** The demonstration's outgoing mail. */
export function MailPage({
  frame,
  mails,
}: {
  readonly frame: Frame;
  readonly mails: readonly {
    readonly to: string;
    readonly subject: string;
    readonly text: string;
    readonly at: Temporal.Instant;
    readonly state: string;
  }[];
}) {
  return (
    <ConsolePage title="Mail" frame={frame} here="/console/mail">
      <h1>Outgoing mail</h1>
      <p>
        In the demonstration no mail leaves this machine; what would have been sent stands here. With SMTP_URL set it is
        sent, and this page is gone.
      </p>
      {mails.length === 0 ? (
        <div class="empty">
          Nothing was written yet. <a href="/">Make a request</a> and look here for the code.
        </div>
      ) : (
        mails.map(({ to, subject, text, at, state }) => (
          <article class="card">
            <h2>{subject}</h2>
            <p class="small muted">
              To {to}, <Time at={at} zone={frame.zone} />, {state}
            </p>
            <pre>{text}</pre>
          </article>
        ))
      )}
    </ConsolePage>
  );
}
